package metrics

import (
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Type is the type of a family of series.
type Type string

// The types of families, as the text formats name them.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Summary   Type = "summary"
	Histogram Type = "histogram"
)

func (t Type) message() dto.MetricType {
	switch t {
	case Counter:
		return dto.MetricType_COUNTER
	case Summary:
		return dto.MetricType_SUMMARY
	case Histogram:
		return dto.MetricType_HISTOGRAM
	}
	return dto.MetricType_GAUGE
}

// Family describes all series of one name.
type Family struct {
	Name   string
	Type   Type
	Labels []string // sorted
	Unit   string   // seconds, bytes, ratio or empty
	Help   string   // one sentence
}

// family is a Family whose series are read from the state of channels and touchpoints.
type family struct {
	Family
	collect func(out sink, s *set)
}

// sink takes in series, family by family. Label values and shapes must not change afterwards.
type sink interface {
	open(f *Family)
	sample(s *shape, t *touchpoint, value float64)
	summary(s *summaryShape, t *touchpoint, sum float64, count uint64)
	histogram(s *histogramShape, t *touchpoint, h *histogram)
	info(i *info)                                 // the value is 1
	row(labels []label, value float64)            // sorted by name
	distribution(labels []label, d *Distribution) // sorted by name, without le
	// proceed is called between touchpoints without any lock; false ends the collection.
	proceed() bool
}

// summaryShape holds the shapes of a summary without quantiles.
type summaryShape struct{ sum, count *shape }

func newSummaryShape(name string, fixed ...label) *summaryShape {
	return &summaryShape{newShape(name+"_sum", fixed...), newShape(name+"_count", fixed...)}
}

// histogramShape holds the shapes of a classic histogram.
type histogramShape struct {
	summaryShape
	whole       *shape   // of the native form
	buckets     []*shape // the last is +Inf
	openMetrics []*shape // the same with le as OpenMetrics writes it
}

func newHistogramShape(name string, bounds []float64, fixed ...label) *histogramShape {
	h := &histogramShape{summaryShape: *newSummaryShape(name, fixed...), whole: newShape(name, fixed...)}
	bucket := newShape(name+"_bucket", fixed...)
	for _, bound := range bounds {
		h.buckets = append(h.buckets, bucket.withBucket(strconv.FormatFloat(bound, 'g', -1, 64)))
		h.openMetrics = append(h.openMetrics, bucket.withBucket(string(appendOpenMetricsFloat(nil, bound))))
	}
	inf := bucket.withBucket("+Inf")
	h.buckets, h.openMetrics = append(h.buckets, inf), append(h.openMetrics, inf)
	return h
}

// perTouchpoint returns a collect function that calls emit for each touchpoint with its lock held.
func perTouchpoint(emit func(out sink, t *touchpoint)) func(sink, *set) {
	return func(out sink, s *set) {
		for _, t := range s.touchpoints {
			t.mu.Lock()
			emit(out, t)
			t.mu.Unlock()
			if !out.proceed() {
				return
			}
		}
	}
}

// emitPresent emits a value unless it is absent.
func emitPresent(out sink, s *shape, t *touchpoint, value float64) {
	if value == value { //nolint:gocritic // NaN marks an absent value and is the only one that differs from itself
		out.sample(s, t, value)
	}
}

// metricOfKind is a metric that kinds declare, with the shapes of its children in the order of its label values.
type metricOfKind struct {
	probe.Metric
	number     int
	constant   []label
	shapes     []*shape
	histograms []*histogramShape
}

func newMetricOfKind(number int, metric probe.Metric, constant []label) *metricOfKind {
	m := &metricOfKind{Metric: metric, number: number, constant: constant}
	name := prefix + metric.Name
	children := [][]label{constant}
	if metric.Label != "" {
		children = nil
		for _, value := range metric.Values {
			children = append(children, append([]label{{metric.Label, value}}, constant...))
		}
	}
	for _, labels := range children {
		m.shapes = append(m.shapes, newShape(name, labels...))
		if metric.Type == probe.Histogram {
			m.histograms = append(m.histograms, newHistogramShape(name, metric.Buckets, labels...))
		}
	}
	return m
}

// open reports whether each touchpoint has label values of its own.
func (m *metricOfKind) open() bool { return m.Label != "" && len(m.Values) == 0 }

// with returns the metric for touchpoints with these label values, where it declares none itself.
func (m *metricOfKind) with(values []string) *metricOfKind {
	if !m.open() {
		return m
	}
	own := m.Metric
	own.Values = values
	return newMetricOfKind(m.number, own, m.constant)
}

// child returns the number of the child with the label value, or -1.
func (m *metricOfKind) child(value string) int {
	if m.Label == "" {
		return 0
	}
	for i, v := range m.Values {
		if v == value {
			return i
		}
	}
	return -1
}

func (m *metricOfKind) family() family {
	f := family{Family: Family{
		Name: prefix + m.Name, Type: Gauge, Labels: []string{channelLabel, touchpointLabel}, Unit: unitOf(m.Name), Help: m.Help,
	}}
	if m.Label != "" {
		f.Labels = append(f.Labels, m.Label)
	}
	switch m.Type {
	case probe.Counter:
		f.Type = Counter
	case probe.Histogram:
		f.Type = Histogram
	}
	f.collect = perTouchpoint(func(out sink, t *touchpoint) {
		at := t.layout.metrics[m.number]
		if at.of == nil {
			return
		}
		for i, s := range at.of.shapes {
			if m.Type == probe.Histogram {
				out.histogram(at.of.histograms[i], t, &t.hists[at.first+i])
			} else {
				emitPresent(out, s, t, t.values[at.first+i])
			}
		}
	})
	return f
}

// unitOf returns the unit at the end of a metric's name.
func unitOf(name string) string {
	name = strings.TrimSuffix(name, "_total")
	for _, unit := range []string{"seconds", "bytes", "ratio"} {
		if strings.HasSuffix(name, "_"+unit) {
			return unit
		}
	}
	return ""
}
