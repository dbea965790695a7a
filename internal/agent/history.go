package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/channelwatch/channelwatch/configs"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/history"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/notify"
	"github.com/channelwatch/channelwatch/internal/query"
)

// past is what the agent knows beyond the last results: its own store and who is told of incidents, or another engine.
type past struct {
	store    *history.Store   // nil when the configuration or the build leaves it out
	notifier *notify.Notifier // nil when nobody is to be told
	engine   query.Engine     // that pages ask; nil for none
	without  string           // why there is no engine, for people
}

// newPast builds what the configuration asks for; url is where readers reach the agent.
func (a *Agent) newPast(cfg *config.Config, url string) (past, error) {
	var p past
	var err error
	if p.notifier, err = newNotifier(cfg, url, a.opts.Version, a.log); err != nil {
		return past{}, err
	}
	switch {
	case !cfg.History.Enabled:
		p.without = "History is off in the configuration, so there are no scores."
	case !history.Included():
		p.without = "This agent was built without history, so there are no scores."
	default:
		if p.store, err = history.Open(a.historyOptions(cfg, url, p.notifier)); err != nil {
			return past{}, fmt.Errorf("history: %w", err)
		}
		p.engine = p.store
	}
	if cfg.Pages.PrometheusURL != "" {
		p.engine, err = query.NewRemote(query.RemoteConfig{
			URL: cfg.Pages.PrometheusURL, Username: cfg.Pages.Username, Password: cfg.Pages.Password,
			BearerToken: cfg.Pages.BearerToken, Headers: cfg.Pages.Headers, CAFile: cfg.Pages.CAFile, Timeout: cfg.Pages.Timeout,
		})
		if err != nil {
			return past{}, fmt.Errorf("view: %w", err)
		}
	}
	return p, nil
}

func (a *Agent) historyOptions(cfg *config.Config, url string, notifier *notify.Notifier) history.Options {
	opts := history.Options{
		Dir: filepath.Join(cfg.History.Dir, "tsdb"), Every: cfg.History.Every, Retention: cfg.History.Retention,
		MaxBytes: cfg.History.MaxBytes, MinFree: cfg.History.MinFree,
		Collect:        a.collectInto(!cfg.RemoteWrite.IsZero()),
		Labels:         []metrics.Label{{Name: "instance", Value: cfg.Agent.Location}, {Name: "job", Value: "channelwatch"}},
		Alerting:       block(cfg.Alerting),
		RemoteWrite:    block(cfg.RemoteWrite),
		ExternalLabels: []metrics.Label{{Name: "location", Value: cfg.Agent.Location}},
		ExternalURL:    url,
		Log:            a.log,
	}
	if cfg.Pages.PrometheusURL == "" { // never do two engines tell people
		for _, file := range configs.Rules() {
			opts.Rules = append(opts.Rules, history.RuleFile(file))
		}
	}
	if notifier != nil {
		opts.Alerts = func(alerts []history.Alert) {
			told := make([]notify.Alert, len(alerts))
			for i, alert := range alerts {
				told[i] = notify.Alert(alert)
			}
			notifier.Alerts(told)
		}
	}
	return opts
}

// collectInto returns what hands every series to the store. Receivers of remote write, and the rules there, may not know
// native histograms.
func (a *Agent) collectInto(classic bool) func(metrics.Visitor) {
	return func(visit metrics.Visitor) {
		a.refresh(context.Background())
		if err := a.metrics.Walk(visit, classic); err != nil {
			a.log.Error("the agent's own series cannot be gathered", "error", err.Error())
		}
	}
}

func block(raw config.Raw) history.Block { return history.Block{Text: raw.YAML(), Dir: raw.Dir()} }

// state says in a sentence why pages have no scores, or why they have old ones, and whether there is anything to ask.
func (p *past) state() (why string, ready bool) {
	switch {
	case p.engine == nil:
		return p.without, false
	case p.engine != query.Engine(p.store):
		return "", true // an engine elsewhere says itself what is wrong, with each query
	}
	return troubleOf(p.store.Status())
}

// troubleOf says what is wrong with a store, and whether it answers.
func troubleOf(status history.Status) (why string, ready bool) {
	switch {
	case status.State == history.Ready:
		return "", status.Open
	case status.State == history.Opening && !status.Open:
		return "The history is being opened; scores follow in a moment.", false
	case status.Open:
		return "Nothing new is recorded, so scores are old: " + status.Why, true
	}
	return "The history cannot be read, so there are no scores: " + status.Why, false
}

// notices returns what readers must know of the past beside why there are no scores.
func (p *past) notices() []string {
	var all []string
	if p.notifier != nil {
		all = waiting(p.notifier.Stats())
	}
	if p.store == nil {
		return all
	}
	status := p.store.Status()
	if p.engine != query.Engine(p.store) { // scores come from elsewhere; what is sent there comes from here
		if why, _ := troubleOf(status); why != "" && status.State != history.Opening {
			all = append(all, "This agent's own history: "+status.Why)
		}
	}
	if status.Notice != "" {
		all = append(all, "This agent's own history: "+status.Notice)
	}
	return all
}

// updates returns a number that grows when pages have something new to show.
func (p *past) updates() uint64 {
	if p.store != nil && p.engine == query.Engine(p.store) {
		return p.store.Status().Revision
	}
	return uint64(time.Now().Unix() / int64(lookAgain.Seconds()))
}

// lookAgain is how often pages ask anew where nobody tells when there is something new.
const lookAgain = 15 * time.Second

// run opens the store and delivers messages. The function that it returns closes both, the store first, whose last alerts
// are still told, and waits.
func (p *past) run(ctx context.Context) (stop func()) {
	var all []func()
	add := func(run func(context.Context) error) {
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = run(ctx) // shows its troubles itself; there is nobody to tell
		}()
		all = append(all, func() { cancel(); <-done })
	}
	if p.store != nil {
		add(p.store.Run)
	}
	if p.notifier != nil {
		add(p.notifier.Run)
	}
	return func() {
		for _, stop := range all {
			stop()
		}
	}
}

// readings returns the store's and the notifier's figures as parts of the agent's own series.
func (p *past) readings() map[string][]metrics.Reading {
	parts := make(map[string][]metrics.Reading)
	if p.store != nil {
		parts["history"] = p.store.Readings()
	}
	if p.notifier != nil {
		parts["notify"] = p.notifier.Readings()
	}
	return parts
}
