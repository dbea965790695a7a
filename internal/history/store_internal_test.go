//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// childRole is the variable of the environment by which this binary, started by one of its own tests, learns what to do.
const childRole = "CHANNELWATCH_TEST_CHILD"

func TestMain(m *testing.M) {
	roles := map[string]func() error{"append": appendForever, "hold": holdForever}
	if role, ok := roles[os.Getenv(childRole)]; ok {
		if err := role(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// source has series as an agent has them: of touchpoints, of parts and of its own process.
type source struct {
	metrics   *metrics.Metrics
	catalogue *probe.Catalogue
	channel   *probe.Channel
}

func newSource(tb testing.TB, pages int) *source {
	tb.Helper()
	s, err := makeSource(pages)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func makeSource(pages int) (*source, error) {
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		return nil, err
	}
	s := &source{
		metrics:   metrics.New(metrics.Options{Catalogue: catalogue}),
		catalogue: catalogue,
		channel:   &probe.Channel{Name: "shop", Title: "Shop", Type: probe.DesktopWeb},
	}
	for i := range pages {
		s.channel.Touchpoints = append(s.channel.Touchpoints, &probe.Touchpoint{
			Channel: "shop", Name: fmt.Sprintf("page-%04d", i), Kind: "page", Weight: 1, Every: 30 * time.Second,
		})
	}
	s.metrics.Apply([]*probe.Channel{s.channel}, nil)
	s.probe(100 * time.Millisecond)
	return s, nil
}

// probe records a result for each touchpoint.
func (s *source) probe(took time.Duration) {
	for i, tp := range s.channel.Touchpoints {
		r := &probe.Result{Start: time.Unix(1e9, 0), Duration: took + time.Duration(i)*time.Millisecond}
		for n, p := range []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive} {
			r.Phases.Add(p, took/time.Duration(n+2))
		}
		s.metrics.Record(tp, r, quality.Rate(s.catalogue, tp.Limits, r))
	}
}

// set makes the series of one part exactly those: values by what stands between the braces.
func (s *source) set(values map[string]float64) {
	var all []metrics.Reading
	for text, v := range values {
		var of []metrics.Label
		for pair := range strings.SplitSeq(text, ",") {
			name, value, _ := strings.Cut(pair, "=")
			of = append(of, metrics.Label{Name: name, Value: value})
		}
		all = append(all, metrics.Reading{Name: "test_value", Help: "Set by the test.", Type: metrics.Gauge, Labels: of, Value: v})
	}
	s.metrics.SetPart("test", all)
}

func (s *source) collect(v metrics.Visitor) {
	if err := s.metrics.Walk(v, false); err != nil {
		panic(err)
	}
}

// testEvery is the time between two rounds of a test's store.
const testEvery = 5 * time.Second

// testOptions are those of a store in a new directory.
func testOptions(tb testing.TB, from *source) Options {
	tb.Helper()
	return Options{
		Dir: filepath.Join(tb.TempDir(), "tsdb"), Every: testEvery, Retention: 35 * 24 * time.Hour, MaxBytes: 1 << 30,
		Collect: from.collect,
		Labels:  []metrics.Label{{Name: "instance", Value: "berlin-1"}, {Name: "job", Value: "channelwatch"}},
		Log:     slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
}

// testStore returns a store that is not open.
func testStore(tb testing.TB, opts Options) *Store {
	tb.Helper()
	s, err := Open(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// opened opens a store until the function that it returns is called, or the test ends.
func openStore(tb testing.TB, s *Store) (*opened, func()) {
	tb.Helper()
	lock, err := s.enter()
	if err != nil {
		tb.Fatal(err)
	}
	o, err := s.openAll()
	if err != nil {
		tb.Fatal(err)
	}
	closed := false
	closeIt := func() {
		if closed {
			return
		}
		closed = true
		if err := s.closeAll(context.Background(), o); err != nil {
			tb.Error(err)
		}
		if err := lock.Release(); err != nil {
			tb.Error(err)
		}
	}
	tb.Cleanup(closeIt)
	return o, closeIt
}

// ticks makes rounds at the times, all of which the store must survive.
func ticks(tb testing.TB, s *Store, o *opened, at ...time.Time) {
	tb.Helper()
	for _, at := range at {
		if !s.tick(tb.Context(), o, at) {
			tb.Fatalf("round at %v: the store wants to be opened anew: %+v", at, s.Status())
		}
	}
}

// from returns n times from one on, at the distance of rounds.
func from(start time.Time, n int) []time.Time {
	all := make([]time.Time, n)
	for i := range all {
		all[i] = start.Add(time.Duration(i) * testEvery)
	}
	return all
}

// recorded returns what a store holds of the series with a name: "seconds after start: value" by labels, without job and
// instance. The mark of the end of a series is "end", histograms are by their count.
func recorded(tb testing.TB, q storage.Queryable, start time.Time, name string) map[string][]string {
	tb.Helper()
	querier, err := q.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = querier.Close() }()
	out := make(map[string][]string)
	set := querier.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", name))
	for set.Next() {
		of := labels.NewBuilder(set.At().Labels()).Del("__name__", "job", "instance").Labels().String()
		it := set.At().Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			at, text := it.AtT(), ""
			if kind == chunkenc.ValFloat {
				_, v := it.At()
				text = fmt.Sprint(v)
				if value.IsStaleNaN(v) {
					text = "end"
				}
			} else {
				_, h := it.AtFloatHistogram(nil)
				text = fmt.Sprintf("count %v", h.Count)
				if value.IsStaleNaN(h.Sum) {
					text = "end"
				}
			}
			after := time.UnixMilli(at).Sub(start)
			out[of] = append(out[of], fmt.Sprintf("%v: %s", after.Seconds(), text))
		}
		if err := it.Err(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := set.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

func same(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// reading returns the value of a reading with a label, or of the only one when it has none; -1 when there is none.
func reading(s *Store, name, label string) float64 {
	for _, r := range s.Readings() {
		if r.Name == name && (len(r.Labels) == 0 || r.Labels[0].Value == label) {
			return r.Value
		}
	}
	return -1
}
