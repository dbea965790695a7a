package metrics

import (
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/prometheus/client_golang/prometheus"
)

// Gatherer returns all series as client_golang's data model, for tests and for stores inside of the agent. A scrape
// through Handler shows the same without building it.
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

// eachFamily calls agent or state for each family in the order of their names until one returns false: agent for
// those of the registry, state for those that are kept here.
func (m *Metrics) eachFamily(
	registered []*dto.MetricFamily, agent func(*dto.MetricFamily) bool, state func(f *Family, collect func(sink)) bool,
) {
	s := m.set.Load()
	own, host := m.families, s.host
	for len(registered)+len(own)+len(host) > 0 {
		switch first(registered, own, host) {
		case fromRegistry:
			if !agent(registered[0]) {
				return
			}
			registered = registered[1:]
		case fromState:
			f := &own[0]
			if !state(&f.Family, func(out sink) { f.collect(out, s) }) {
				return
			}
			own = own[1:]
		case fromHost:
			f := &host[0]
			if !state(&f.family, f.collect) {
				return
			}
			host = host[1:]
		}
	}
}

// origin says where a family comes from.
type origin uint8

const (
	fromRegistry origin = iota
	fromState
	fromHost
)

// first returns where the next family in the order of names comes from; one of the lists must not be empty.
func first(registered []*dto.MetricFamily, own []family, host []hostFamily) origin {
	next, name := fromRegistry, ""
	consider := func(o origin, candidate string) {
		if name == "" || candidate < name {
			next, name = o, candidate
		}
	}
	if len(registered) > 0 {
		consider(fromRegistry, registered[0].GetName())
	}
	if len(own) > 0 {
		consider(fromState, own[0].Name)
	}
	if len(host) > 0 {
		consider(fromHost, host[0].family.Name)
	}
	return next
}

func (f *hostFamily) collect(out sink) {
	for _, row := range f.rows {
		out.row(row.labels, row.value)
	}
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

// labels returns the labels of a touchpoint's series. Those that a shape fixes are shared by all touchpoints.
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
			pairs[i] = s.pairs[i]
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

// seriesOf counts the series of a family.
func seriesOf(mf *dto.MetricFamily) Series {
	var s Series
	for _, metric := range mf.Metric {
		switch {
		case metric.Histogram != nil:
			buckets := metric.Histogram.Bucket
			s.Classic += len(buckets) + 3
			if n := len(buckets); n > 0 && math.IsInf(buckets[n-1].GetUpperBound(), 1) {
				s.Classic--
			}
			s.Native++
		case metric.Summary != nil:
			s = s.plus(Series{len(metric.Summary.Quantile) + 2, len(metric.Summary.Quantile) + 2})
		default:
			s = s.plus(Series{1, 1})
		}
	}
	return s
}

// Describe returns all families that an agent can export but those of the host, the Go runtime and the process,
// sorted by name.
func (m *Metrics) Describe() []Family {
	var all []Family
	for i := range m.families {
		all = append(all, m.families[i].Family)
	}
	all = append(all, agentFamilies(m.registry)...)
	slices.SortFunc(all, func(a, b Family) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func agentFamilies(r *prometheus.Registry) []Family {
	registered, err := r.Gather()
	if err != nil {
		panic("metrics: " + err.Error()) // the agent's own collectors contradict each other
	}
	var all []Family
	for _, mf := range registered {
		if !strings.HasPrefix(mf.GetName(), prefix) {
			continue
		}
		f := Family{Name: mf.GetName(), Type: Type(strings.ToLower(mf.GetType().String())), Unit: unitOf(mf.GetName()), Help: mf.GetHelp()}
		for _, pair := range mf.Metric[0].Label {
			f.Labels = append(f.Labels, pair.GetName())
		}
		all = append(all, f)
	}
	return all
}
