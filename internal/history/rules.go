//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

const (
	// evaluateEvery is the interval of groups that name none: what configs/prometheus/prometheus.yaml sets.
	evaluateEvery = 15 * time.Second
	// resendEvery, outageTolerance: the defaults of a Prometheus server (--rules.alert.*).
	resendEvery     = time.Minute
	outageTolerance = time.Hour
	// restoreFrom is the shortest `for` that survives a restart. A Prometheus server's default of ten minutes would
	// restore almost none of the bundled alerts, which would begin to count again with every restart of the agent.
	restoreFrom = time.Minute
)

// evaluator evaluates rules against a store, records what they give, and passes on alerts. Its methods are safe for
// concurrent use; run may be called again after it has returned.
type evaluator struct {
	loader   *loader
	engine   promql.QueryEngine
	sender   *sender // nil without Alertmanagers
	receive  func([]Alert)
	external labels.Labels
	page     *url.URL
	resend   time.Duration
	log      *slog.Logger

	mu       sync.Mutex
	manager  *rules.Manager    // nil while nothing runs
	registry *metrics.Registry // of manager
}

// newEvaluator returns nil without rules. It looks at the options only; run starts everything.
func newEvaluator(opts Options, engine promql.QueryEngine) (*evaluator, error) {
	if len(opts.Rules) == 0 {
		return nil, nil //nolint:nilnil // no rules are no mistake, and there is nothing to evaluate
	}
	loaded, err := newLoader(opts.Rules)
	if err != nil {
		return nil, err
	}
	page, err := url.Parse(opts.ExternalURL)
	if err != nil {
		return nil, errors.New("external url: not a URL")
	}
	send, err := newSender(opts)
	if err != nil {
		return nil, fmt.Errorf("alerting: %w", err)
	}
	return &evaluator{
		loader: loaded, engine: engine, sender: send, receive: opts.Alerts,
		external: externalLabels(opts.ExternalLabels), page: page, resend: resendEvery, log: foreignLog(opts.Log, nil),
	}, nil
}

// run evaluates every group at its interval until ctx ends, unless the store takes in nothing, and returns when everything
// it started has ended. It calls evaluated after each evaluation of a group. Without rules it returns at once.
func (e *evaluator) run(ctx context.Context, st *gate, evaluated func()) {
	if e == nil {
		return
	}
	stopSending := e.sender.start(ctx)
	defer stopSending()
	registry := metrics.Library()
	manager := e.newManager(ctx, st, registry)
	cycles := e.newCycles(st.closed, evaluated)
	if err := manager.Update(evaluateEvery, e.loader.names(), e.external, e.page.String(), cycles.evaluate); err != nil {
		e.log.Error("rules are not evaluated", "error", err) // newLoader accepted them
		return
	}
	e.publish(manager, registry)
	defer e.publish(nil, nil)

	var wait sync.WaitGroup
	wait.Go(manager.Run)
	wait.Go(func() { cycles.warmUp(ctx, st, e.loader.sorted(manager.RuleGroups())) })
	<-ctx.Done()
	manager.Stop()
	wait.Wait()
}

func (e *evaluator) newManager(ctx context.Context, st storage.Storage, registry *metrics.Registry) *rules.Manager {
	return rules.NewManager(&rules.ManagerOptions{
		ExternalURL:     e.page,
		QueryFunc:       rules.EngineQueryFunc(e.engine, st),
		NotifyFunc:      e.notify,
		Context:         ctx,
		Appendable:      st,
		Queryable:       st,
		Logger:          e.log,
		Registerer:      registry,
		OutageTolerance: outageTolerance,
		ForGracePeriod:  restoreFrom,
		ResendDelay:     e.resend,
		GroupLoader:     e.loader,
		Parser:          e.loader.parser,

		NameValidationScheme: model.UTF8Validation,
	})
}

func (e *evaluator) publish(manager *rules.Manager, registry *metrics.Registry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.manager, e.registry = manager, registry
}

func (e *evaluator) running() *rules.Manager {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.manager
}

// RuleGroups returns the groups that are evaluated, sorted by file and name.
func (e *evaluator) RuleGroups() []*rules.Group {
	if manager := e.running(); manager != nil {
		return manager.RuleGroups()
	}
	return nil
}

// AlertingRules returns the alerting rules that are evaluated.
func (e *evaluator) AlertingRules() []*rules.AlertingRule {
	if manager := e.running(); manager != nil {
		return manager.AlertingRules()
	}
	return nil
}

// Alertmanagers returns the addresses that alerts are sent to, without credentials.
func (e *evaluator) Alertmanagers() []*url.URL { return e.sender.active() }

// DroppedAlertmanagers returns the addresses that relabelling left out, without credentials.
func (e *evaluator) DroppedAlertmanagers() []*url.URL { return e.sender.dropped() }

func externalLabels(all []metrics.Label) labels.Labels {
	b := labels.NewScratchBuilder(len(all))
	for _, l := range all {
		b.Add(l.Name, l.Value)
	}
	b.Sort()
	return b.Labels()
}
