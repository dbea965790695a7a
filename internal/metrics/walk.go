package metrics

import (
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// Visitor takes in series one after the other, those of a family together. What it is given is valid during the call
// only. It is called with a touchpoint locked: it must be quick and must not call Metrics.
type Visitor interface {
	// Family begins a family; the series that follow are of it. There may be none.
	Family(f *Family)
	// Float takes in the value of a series.
	Float(s *Ref, value float64)
	// Histogram takes in a native histogram.
	Histogram(s *Ref, h *NativeHistogram)
}

// NativeHistogram is a histogram with exponential buckets, as the Prometheus native format has it: the upper bound of
// bucket i is 2^(i/2^Schema). There are no negative buckets.
type NativeHistogram struct {
	Count, ZeroCount   uint64
	Sum, ZeroThreshold float64
	Schema             int32
	Spans              []BucketSpan
	Deltas             []int64 // count of each bucket less that of the one before
}

// BucketSpan is a run of neighbouring buckets.
type BucketSpan struct {
	Offset int32 // buckets left out since the end of the span before; of the first, its index
	Length uint32
}

// ID identifies a series within one process for as long as it is exported. It can be the key of a map. Two series of
// different names or labels never share one; a series that comes back after it was gone may have another.
type ID struct {
	shape *shape
	of    any // *touchpoint or *info
}

// Ref leads to the identity of a series that is visited.
type Ref struct {
	name   string
	shape  *shape
	of     *touchpoint
	info   *info
	labels []label // of a series without a shape or info, sorted
}

// ID returns the identity of the series, and false when it has none but its labels.
func (r *Ref) ID() (ID, bool) {
	switch {
	case r.shape != nil:
		return ID{r.shape, r.of}, true
	case r.info != nil:
		return ID{of: r.info}, true
	}
	return ID{}, false
}

// Name returns the name of the series.
func (r *Ref) Name() string { return r.name }

// Labels appends the labels, without the name, sorted by name. One whose value is empty is left out, as Prometheus does.
func (r *Ref) Labels(to []Label) []Label {
	labels := r.labels
	switch {
	case r.shape != nil:
		labels = r.shape.labels
	case r.info != nil:
		labels = r.info.labels
	}
	for _, l := range labels {
		if r.shape != nil {
			switch l.name {
			case channelLabel:
				l.value = r.of.def.Channel
			case touchpointLabel:
				l.value = r.of.def.Name
			}
		}
		if l.value != "" {
			to = append(to, Label{l.name, l.value})
		}
	}
	return to
}

// Walk visits every series of a scrape. With classic, histograms of touchpoints come as their classic buckets, sum and
// count, else as native histograms, one series each. Those of the agent itself are always classic.
func (m *Metrics) Walk(visit Visitor, classic bool) error {
	registered, err := m.registry.Gather()
	if err != nil {
		return err
	}
	w := walker{visit: visit, classic: classic}
	m.eachFamily(registered, func(mf *dto.MetricFamily) bool {
		w.registered(mf)
		return true
	}, func(f *Family, collect func(sink)) bool {
		w.open(f)
		collect(&w)
		return true
	})
	return nil
}

// walker is a sink that hands every series to a visitor.
type walker struct {
	visit   Visitor
	classic bool
	family  *Family
	ref     Ref
	native  NativeHistogram
}

func (w *walker) open(f *Family) {
	w.family = f
	w.visit.Family(f)
}

func (w *walker) sample(s *shape, t *touchpoint, value float64) {
	w.ref = Ref{name: s.name, shape: s, of: t}
	w.visit.Float(&w.ref, value)
}

func (w *walker) summary(s *summaryShape, t *touchpoint, sum float64, count uint64) {
	w.sample(s.sum, t, sum)
	w.sample(s.count, t, float64(count))
}

func (w *walker) histogram(s *histogramShape, t *touchpoint, h *histogram) {
	if w.classic {
		var cumulative uint64
		for i, bucket := range s.buckets {
			cumulative += h.classic[i]
			w.sample(bucket, t, float64(cumulative))
		}
		w.summary(&s.summaryShape, t, h.sum, h.count)
		return
	}
	n := &w.native
	*n = NativeHistogram{
		Count: h.count, ZeroCount: h.zero, Sum: h.sum, ZeroThreshold: zeroThreshold, Schema: h.schema(),
		Spans: n.Spans[:0], Deltas: n.Deltas[:0],
	}
	for span := range h.spans() {
		n.Spans = append(n.Spans, BucketSpan{span.offset, span.length})
	}
	var before int64
	for _, b := range h.native {
		n.Deltas = append(n.Deltas, int64(b.count)-before)
		before = int64(b.count)
	}
	w.ref = Ref{name: s.whole.name, shape: s.whole, of: t}
	w.visit.Histogram(&w.ref, n)
}

func (w *walker) row(labels []label, value float64) {
	w.ref = Ref{name: w.family.Name, labels: labels}
	w.visit.Float(&w.ref, value)
}

func (w *walker) info(i *info) {
	w.ref = Ref{name: w.family.Name, info: i}
	w.visit.Float(&w.ref, 1)
}

func (w *walker) proceed() bool { return true }

// registered visits a family of the registry.
func (w *walker) registered(mf *dto.MetricFamily) {
	w.open(&Family{Name: mf.GetName(), Type: Type(strings.ToLower(mf.GetType().String())), Unit: unitOf(mf.GetName()), Help: mf.GetHelp()})
	for _, metric := range mf.Metric {
		labels := make([]label, 0, len(metric.Label)+1)
		for _, pair := range metric.Label {
			labels = append(labels, label{pair.GetName(), pair.GetValue()})
		}
		part := func(suffix string, value float64, more ...label) {
			w.ref = Ref{name: mf.GetName() + suffix, labels: sortLabels(append(slices.Clip(labels), more...))}
			w.visit.Float(&w.ref, value)
		}
		switch {
		case metric.Histogram != nil:
			h := metric.Histogram
			for _, b := range h.Bucket { // without +Inf, which client_golang leaves to the count
				part("_bucket", float64(b.GetCumulativeCount()), label{bucketLabel, strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)})
			}
			part("_bucket", float64(h.GetSampleCount()), label{bucketLabel, "+Inf"})
			part("_sum", h.GetSampleSum())
			part("_count", float64(h.GetSampleCount()))
		case metric.Summary != nil:
			s := metric.Summary
			for _, q := range s.Quantile {
				part("", q.GetValue(), label{"quantile", strconv.FormatFloat(q.GetQuantile(), 'g', -1, 64)})
			}
			part("_sum", s.GetSampleSum())
			part("_count", float64(s.GetSampleCount()))
		case metric.Counter != nil:
			part("", metric.Counter.GetValue())
		case metric.Gauge != nil:
			part("", metric.Gauge.GetValue())
		default:
			part("", metric.Untyped.GetValue())
		}
	}
}
