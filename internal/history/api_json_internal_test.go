//go:build !nohistory

package history

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/util/jsonutil"
)

// written returns what a function writes.
func written(t *testing.T, f func(*jsonWriter)) string {
	t.Helper()
	var out bytes.Buffer
	w := newJSONWriter(&out)
	f(w)
	if !w.flush() {
		t.Fatal(w.err)
	}
	return out.String()
}

// byUpstream returns what Prometheus' own encoder writes.
func byUpstream(t *testing.T, f func(*jsoniter.Stream)) string {
	t.Helper()
	stream := jsoniter.ConfigCompatibleWithStandardLibrary.BorrowStream(nil)
	f(stream)
	if stream.Error != nil {
		t.Fatal(stream.Error)
	}
	return string(stream.Buffer())
}

// floats returns numbers of all kinds and sizes.
func floats(random *rand.Rand) []float64 {
	all := []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1e-6, 9.99e-7, -1e-7, 1e15, -1e15, 1e15 - 1, 1e20, 1e21, -1e21, 1e300, math.MaxInt64,
		math.MinInt64, 1 << 53, 1<<53 + 2, math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
	}
	for range 1000 {
		all = append(all, math.Float64frombits(random.Uint64()), float64(random.Int64N(1<<60)-1<<59), random.Float64(), float64(random.IntN(1000)))
	}
	return all
}

func TestJSON_Floats(t *testing.T) {
	t.Parallel()
	for _, f := range floats(rand.New(rand.NewPCG(1, 2))) {
		got := written(t, func(w *jsonWriter) { w.float(f) })
		if want := byUpstream(t, func(s *jsoniter.Stream) { jsonutil.MarshalFloat(f, s) }); got != want {
			t.Errorf("%g: %s, want %s", f, got, want)
		}
	}
}

func TestJSON_Timestamps(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	all := []int64{0, 1, -1, 9, 10, 99, 100, 999, 1000, 1001, -1001, 1_700_000_000_000, 1_700_000_000_007}
	for range 1000 {
		all = append(all, random.Int64N(1<<50)-1<<49)
	}
	for _, ms := range all {
		got := written(t, func(w *jsonWriter) { w.timestamp(ms) })
		if want := byUpstream(t, func(s *jsoniter.Stream) { jsonutil.MarshalTimestamp(ms, s) }); got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
}

func TestJSON_Histograms(t *testing.T) {
	t.Parallel()
	spans := []histogram.Span{{Offset: -2, Length: 2}, {Offset: 3, Length: 1}}
	for _, test := range []struct {
		name string
		h    histogram.FloatHistogram
	}{
		{"empty", histogram.FloatHistogram{}},
		{"zero bucket", histogram.FloatHistogram{Count: 3, Sum: 0.5, ZeroCount: 3, ZeroThreshold: 0.001}},
		{"positive", histogram.FloatHistogram{Count: 6, Sum: 12.5, Schema: 3, PositiveSpans: spans, PositiveBuckets: []float64{1, 2, 3}}},
		{"buckets that are empty", histogram.FloatHistogram{Count: 3, Sum: 1, PositiveSpans: spans, PositiveBuckets: []float64{0, 0, 3}}},
		{"only empty buckets", histogram.FloatHistogram{PositiveSpans: spans, PositiveBuckets: []float64{0, 0, 0}}},
		{"all sides", histogram.FloatHistogram{
			Count: 14, Sum: math.NaN(), ZeroCount: 2, ZeroThreshold: 1e-128, Schema: 8,
			PositiveSpans: spans, PositiveBuckets: []float64{1.5, 2, 3}, NegativeSpans: spans, NegativeBuckets: []float64{1, 2, 3},
		}},
		{"own bounds", histogram.FloatHistogram{
			Count: 6, Sum: math.Inf(1), Schema: histogram.CustomBucketsSchema, CustomValues: []float64{0.1, 1},
			PositiveSpans: []histogram.Span{{Length: 3}}, PositiveBuckets: []float64{1, 2, 3},
		}},
	} {
		got := written(t, func(w *jsonWriter) { w.histogram(&test.h) })
		if want := byUpstream(t, func(s *jsoniter.Stream) { jsonutil.MarshalHistogram(&test.h, s) }); got != want {
			t.Errorf("%s: %s, want %s", test.name, got, want)
		}
	}
}

func TestJSON_Strings(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", `a "b"`, `back\slash`, "line\nend", "\x00\x1f", "<&>", "größe", "\u2028", "bad \xff byte", "日本"} {
		got := written(t, func(w *jsonWriter) { w.string(s) })
		var back, want string
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Errorf("%q: %s is not JSON: %v", s, got, err)
		}
		if text, err := json.Marshal(s); err != nil || json.Unmarshal(text, &want) != nil {
			t.Fatal(err)
		}
		if back != want {
			t.Errorf("%q comes back from %s as %q, want %q", s, got, back, want)
		}
	}
}
