package metrics_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// TestHistogram_EqualsClientGolang feeds the same observations to both.
func TestHistogram_EqualsClientGolang(t *testing.T) {
	for _, test := range []struct {
		name string
		next func(r *rand.Rand, i int) float64
		n    int
	}{
		{"none", nil, 0},
		{"one", func(*rand.Rand, int) float64 { return 0.25 }, 1},
		{"only zero", func(*rand.Rand, int) float64 { return 0 }, 3},
		{"latency", func(r *rand.Rand, _ int) float64 { return 0.2 * math.Exp(r.NormFloat64()/3) }, 2000},
		{"wide", func(r *rand.Rand, _ int) float64 { return 0.3 * math.Exp(r.NormFloat64()*2) }, 2000},
		{"absurd", func(r *rand.Rand, _ int) float64 { return math.Pow(10, float64(r.IntN(600)-300)) }, 2000},
		{"bounds", func(_ *rand.Rand, i int) float64 { return []float64{0.02, 0.3, 1, 1.8, 4, 30, 31}[i%7] }, 70},
		{"powers of two", func(_ *rand.Rand, i int) float64 { return math.Ldexp(1, i%30-15) }, 300},
		{"bounds of buckets", func(_ *rand.Rand, i int) float64 { return math.Exp2(float64(i%33-16) / 8) }, 300},
	} {
		t.Run(test.name, func(t *testing.T) {
			reference := prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: "x_seconds", Help: "Reference.", Buckets: []float64{0.5, 1, 2},
				NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 40,
			})
			m, topic := metrics.New(metrics.Options{Catalogue: catalogue(t)}), push()
			m.Apply([]*probe.Channel{channelOf("shop", topic)}, nil)
			random := rand.New(rand.NewPCG(7, uint64(test.n)))
			for i := range test.n {
				v := test.next(random, i)
				reference.Observe(v)
				record(t, m, topic, &probe.Result{Measurements: []probe.Measurement{{Metric: "push_delivery_seconds", Label: "1", Value: v}}})
			}
			var want dto.Metric
			if err := reference.Write(&want); err != nil {
				t.Fatal(err)
			}
			got := histogramOf(t, m, "channelwatch_push_delivery_seconds", 1)
			if diff := cmp.Diff(plainOf(want.Histogram), plainOf(got)); diff != "" {
				t.Errorf("histogram (-client_golang +ours):\n%s", diff)
			}
		})
	}
}

func TestHistogram_DurationBucketsHoldTheDefaultLimits(t *testing.T) {
	m, home := one(t)
	for _, d := range []time.Duration{300, 800, 1000, 1800, 3000, 4000} {
		record(t, m, home, &probe.Result{Duration: d * time.Millisecond})
		record(t, m, home, &probe.Result{Duration: d*time.Millisecond + 1})
	}
	h := histogramOf(t, m, "channelwatch_probe_duration_seconds", 0)
	counts := make(map[float64]uint64)
	for _, b := range h.Bucket {
		counts[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	want := map[float64]uint64{0.02: 0, 0.1: 0, 0.3: 1, 0.8: 3, 1: 5, 1.8: 7, 3: 9, 4: 11, 10: 12, 30: 12}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
}

// histogramOf returns the histogram of the numbered metric of a family.
func histogramOf(tb testing.TB, m *metrics.Metrics, name string, number int) *dto.Histogram {
	tb.Helper()
	for _, mf := range gather(tb, m) {
		if mf.GetName() == name {
			return mf.Metric[number].Histogram
		}
	}
	tb.Fatalf("no family %s", name)
	return nil
}

// plain is a histogram without the freedom that spans leave: client_golang bridges small gaps with empty buckets.
type plain struct {
	Count, Zero   uint64
	Sum           float64
	Schema        int32
	ZeroThreshold float64
	Classic       map[float64]uint64
	Native        map[int32]int64
	Spans         bool
}

func plainOf(h *dto.Histogram) plain {
	p := plain{
		Count: h.GetSampleCount(), Zero: h.GetZeroCount(), Sum: h.GetSampleSum(), Schema: h.GetSchema(),
		ZeroThreshold: h.GetZeroThreshold(), Classic: make(map[float64]uint64), Native: make(map[int32]int64),
		Spans: len(h.PositiveSpan) > 0,
	}
	for _, b := range h.Bucket {
		p.Classic[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	var index int32
	var count int64
	deltas := h.PositiveDelta
	for _, span := range h.PositiveSpan {
		index += span.GetOffset()
		for range span.GetLength() {
			count += deltas[0]
			deltas = deltas[1:]
			if count != 0 {
				p.Native[index] = count
			}
			index++
		}
	}
	return p
}
