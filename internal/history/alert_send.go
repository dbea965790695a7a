//go:build !nohistory

package history

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/notifier"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

const (
	// queueCapacity is how many alerts wait for an Alertmanager; the default of a Prometheus server.
	queueCapacity = 10_000
	// flushWithin is how long a store that closes waits until all Alertmanagers have taken what is there.
	flushWithin = 5 * time.Second

	alertsQueued = "prometheus_notifications_queue_length" // series of upstream
)

// sender sends alerts to Alertmanagers. A nil sender sends nothing.
type sender struct {
	conf *config.Config
	log  *slog.Logger

	mu       sync.Mutex
	manager  *notifier.Manager // nil while nothing runs
	registry *metrics.Registry // of manager
	clients  map[*http.Client]struct{}
	requests int // on their way
}

// newSender returns nil without Alertmanagers.
func newSender(opts Options) (*sender, error) {
	parsed, hide, err := parseAlerting(opts.Alerting)
	if err != nil || len(parsed.AlertmanagerConfigs) == 0 {
		return nil, err
	}
	for _, am := range parsed.AlertmanagerConfigs {
		am.RelabelConfigs = append([]*relabel.Config{withoutCredentials()}, am.RelabelConfigs...)
	}
	conf := &config.Config{
		GlobalConfig: config.GlobalConfig{
			ExternalLabels: externalLabels(opts.ExternalLabels), MetricNameValidationScheme: model.UTF8Validation,
		},
		AlertingConfig: *parsed,
	}
	return &sender{conf: conf, log: foreignLog(opts.Log, hide), clients: make(map[*http.Client]struct{})}, nil
}

// withoutCredentials takes credentials off addresses, which upstream would log and show. Addresses may come from files at any
// time, so that no check of the configuration can refuse those.
func withoutCredentials() *relabel.Config {
	conf := relabel.DefaultRelabelConfig
	conf.SourceLabels, conf.TargetLabel = model.LabelNames{model.AddressLabel}, model.AddressLabel
	conf.Regex = relabel.MustNewRegexp(".*@(.*)")
	conf.NameValidationScheme = model.UTF8Validation
	return &conf
}

// start sends until the function that it returns is called, which waits until everything is sent, or for flushWithin. It
// goes on when ctx ends: the last alerts come then.
func (s *sender) start(ctx context.Context) (stop func()) {
	if s == nil {
		return func() {}
	}
	registry := metrics.Library()
	sending, abort := context.WithCancel(context.WithoutCancel(ctx))
	discovering, forget := context.WithCancel(context.WithoutCancel(ctx))
	manager := notifier.NewManager(&notifier.Options{
		QueueCapacity: queueCapacity, DrainOnShutdown: true, Registerer: registry,
		Do: s.do(sending), //nolint:bodyclose // upstream reads and closes the body
	}, model.UTF8Validation, s.log)
	found, err := s.discover(discovering, registry)
	if err == nil {
		err = manager.ApplyConfig(s.conf)
	}
	if err != nil {
		s.log.Error("alerts are not sent", "error", err) // a file of the block cannot be read any more
		forget()
		return abort
	}
	s.publish(manager, registry)
	var looking, notifying sync.WaitGroup
	looking.Go(func() { _ = found.Run() }) // the error is that of the context
	notifying.Go(func() { manager.Run(found.SyncCh()) })
	return func() {
		timer := time.AfterFunc(flushWithin, abort)
		s.settle(sending)
		manager.Stop()
		notifying.Wait()
		timer.Stop()
		abort()
		forget()
		looking.Wait()
		s.publish(nil, nil)
		s.hangUp()
	}
}

// discover begins to look for Alertmanagers where the block says that they are.
func (s *sender) discover(ctx context.Context, registry *metrics.Registry) (*discovery.Manager, error) {
	figures, err := discovery.CreateAndRegisterSDMetrics(registry)
	if err != nil {
		return nil, err
	}
	found := discovery.NewManager(ctx, s.log, registry, figures)
	where := make(map[string]discovery.Configs)
	for name, am := range s.conf.AlertingConfig.AlertmanagerConfigs.ToMap() {
		where[name] = am.ServiceDiscoveryConfigs
	}
	return found, found.ApplyConfig(where)
}

// do returns how requests are made: until sending ends, and remembering the client, which nobody else closes.
func (s *sender) do(sending context.Context) func(context.Context, *http.Client, *http.Request) (*http.Response, error) {
	return func(ctx context.Context, client *http.Client, req *http.Request) (*http.Response, error) {
		s.mu.Lock()
		s.clients[client] = struct{}{}
		s.requests++
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.requests--
		}()
		// The body is read after the return, so that the request ends with ctx, which the caller ends then.
		ctx, cancel := context.WithCancel(ctx)
		release := context.AfterFunc(sending, cancel)
		context.AfterFunc(ctx, func() { release(); cancel() })
		return client.Do(req.WithContext(ctx))
	}
}

// settle waits until nothing is queued or on its way, or sending ends. Upstream drains its queues when it stops, but does not
// wait for what was taken out of them before.
func (s *sender) settle(sending context.Context) {
	for idle := 0; idle < 2; idle++ { // between the queue and the request, alerts are in neither for a moment
		if !s.idle() {
			idle = -1
		}
		if !sleepUntil(sending, time.Now().Add(10*time.Millisecond)) {
			return
		}
	}
}

func (s *sender) idle() bool {
	s.mu.Lock()
	requests, registry := s.requests, s.registry
	s.mu.Unlock() // upstream may hold what gathering waits for, and wait for this lock to send
	return requests == 0 && gatherFrom(registry).sum(alertsQueued, "") == 0
}

func (s *sender) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for client := range s.clients {
		client.CloseIdleConnections()
	}
	clear(s.clients)
}

func (s *sender) publish(manager *notifier.Manager, registry *metrics.Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manager, s.registry = manager, registry
}

func (s *sender) running() *notifier.Manager {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.manager
}

// send queues alerts. It may change their labels.
func (s *sender) send(alerts []*notifier.Alert) {
	if manager := s.running(); manager != nil {
		manager.Send(alerts...)
	}
}

func (s *sender) active() []*url.URL {
	if manager := s.running(); manager != nil {
		return manager.Alertmanagers()
	}
	return nil
}

func (s *sender) dropped() []*url.URL {
	if manager := s.running(); manager != nil {
		all := manager.DroppedAlertmanagers()
		for _, u := range all { // as they were before relabelling
			u.Host = u.Host[strings.LastIndexByte(u.Host, '@')+1:]
		}
		return all
	}
	return nil
}

func alertFigures() []figure {
	return []figure{
		{
			"history_alertmanagers", metrics.Gauge, "Alertmanagers that alerts are sent to.",
			[]string{"prometheus_notifications_alertmanagers_discovered"},
		},
		{
			"history_alerts_sent_total", metrics.Counter, "Alerts that Alertmanagers took, counted for each of them and each repetition.",
			[]string{"prometheus_notifications_sent_total"},
		},
		{
			"history_alerts_failed_total", metrics.Counter, "Alerts that an Alertmanager did not take. One that still fires is sent again within a minute.",
			[]string{"prometheus_notifications_errors_total"},
		},
		{
			"history_alerts_dropped_total", metrics.Counter, "Alerts that were given up: not taken, or too many waiting.",
			[]string{"prometheus_notifications_dropped_total"},
		},
		{
			"history_alerts_pending", metrics.Gauge, "Alerts that wait to be sent.",
			[]string{alertsQueued},
		},
	}
}

func (s *sender) readings() []metrics.Reading {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	registry := s.registry
	s.mu.Unlock()
	return gatherFrom(registry).readings(alertFigures(), "")
}
