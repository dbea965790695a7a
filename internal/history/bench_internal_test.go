//go:build !nohistory

package history

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// BenchmarkRound measures recording: all series of an agent, every 5 s, of which most keep their value, with the replacement
// of chunks and all that the garbage collector does. share-5s is how much of one core that takes.
func BenchmarkRound(b *testing.B) {
	for _, size := range []struct {
		name  string
		pages int
	}{{"5000", 330}, {"50000", 3300}} {
		b.Run(size.name, func(b *testing.B) {
			from := newSource(b, size.pages)
			opts := testOptions(b, from)
			opts.Log = nil
			s := testStore(b, opts)
			o, _ := openStore(b, s)
			at := time.Unix(1_700_000_000, 0)
			b.ReportAllocs()
			before, n := cpuTime(b), 0
			for b.Loop() {
				if n++; n%6 == 0 { // of a probe every 30 s
					from.probe(time.Duration(100+n%7) * time.Millisecond)
				}
				at = at.Add(testEvery)
				ticks(b, s, o, at)
			}
			spent := (cpuTime(b) - before) / time.Duration(n)
			b.ReportMetric(float64(spent.Microseconds())/1000, "cpu-ms/round")
			b.ReportMetric(100*spent.Seconds()/testEvery.Seconds(), "share-5s-%")
			b.ReportMetric(float64(o.db.Head().NumSeries()), "series")
			debug.FreeOSMemory()
			b.ReportMetric(residentMB(b), "rss-MB")
		})
	}
}

// BenchmarkDay measures a day of 5,000 series every 5 s with all that belongs to it: writing blocks, compacting them, cutting
// the log. Set GOGC or GOMEMLIMIT to see what they do to the memory.
func BenchmarkDay(b *testing.B) {
	from := newSource(b, 330)
	opts := testOptions(b, from)
	opts.Log = nil
	for b.Loop() {
		opts.Dir = filepath.Join(b.TempDir(), "tsdb")
		s := testStore(b, opts)
		o, closeIt := openStore(b, s)
		start := time.Unix(1_700_000_000, 0)
		before, rounds, peak := cpuTime(b), 0, 0.0
		for at := start; at.Before(start.Add(24 * time.Hour)); at = at.Add(testEvery) {
			if rounds%6 == 0 {
				from.probe(time.Duration(50+rounds*7919%400) * time.Millisecond)
			}
			ticks(b, s, o, at)
			if rounds++; rounds%int(time.Hour/testEvery) == 0 {
				peak = max(peak, residentMB(b))
				if err := o.db.Compact(b.Context()); err != nil {
					b.Fatal(err)
				}
				peak = max(peak, residentMB(b))
			}
		}
		spent := (cpuTime(b) - before) / time.Duration(rounds)
		b.ReportMetric(100*spent.Seconds()/testEvery.Seconds(), "share-5s-%")
		b.ReportMetric(peak, "peak-rss-MB")
		debug.FreeOSMemory()
		b.ReportMetric(residentMB(b), "rss-MB")
		samples, blocks := reading(s, "history_samples_total", ""), reading(s, "history_bytes", "blocks")
		b.ReportMetric((blocks+reading(s, "history_bytes", "head"))/1e6, "disk-MB")
		b.ReportMetric((blocks+reading(s, "history_bytes", "head"))/samples, "B/sample")

		began := time.Now()
		series, err := s.QueryRange(b.Context(), "sum by (touchpoint) (channelwatch_touchpoint_rating{touchpoint=~'page-00.*'})",
			start, start.Add(24*time.Hour-time.Second), 15*time.Second)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "query-24h-ms")
		b.ReportMetric(float64(len(series)), "query-series")
		closeIt()
		began = time.Now()
		openStore(b, s)
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "reopen-ms")
	}
}

// BenchmarkFind measures what a round adds to the walk over the series when nothing has changed.
func BenchmarkFind(b *testing.B) {
	from := newSource(b, 160)
	f := &finder{cache: newCache(testOptions(b, from).Labels)}
	from.collect(f)
	f.cache.begin()
	b.ReportAllocs()
	for b.Loop() {
		f.found = 0
		from.collect(f)
	}
	b.ReportMetric(float64(f.found), "series")
}

// finder is a visitor that looks series up.
type finder struct {
	cache *cache
	found int
}

func (f *finder) Family(*metrics.Family)                               {}
func (f *finder) Float(ref *metrics.Ref, _ float64)                    { f.find(ref) }
func (f *finder) Histogram(r *metrics.Ref, _ *metrics.NativeHistogram) { f.find(r) }

func (f *finder) find(ref *metrics.Ref) {
	if f.cache.find(ref) != nil {
		f.found++
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// residentMB is the resident memory of this process.
func residentMB(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages) * float64(os.Getpagesize()) / 1e6
}
