// Package agent puts the parts together: it builds everything that a configuration asks for, runs it, reloads it and
// stops it. It is the only package that knows all the others. It never touches signals, flags or standard streams, so
// that tests and other programs can run several agents in one process.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/control"
	"github.com/channelwatch/channelwatch/internal/host"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/schedule"
	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

// StopTimeout is how long Run waits for running probes and requests once it is told to stop.
const StopTimeout = 5 * time.Second

// Options configures an Agent.
type Options struct {
	Config   *config.Config                 // to start with; required; the agent owns it
	Load     func() (*config.Config, error) // reads the configuration again, for a reload; required
	Watch    bool                           // whether a change of Config.Files reloads
	Kinds    []probe.Kind                   // required
	Receipts *ledger.Ledger                 // that Kinds were made with; required when the configuration listens for receipts
	Demo     bool                           // whether all that is probed is made up, which the page then says
	Log      *slog.Logger                   // required
	Version  string
	Revision string
}

// Agent probes the channels of a configuration. Its methods are safe for concurrent use.
type Agent struct {
	opts      Options // without the configuration, which lives in config
	log       *slog.Logger
	catalogue *probe.Catalogue
	listener  net.Listener
	web       *web.Server
	public    *web.Server  // the page for everybody; nil for none
	open      net.Listener // of public
	field     field
	receipts  Receipts
	album     *album
	past      past
	metrics   *metrics.Metrics
	recent    *recent.Ring
	observer  *host.Observer   // also where the host is not read: it judges the agent itself
	host      *host.Host       // nil when the configuration turns it off
	control   *control.Control // nil when the configuration turns it off
	starved   func(from, to time.Time) (starved bool, why string)
	schedule  *schedule.Scheduler
	ready     atomic.Bool

	reloading sync.Mutex // one reload at a time

	mu      sync.RWMutex   // guards the fields below
	config  *config.Config // in force
	refused string         // why the last reload was refused; empty when it was not
	watched []string       // files of the last configuration that was read, refused or not
}

// New builds an agent and binds its address, so that a port in use is an error here. It takes over the configuration:
// when it fails, the configuration is closed.
func New(opts Options) (*Agent, error) {
	cfg := own(opts.Config)
	a, err := build(opts, cfg)
	if err != nil {
		cfg.Close()
		return nil, err
	}
	share(a.metrics, a.config)
	a.album.keepOnly(a.config.Touchpoints())
	a.metrics.Apply(counted(a.config.Channels), a.config.Agent.Serves)
	a.metrics.Reloaded(true, time.Now(), a.config.Hash)
	a.schedule.Apply(a.config.Touchpoints())
	return a, nil
}

func build(opts Options, cfg *config.Config) (_ *Agent, err error) {
	catalogue, err := probe.NewCatalogue(opts.Kinds)
	if err != nil {
		return nil, err
	}
	opts.Config = nil // it would hold on to what a reload lets go
	a := &Agent{
		opts: opts, log: opts.Log, catalogue: catalogue, config: cfg, watched: cfg.Files,
		recent: recent.New(cfg.Agent.RecentBytes),
		metrics: metrics.New(metrics.Options{
			Catalogue: catalogue, Version: opts.Version, Revision: opts.Revision, Location: cfg.Agent.Location,
			SeriesLimit: cfg.Agent.SeriesLimit, Log: opts.Log,
		}),
	}
	defer func() {
		if err != nil {
			a.unlisten()
		}
	}()
	a.schedule = schedule.New(schedule.Options{
		Report: a.report, Stats: a.metrics, MaxConcurrent: cfg.Agent.MaxConcurrent, PerHost: cfg.Agent.PerHost,
		Lines: lines(opts.Kinds, cfg), Log: opts.Log,
	})
	if err := a.buildObservers(&cfg.Host, &cfg.Control); err != nil {
		return nil, err
	}
	if a.listener, err = listen("agent.listen", cfg.Agent.Listen); err != nil {
		return nil, err
	}
	url := externalURL(cfg, a.listener.Addr())
	if a.past, err = a.newPast(cfg, url); err != nil {
		return nil, err
	}
	if err := a.buildPages(cfg, url); err != nil {
		return nil, err
	}
	if a.field, err = newField(&cfg.RUM, opts.Log); err != nil {
		return nil, err
	}
	if a.receipts, err = ListenForReceipts(&cfg.Receipts, opts.Receipts, opts.Log); err != nil {
		return nil, err
	}
	a.album = newAlbum(&cfg.Evidence, visiting(opts.Kinds, cfg), opts.Log)
	return a, nil
}

// buildPages builds what serves readers.
func (a *Agent) buildPages(cfg *config.Config, url string) (err error) {
	opts := web.Options{
		Source: a, Recent: a.recent, Catalogue: a.catalogue, Metrics: a.metricsHandler(), Version: a.opts.Version,
		Location: cfg.Agent.Location, WebConfigFile: cfg.Agent.WebConfigFile, Pprof: cfg.Agent.Pprof, Demo: a.opts.Demo, Log: a.log,
		History: a.past.state, Probe: a.probeNow, Picture: func(id string) (string, []byte, bool) { return a.album.get(id) },
		Updates: a.past.updates, ExternalURL: url, GrafanaURL: cfg.Pages.GrafanaURL,
	}
	if a.past.store != nil {
		opts.QueryAPI = a.past.store.API()
	}
	if a.past.engine != nil {
		opts.Views = view.New(view.Options{Engine: a.past.engine})
	}
	if a.web, err = web.New(opts); err != nil || cfg.Public.Listen == "" {
		return err
	}
	a.public, err = web.NewPublic(web.PublicOptions{
		Views: opts.Views, History: opts.History, Channels: cfg.Public.Channels, Title: cfg.Public.Title,
		Demo: a.opts.Demo, WebConfigFile: cfg.Public.WebConfigFile, Log: a.log,
	})
	if err != nil {
		return fmt.Errorf("public: %w", err)
	}
	a.open, err = listen("public.listen", cfg.Public.Listen)
	return err
}

func listen(field, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return l, nil
}

// unlisten gives back the addresses of an agent that cannot be built.
func (a *Agent) unlisten() {
	for _, l := range []net.Listener{a.listener, a.open, a.field.listener, a.receipts.listener} {
		if l != nil {
			_ = l.Close() // nothing was accepted
		}
	}
}

// buildObservers builds what tells the agent's own troubles from those of a channel.
func (a *Agent) buildObservers(h *config.Host, c *config.Control) (err error) {
	a.observer = host.NewObserver(host.ObserverOptions{})
	a.starved = a.observer.Starved
	a.host, err = newHost(h, a.log)
	if err != nil {
		return err
	}
	if c.Enabled {
		a.control, err = control.New(control.Options{
			Targets: c.Targets, Every: c.Every, Timeout: c.Timeout, OnChange: a.networkChanged,
		})
		if err != nil {
			return fmt.Errorf("control: %w", err)
		}
	}
	return nil
}

// newHost returns what reads the host, or nil when that is turned off.
func newHost(h *config.Host, log *slog.Logger) (*host.Host, error) {
	if !h.Enabled {
		return nil, nil //nolint:nilnil // an agent without a host is one that does not read it
	}
	reader, err := host.New(host.Options{
		Root: h.Root, Collectors: h.Collectors, Filesystems: host.Filter(h.Filesystems), Mounts: host.Filter(h.Mounts),
		Disks: host.Filter(h.Disks), Interfaces: host.Filter(h.Interfaces), Processes: h.Processes,
		MaxAge: h.MaxAge, Timeout: h.Timeout, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	return reader, nil
}

// Addr returns the address that the agent serves.
func (a *Agent) Addr() string { return a.listener.Addr().String() }

// Run probes and serves until ctx ends, then stops: probes that run are waited for, for StopTimeout at most, and the
// history is closed after the last of them. It returns nil after a clean stop, and cancelling what takes longer is one.
// Call it once.
func (a *Agent) Run(ctx context.Context) error {
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	var tasks sync.WaitGroup
	tasks.Go(func() { a.observer.Run(background) })
	if a.control != nil {
		tasks.Go(func() { a.control.Run(background) })
	}
	if a.opts.Watch {
		tasks.Go(func() { a.watchFiles(background) })
	}
	closePast := a.past.run(background)
	a.start() //nolint:contextcheck // probes belong to the schedule, which stops them in order
	served := a.serve()

	var failure error
	select {
	case <-ctx.Done():
	case failure = <-served: // an endpoint broke: an agent that nobody can see is of no use
	}
	a.ready.Store(false)
	a.log.Info("stopping")
	deadline, cancel := context.WithTimeout(background, StopTimeout)
	defer cancel()
	err := errors.Join(a.schedule.Stop(deadline), a.web.Stop(deadline))
	if a.public != nil {
		err = errors.Join(err, a.public.Stop(deadline))
	}
	if a.field.server != nil {
		err = errors.Join(err, a.field.server.Stop(deadline))
	}
	err = errors.Join(err, a.receipts.Stop(deadline))
	for err := range served { // a server that was told to stop returns nil
		failure = errors.Join(failure, err)
	}
	closePast()
	stopBackground()
	tasks.Wait()
	return errors.Join(err, failure, a.album.close())
}

// serve serves every endpoint. The channel tells the end of each, and is closed after the last.
func (a *Agent) serve() <-chan error {
	ended := make(chan error, 4)
	var serving sync.WaitGroup
	serving.Go(func() { ended <- a.web.Serve(a.listener) })
	if a.public != nil {
		serving.Go(func() { ended <- a.public.Serve(a.open) })
	}
	if a.field.server != nil {
		serving.Go(func() { ended <- a.field.server.Serve(a.field.listener) })
	}
	if a.receipts.server != nil {
		serving.Go(func() { ended <- a.receipts.Serve() })
	}
	go func() {
		serving.Wait()
		close(ended)
	}()
	return ended
}

// start begins to probe what is in force: a reload may have been asked for before.
func (a *Agent) start() {
	a.schedule.Start()
	a.ready.Store(true)
	cfg := a.inForce()
	a.log.Info("probing", "channels", len(cfg.Channels), "touchpoints", len(cfg.Touchpoints()), "address", a.Addr())
	if cfg.Agent.WebConfigFile == "" && !web.Loopback(a.listener.Addr()) {
		a.log.Warn("open to the network without a password: set agent.web_config_file, or listen on 127.0.0.1", "address", a.Addr())
	}
	if !cfg.Browser.Sandbox && visiting(a.opts.Kinds, cfg) {
		a.log.Warn("browsers run without a sandbox: a page that breaks out of one has the rights of its user; remove browser.sandbox: false where you can")
	}
	if a.open != nil {
		a.log.Info("public page", "address", a.open.Addr().String(), "channels", cfg.Public.Channels)
	}
	if a.field.listener != nil {
		a.log.Info("listening for beacons", "address", a.field.listener.Addr().String())
	}
	if a.receipts.listener != nil {
		a.log.Info("listening for receipts", "address", a.receipts.listener.Addr().String())
	}
}

// networkChanged exports and logs what the control probe found, once for each change.
func (a *Agent) networkChanged(state control.State) {
	a.metrics.SetBlind(state.Blind)
	if state.Blind {
		a.log.Warn("own network is gone, channels read unknown", "why", state.Why)
		return
	}
	a.log.Info("own network works", "known", state.Known, "why", state.Why)
}
