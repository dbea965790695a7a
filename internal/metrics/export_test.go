package metrics

import (
	dto "github.com/prometheus/client_model/go"

	"github.com/prometheus/client_golang/prometheus"
)

// Gatherer returns all series as client_golang's data model, which a scrape through Handler shows without building it.
func (m *Metrics) Gatherer() prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		registered, err := m.registry.Gather()
		if err != nil {
			return nil, err
		}
		var all []*dto.MetricFamily
		m.eachFamily(registered, func(mf *dto.MetricFamily) bool {
			all = append(all, mf)
			return true
		}, func(f *Family, collect func(sink)) bool {
			out := familySink{}
			out.open(f)
			collect(&out)
			if len(out.family.Metric) > 0 {
				all = append(all, out.family)
			}
			return true
		})
		return all, nil
	})
}

// familySink builds one family of client_golang's data model.
type familySink struct {
	family  *dto.MetricFamily
	of      Type
	last    *touchpoint // whose labels follow; they are shared by its series
	channel *dto.LabelPair
	name    *dto.LabelPair
}

func (g *familySink) open(f *Family) {
	g.of = f.Type
	g.family = &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: f.Type.message().Enum()}
}

func (g *familySink) add(m *dto.Metric) { g.family.Metric = append(g.family.Metric, m) }

func (g *familySink) sample(s *shape, t *touchpoint, value float64) {
	g.value(g.labels(s, t), value)
}

func (g *familySink) value(labels []*dto.LabelPair, value float64) {
	if g.of == Counter {
		m := &struct {
			metric  dto.Metric
			counter dto.Counter
			value   float64
		}{value: value}
		m.counter.Value = &m.value
		m.metric.Label, m.metric.Counter = labels, &m.counter
		g.add(&m.metric)
		return
	}
	m := &struct {
		metric dto.Metric
		gauge  dto.Gauge
		value  float64
	}{value: value}
	m.gauge.Value = &m.value
	m.metric.Label, m.metric.Gauge = labels, &m.gauge
	g.add(&m.metric)
}

func (g *familySink) summary(s *summaryShape, t *touchpoint, sum float64, count uint64) {
	g.add(&dto.Metric{Label: g.labels(s.sum, t), Summary: &dto.Summary{SampleSum: &sum, SampleCount: &count}})
}

func (g *familySink) histogram(s *histogramShape, t *touchpoint, h *histogram) {
	g.add(&dto.Metric{Label: g.labels(s.sum, t), Histogram: h.message()})
}

func (g *familySink) row(labels []label, value float64) {
	var pairs []*dto.LabelPair
	for i := range labels {
		pairs = append(pairs, labels[i].pair())
	}
	g.value(pairs, value)
}

func (g *familySink) attributes(all []attribute, t *touchpoint) {
	labels := make([]label, len(all))
	for i := range all {
		labels[i] = label{all[i].name, all[i].value(t.def)}
	}
	g.row(labels, 1)
}

func (g *familySink) proceed() bool { return true }

func (l *label) pair() *dto.LabelPair { return &dto.LabelPair{Name: &l.name, Value: &l.value} }

// labels returns the labels of a touchpoint's series.
func (g *familySink) labels(s *shape, t *touchpoint) []*dto.LabelPair {
	if g.last != t {
		g.last = t
		g.channel = (&label{channelLabel, t.def.Channel}).pair()
		g.name = (&label{touchpointLabel, t.def.Name}).pair()
	}
	pairs := make([]*dto.LabelPair, len(s.labels))
	for i := range s.labels {
		switch s.labels[i].name {
		case channelLabel:
			pairs[i] = g.channel
		case touchpointLabel:
			pairs[i] = g.name
		default:
			pairs[i] = s.labels[i].pair()
		}
	}
	return pairs
}

// message returns the histogram in both forms.
func (h *histogram) message() *dto.Histogram {
	count, sum, zero, threshold, schema := h.count, h.sum, h.zero, float64(zeroThreshold), h.schema()
	out := &dto.Histogram{SampleCount: &count, SampleSum: &sum, Schema: &schema, ZeroThreshold: &threshold, ZeroCount: &zero}
	var cumulative uint64
	for i, bound := range h.bounds {
		cumulative += h.classic[i]
		n := cumulative
		out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCount: &n, UpperBound: &bound})
	}
	for span := range h.spans() {
		out.PositiveSpan = append(out.PositiveSpan, &dto.BucketSpan{Offset: &span.offset, Length: &span.length})
	}
	var before int64
	for _, b := range h.native {
		out.PositiveDelta = append(out.PositiveDelta, int64(b.count)-before)
		before = int64(b.count)
	}
	return out
}
