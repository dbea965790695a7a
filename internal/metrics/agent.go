package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// agentMetrics are the series of the agent itself. They live in an ordinary registry: they do not grow.
type agentMetrics struct {
	reloaded    prometheus.Gauge
	reloadedAt  prometheus.Gauge
	config      *prometheus.GaugeVec
	blind       prometheus.Gauge
	recentBytes prometheus.Gauge
	lateness    prometheus.Histogram
	skipped     prometheus.Counter
	queue       prometheus.Gauge
}

func newAgentMetrics(r *prometheus.Registry, opts *Options, b *budget) *agentMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
		r.MustRegister(g)
		return g
	}
	info := func(name, help string, labels prometheus.Labels) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help, ConstLabels: labels})
		g.Set(1)
		r.MustRegister(g)
	}
	registerChecks(r, opts.Catalogue)
	info("build_info", "Version of the agent and of the Go that built it; always 1.",
		prometheus.Labels{"version": opts.Version, "revision": opts.Revision, "goversion": runtime.Version()})
	info("agent_info", "Where the agent stands; always 1.",
		prometheus.Labels{"location": opts.Location, "version": opts.Version})
	gauge("agent_series_limit", "Series of channels, touchpoints and readings that the agent exports at most; 0 means no limit.").
		Set(float64(opts.SeriesLimit))
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "agent_series",
			Help: "Series of channels, touchpoints and readings that are exported or held free, classic histograms with all buckets.",
		}, func() float64 { return float64(b.used.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: prefix + "series_rejected_total",
			Help: "New series that were refused because of the limit, each time that they would have been exported.",
		}, func() float64 { return float64(b.rejected.Load()) }),
	)
	a := &agentMetrics{
		reloaded:   gauge("config_last_reload_successful", "Whether the last attempt to load the configuration succeeded."),
		reloadedAt: gauge("config_last_reload_success_timestamp_seconds", "Time of the last successful load of the configuration, in Unix time."),
		config: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "config_info", Help: "Hash of the configuration that is in force; always 1.",
		}, []string{"hash"}),
		blind:       gauge("agent_blind", "Whether the agent's own network is gone, so that results are unknown."),
		recentBytes: gauge("agent_recent_bytes", "Memory of the recent results with their evidence."),
		queue:       gauge("agent_schedule_queue", "Due probes that wait for a worker or for their host."),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "agent_schedule_lateness_seconds", Help: "How much later than planned probes started.",
			Buckets:                     []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: maxNative,
		}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "agent_schedule_skipped_total", Help: "Ticks that passed without a probe because the one before still ran or waited.",
		}),
	}
	a.config.WithLabelValues("").Set(1) // none is in force yet
	r.MustRegister(a.config, a.lateness, a.skipped)
	return a
}

// registerChecks brings the sentences of the catalogue to alerts and dashboards, so that they say what the page says.
func registerChecks(r *prometheus.Registry, catalogue *probe.Catalogue) {
	checks := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: prefix + "check_info", Help: "What a check means, in a sentence for marketing and one for IT; always 1.",
	}, []string{"check", "dimension", "it", "marketing", "title"})
	for _, c := range catalogue.Checks() {
		checks.WithLabelValues(string(c.ID), c.Dimension.String(), c.IT, c.Marketing, c.Title).Set(1)
	}
	r.MustRegister(checks)
}

// Reloaded notes the outcome of loading a configuration at time at, and the hash of the one now in force.
func (m *Metrics) Reloaded(successful bool, at time.Time, hash string) {
	if !successful {
		m.agent.reloaded.Set(0)
		return
	}
	m.agent.reloaded.Set(1)
	m.agent.reloadedAt.Set(seconds(at))
	m.agent.config.Reset()
	m.agent.config.WithLabelValues(hash).Set(1)
}

// SetBlind notes whether the agent's own network is gone.
func (m *Metrics) SetBlind(blind bool) { m.agent.blind.Set(truth(blind)) }

// SetRecent notes how many bytes the recent results take.
func (m *Metrics) SetRecent(bytes int64) { m.agent.recentBytes.Set(float64(bytes)) }

// Late notes that a probe started d later than planned.
func (m *Metrics) Late(d time.Duration) { m.agent.lateness.Observe(d.Seconds()) }

// Skipped notes that n ticks of a touchpoint passed without a probe.
func (m *Metrics) Skipped(_ *probe.Touchpoint, n int) { m.agent.skipped.Add(float64(n)) }

// Queue notes how many due probes wait.
func (m *Metrics) Queue(waiting int) { m.agent.queue.Set(float64(waiting)) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
