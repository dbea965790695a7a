//go:build !nohistory

package history

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// dayFrom is when the samples of aDay begin, in seconds.
const dayFrom = 1_700_000_000

// aDay is a store of 24 hours of samples every 15 seconds: of 100 gauges with all their digits, and of 100 counters.
func aDay(b *testing.B) acquirer {
	b.Helper()
	db, err := tsdb.Open(b.TempDir(), slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	refs := make([]storage.SeriesRef, 200)
	for step := range int64(24 * 3600 / 15) {
		app := db.AppenderV2(b.Context())
		for i := range refs {
			name, value := "gauge", 100*math.Abs(math.Sin(float64(step)/50+float64(i)))
			if i%2 == 1 {
				name, value = "probes_total", float64(step*int64(i))
			}
			series := labels.FromStrings("__name__", name, "channel", "channel-"+strconv.Itoa(i/2), "instance", "berlin", "job", "channelwatch")
			refs[i], err = app.Append(refs[i], series, 0, (dayFrom+15*step)*1000, value, nil, nil, storage.AppendV2Options{})
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return lend(db)
}

// BenchmarkAPI asks over HTTP and reads the whole answer.
func BenchmarkAPI(b *testing.B) {
	server := serveAPI(b, newTestAPI(aDay(b)))
	day := func(expr, step string) url.Values {
		return url.Values{"query": {expr}, "start": {"1700000015"}, "end": {"1700086385"}, "step": {step}}
	}
	at := func(expr string) url.Values { return url.Values{"query": {expr}, "time": {"1700086385"}} }
	for _, bench := range []struct {
		name, path string
		form       url.Values
	}{
		{"range/day/100series/15s", "/api/v1/query_range", day("gauge", "15")},
		{"range/day/100series/60s", "/api/v1/query_range", day("gauge", "60")},
		{"range/day/rate/60s", "/api/v1/query_range", day("rate(probes_total[5m])", "60")},
		{"range/day/sum-of-rate/60s", "/api/v1/query_range", day("sum(rate(probes_total[5m]))", "60")},
		{"instant/100series", "/api/v1/query", at("gauge")},
		{"instant/rate-of-day", "/api/v1/query", at("rate(probes_total[1d])")},
		{"labels", "/api/v1/labels", url.Values{"match[]": {"gauge"}}},
		{"series", "/api/v1/series", url.Values{"match[]": {"gauge"}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			used := cpuTime(b)
			for b.Loop() {
				response, err := new(http.Client).PostForm(server+bench.path, bench.form)
				if err != nil {
					b.Fatal(err)
				}
				size, err := io.Copy(io.Discard, response.Body)
				if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
					b.Fatalf("status %d, %v", response.StatusCode, err)
				}
				b.SetBytes(size)
			}
			b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/1000/float64(b.N), "cpu-ms/op") // of the reader, too
		})
	}
}

// BenchmarkSeries evaluates what a page reads, without HTTP.
func BenchmarkSeries(b *testing.B) {
	q := newTestQueries(aDay(b))
	b.Run("range", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got, err := q.seriesRange(b.Context(), "gauge", span{time.Unix(dayFrom, 0), time.Unix(dayFrom+86_385, 0), 5 * time.Minute})
			if err != nil || len(got) != 100 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("instant", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got, err := q.series(b.Context(), "gauge", instantAt(time.Unix(dayFrom+86_385, 0)))
			if err != nil || len(got) != 100 {
				b.Fatal(len(got), err)
			}
		}
	})
}

// BenchmarkJSON writes points only.
func BenchmarkJSON(b *testing.B) {
	w := newJSONWriter(io.Discard)
	value := 0.1
	for b.Loop() {
		w.more(1)
		w.point(1_700_000_015_000, value, nil)
		value += 0.37
	}
}
