// Package metrics turns results and host readings into series and serves them. Names and labels are a contract with
// the recording rules, dashboards and alerts; Describe lists them.
//
// It is the only importer of client_golang, and uses it for what an agent has few of: the Go runtime, the process and
// the agent itself. What grows with the touchpoints is kept in a compact state of its own and written straight into
// the response, because a registry would make hundreds of megabytes of garbage at every scrape of 10,000 touchpoints.
//
// Beside client_golang and its relatives it imports probe and quality. It does not rate, and computes no score: that
// is the work of the recording rules.
package metrics

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Options configures Metrics.
type Options struct {
	Catalogue *probe.Catalogue // required
	Version   string           // of the agent
	Revision  string           // of its source
	// Location of the agent: a label of all that it sees, so that series of several agents stay apart and can be chosen
	// by place without a join. It is rendered once and costs a scrape a few bytes a line; empty means no label.
	Location string
	// SeriesLimit is the largest number of series of channels, touchpoints and readings, a classic histogram counted with
	// all its buckets; 0 means no limit. New ones beyond it are refused and counted, existing ones go on.
	SeriesLimit int
	Log         *slog.Logger // may be nil
}

// Metrics holds the series of one agent. All methods are safe for concurrent use.
type Metrics struct {
	catalogue   *probe.Catalogue
	log         *slog.Logger
	constant    []label
	experiences map[experience]*experienceShape // the closed list of explanations
	notMeasured *experienceShape
	unseen      *experienceShape    // before the first result
	good        [2]*experienceShape // rated good and excellent
	ofKinds     []*metricOfKind     // sorted by name
	ofKind      map[string]*metricOfKind
	families    []family // sorted by name
	registry    *prometheus.Registry
	agent       *agentMetrics
	budget      budget
	set         atomic.Pointer[set]

	mu      sync.Mutex // serialises changes of the set; guards layouts
	layouts map[string]*layout
}

// set is what a scrape reads. It is replaced as a whole, never changed.
type set struct {
	channels    []*probe.Channel // sorted by name
	serves      []string         // sorted
	touchpoints []*touchpoint    // sorted by channel and name
	byKey       map[key]*touchpoint
	fleet       fleet
	parts       map[string][]readings // by the part
	readings    []readings            // of all parts, sorted by name
}

// key identifies a touchpoint without making a string.
type key struct{ channel, touchpoint string }

// New returns Metrics without channels. It panics when a kind declares a metric that cannot be exported, which is a
// mistake in the kind.
func New(opts Options) *Metrics {
	m := &Metrics{
		catalogue:   opts.Catalogue,
		log:         opts.Log,
		experiences: make(map[experience]*experienceShape),
		ofKind:      make(map[string]*metricOfKind),
		layouts:     make(map[string]*layout),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if opts.Location != "" {
		m.constant = []label{{"location", opts.Location}}
	}
	for _, check := range opts.Catalogue.Checks() {
		for _, e := range experiences(check) {
			m.experiences[e] = m.newExperience(e)
		}
	}
	m.unseen = m.newExperience(experience{})
	m.good = [2]*experienceShape{m.newExperience(experience{rating: probe.Good}), m.newExperience(experience{rating: probe.Excellent})}
	m.notMeasured = m.experiences[experience{probe.Unknown, "", probe.NotMeasured}]
	for i, metric := range opts.Catalogue.Metrics() {
		m.ofKinds = append(m.ofKinds, newMetricOfKind(i, metric, m.constant))
		m.ofKind[metric.Name] = m.ofKinds[i]
	}
	m.families = m.allFamilies()
	m.mustExport()
	m.budget.limit = int64(opts.SeriesLimit)
	m.registry = prometheus.NewRegistry()
	m.agent = newAgentMetrics(m.registry, &opts, &m.budget)
	m.set.Store(&set{})
	return m
}

// mustExport panics when the metric of a kind cannot be exported.
func (m *Metrics) mustExport() {
	for _, metric := range m.ofKinds {
		problem := ""
		switch {
		case slices.ContainsFunc(m.constant, func(l label) bool { return l.name == metric.Label }),
			metric.Label == channelLabel, metric.Label == touchpointLabel:
			problem = fmt.Sprintf("its label %q is one that every series has", metric.Label)
		case (metric.Type == probe.Counter) != strings.HasSuffix(metric.Name, "_total"):
			problem = "the names of counters, and no others, end in _total"
		case (metric.Type == probe.Histogram) != (len(metric.Buckets) > 0), !slices.IsSorted(metric.Buckets):
			problem = fmt.Sprintf("buckets %v: want ascending ones for a histogram, none for others", metric.Buckets)
		}
		if problem != "" {
			panic(fmt.Sprintf("metrics: a kind declares %s: %s", metric.Name, problem))
		}
	}
	for i := 1; i < len(m.families); i++ {
		if m.families[i].Name == m.families[i-1].Name {
			panic(fmt.Sprintf("metrics: a kind declares %s: every agent exports it", strings.TrimPrefix(m.families[i].Name, prefix)))
		}
	}
}
