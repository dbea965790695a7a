// Package web is the agent's HTTP endpoint: metrics, health, reload, and the pages that IT and marketing keep open, with
// the same numbers as JSON and as badges. TLS, basic auth and client certificates come from exporter-toolkit and cover
// every route. No route takes a target from its caller; only POST /-/reload changes anything, and only a POST to a
// touchpoint's page makes the agent probe.
//
// Every score on a page is one that Views read; the package computes none. Every page is complete without JavaScript; the
// scripts keep it up to date, tell times in the reader's zone, and let charts be read with a pointer.
//
// It imports the domain, quality, recent, record and view; what it shows comes through Source and Views.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/view"
)

// Source is the agent behind the endpoint. Its methods are safe for concurrent use.
type Source interface {
	// Channels returns the channels in force; the caller changes nothing in them.
	Channels() []*probe.Channel
	// Notices are sentences that a reader must know, such as that the last reload was refused.
	Notices() []string
	// ConfigView returns the configuration in force, without secrets, to be encoded as JSON.
	ConfigView() any
	// Reload reads the configuration again; its error says why it was refused.
	Reload() error
	// Ready says whether probing has begun.
	Ready() bool
}

// Views answers with what the recorded series say. Its methods are safe for concurrent use; what they return is changed by
// nobody. A name that the series do not know is an error that wraps view.ErrNotFound.
type Views interface {
	Overview(ctx context.Context, back view.Range) (*view.Overview, error)
	Channel(ctx context.Context, name string, back view.Range) (*view.ChannelPage, error)
	Touchpoint(ctx context.Context, channel, name string, back view.Range) (*view.TouchpointPage, error)
	// Incidents returns those of one channel, or of all when channel is empty, the newest first.
	Incidents(ctx context.Context, channel string, back view.Range) ([]view.Incident, error)
}

// Options configures a Server. Source, Recent, Catalogue, Metrics and Log must be set.
type Options struct {
	Source        Source
	Recent        *recent.Ring
	Catalogue     *probe.Catalogue
	Metrics       http.Handler // serves /metrics
	Version       string
	Location      string // of the agent
	WebConfigFile string // exporter-toolkit web configuration; empty for none
	Pprof         bool   // serve /debug/pprof/
	Demo          bool   // whether everything on the page is made up, which the page then says
	Log           *slog.Logger

	// Views is where scores come from; nil leaves the pages with the last result of every touchpoint.
	Views Views
	// History says in a sentence what is wrong with the history, "" when nothing is, and whether Views can be asked. nil
	// stands for Views that are always ready, or for none.
	History func() (why string, ready bool)
	// QueryAPI serves everything under /api/v1/ that is not the pages' own: the Prometheus API. nil for none.
	QueryAPI http.Handler
	// Probe probes a touchpoint once, now, without counting the result. nil takes the button off the pages.
	Probe func(ctx context.Context, channel, touchpoint string) (record.Record, error)
	// Picture returns a picture that a result names, and false when it is not kept, or no longer. nil stands for none.
	Picture func(id string) (media string, data []byte, ok bool)
	// Updates returns a number that grows when there is something new to show. It is called every second for every open
	// page. nil: pages ask again by themselves.
	Updates func() uint64
	// GrafanaURL is where the bundled dashboards can be found; empty for nowhere.
	GrafanaURL string
	// ExternalURL is where readers reach this agent, without a trailing slash; empty when it is not known.
	ExternalURL string
}

// Server serves the endpoint on one listener.
type Server struct {
	configFile string
	log        *slog.Logger
	http       http.Server
}

// New returns a server of the agent's whole endpoint.
func New(opts Options) (*Server, error) {
	if err := ValidateConfig(opts.WebConfigFile); err != nil {
		return nil, fmt.Errorf("web_config_file %q: %w", opts.WebConfigFile, err)
	}
	closing := make(chan struct{})
	handler, err := newHandler(&opts, closing)
	if err != nil {
		return nil, err
	}
	server := newServer(handler, opts.WebConfigFile, opts.Log)
	server.http.RegisterOnShutdown(sync.OnceFunc(func() { close(closing) }))
	return server, nil
}

// newServer returns a server with the deadlines and bounds that hold on every listener.
func newServer(handler http.Handler, configFile string, log *slog.Logger) *Server {
	return &Server{configFile: configFile, log: log, http: http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
}

// Serve serves until Stop; it returns nil then. On a loopback listener it answers only requests that ask for a loopback
// host.
func (s *Server) Serve(listener net.Listener) error {
	if Loopback(listener.Addr()) {
		s.http.Handler = onlyLoopback(s.http.Handler)
	}
	systemd := false
	flags := web.FlagConfig{
		WebListenAddresses: &[]string{listener.Addr().String()},
		WebSystemdSocket:   &systemd,
		WebConfigFile:      &s.configFile,
	}
	if err := web.Serve(listener, &s.http, &flags, s.log); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	}
	return nil
}

// Stop ends serving; it waits for requests that run until ctx ends, and then cuts them off. Streams of events end at once.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil && ctx.Err() != nil {
		return s.http.Close()
	}
	return err
}

// ValidateConfig returns what is wrong with an exporter-toolkit web configuration; an empty path is none.
func ValidateConfig(path string) error { return web.Validate(path) }
