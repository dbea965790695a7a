package metrics

import (
	"math"
	"slices"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// layout says which series touchpoints with the same profile have beyond those of all, and where their state is kept.
// It is immutable and shared by all touchpoints with that profile.
type layout struct {
	phases   []probe.Phase            // declared, ascending
	phase    [probe.NumPhases]int8    // place in touchpoint.phases, or -1
	metrics  []place                  // by the metric's number in the catalogue
	values   int                      // length of touchpoint.values
	hists    [][]float64              // bounds of touchpoint.hists
	counters []int                    // places of values that start at 0; the others start absent
	fleeting []int                    // places of values of one result only
	byName   map[string]*metricOfKind // metrics that may be measured
	series   Series                   // at rest
}

// place says where a touchpoint keeps the values of a metric; absent when it does not export the metric.
type place struct {
	of    *metricOfKind // with the label values of these touchpoints; nil: not exported
	first int           // place of the value for the metric's first label value; those of the others follow
}

func (m *Metrics) newLayout(profile *probe.Profile) *layout {
	l := &layout{metrics: make([]place, len(m.ofKinds)), byName: make(map[string]*metricOfKind)}
	l.phases = slices.Compact(slices.Sorted(slices.Values(profile.Phases)))
	for p := range l.phase {
		l.phase[p] = int8(slices.Index(l.phases, probe.Phase(p)))
	}
	for _, name := range profile.Metrics {
		metric := m.ofKind[name]
		if metric == nil || l.metrics[metric.number].of != nil {
			continue
		}
		metric = metric.with(profile.Values[name])
		l.byName[name] = metric
		n := len(metric.shapes)
		if metric.Type == probe.Histogram {
			l.metrics[metric.number] = place{metric, len(l.hists)}
			for range n {
				l.hists = append(l.hists, metric.Buckets)
			}
			continue
		}
		l.metrics[metric.number] = place{metric, l.values}
		for i := range n {
			switch {
			case metric.Type == probe.Counter:
				l.counters = append(l.counters, l.values+i)
			case metric.Momentary:
				l.fleeting = append(l.fleeting, l.values+i)
			}
		}
		l.values += n
	}
	l.series = m.countSeries(&set{touchpoints: []*touchpoint{settled(l)}})
	return l
}

// settled returns a touchpoint of layout l that has measured everything once and was never below good.
func settled(l *layout) *touchpoint {
	t := newTouchpoint(&probe.Touchpoint{}, &info{}, l)
	t.last = 0
	for i := range t.values {
		t.values[i] = 0
	}
	return t
}

// absent marks a gauge that was not measured yet: absent is not zero.
func absent() float64 { return math.NaN() }
