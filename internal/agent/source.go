package agent

import (
	"context"
	"errors"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/host"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/schedule"
	"github.com/channelwatch/channelwatch/internal/web"
)

// Channels returns the channels in force, with all that counts in them.
func (a *Agent) Channels() []*probe.Channel { return counted(a.inForce().Channels) }

// inForce returns the configuration in force.
func (a *Agent) inForce() *config.Config {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.config
}

// Notices returns what a reader of the page must know about the agent itself.
func (a *Agent) Notices() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	notices := a.past.notices()
	if a.refused != "" {
		notices = append(notices, "The last reload was refused, the old configuration is in force: "+a.refused)
	}
	if a.control != nil {
		if state := a.control.State(); state.Blind {
			notices = append(notices, "The agent's own network is gone, so channels read unknown: "+state.Why)
		}
	}
	return notices
}

// ConfigView returns the configuration in force without secrets.
func (a *Agent) ConfigView() any { return a.inForce().View() }

// Ready says whether probing has begun and has not ended.
func (a *Agent) Ready() bool { return a.ready.Load() }

// metricsHandler refreshes before each scrape; readings of the host that are young enough are served again.
func (a *Agent) metricsHandler() http.Handler {
	serve := a.metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.refresh(r.Context())
		serve.ServeHTTP(w, r)
	})
}

// refresh brings what is read, not reported, up to date before the series are shown.
func (a *Agent) refresh(ctx context.Context) {
	a.metrics.SetPart("host", readings(collect(ctx, a.observer, a.host)))
	a.metrics.SetRecent(a.recent.Bytes())
	for part, readings := range a.past.readings() {
		a.metrics.SetPart(part, readings)
	}
	if a.field.server != nil {
		a.metrics.SetPart("rum", a.field.server.Readings())
	}
	a.metrics.SetPart("receipts", kindReadings(a.receiptReadings()))
	if store := a.album.current(); store != nil {
		a.metrics.SetPart("evidence", store.Readings())
	}
	for part, readings := range kindParts(a.opts.Kinds, a.inForce().Touchpoints()) {
		a.metrics.SetPart(part, readings)
	}
}

// probeNow probes a touchpoint for somebody who looks at it. The result is shown, and counts for nothing.
func (a *Agent) probeNow(ctx context.Context, channel, touchpoint string) (record.Record, error) {
	o, err := a.schedule.Once(ctx, a.probedAs(channel, touchpoint))
	if errors.Is(err, schedule.ErrBusy) {
		return record.Record{}, web.ErrBusy
	}
	if err != nil {
		return record.Record{}, err
	}
	verdict, why := a.judge(o) //nolint:contextcheck // a look at the agent's own network has a deadline of its own
	a.aside(o.Touchpoint, &o.Result)
	a.album.keep(o.Touchpoint.Key()+probed, verdict.Rating, o.Result.Evidence)
	return record.New(a.catalogue, o.Touchpoint, &o.Result, verdict, why), nil
}

// collect returns what the observer and the host, which may be nil, read now.
func collect(ctx context.Context, observer *host.Observer, reader *host.Host) []host.Reading {
	all := observer.Collect()
	if reader != nil {
		all = append(all, reader.Collect(ctx)...)
	}
	return all
}

// readings translates between two packages that must not know each other.
func readings(in []host.Reading) []metrics.Reading {
	out := make([]metrics.Reading, len(in))
	for i, r := range in {
		out[i] = metrics.Reading{Name: r.Name, Help: r.Help, Type: metrics.Gauge, Value: r.Value}
		if r.Type == host.Counter {
			out[i].Type = metrics.Counter
		}
		for _, l := range r.Labels {
			out[i].Labels = append(out[i].Labels, metrics.Label(l))
		}
	}
	return out
}
