package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

const (
	benchTouchpoints = 10_000
	protoAccept      = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	openAccept       = "application/openmetrics-text;version=1.0.0"
)

// busy returns metrics of benchTouchpoints pages that have run for a while.
func busy(b *testing.B) (*metrics.Metrics, []*probe.Touchpoint) {
	b.Helper()
	m := metrics.New(metrics.Options{Catalogue: catalogue(b), Location: "berlin-1"})
	channels, all := manyPages(benchTouchpoints)
	m.Apply(channels, nil)
	work(b, m, all)
	return m, all
}

// work records 20 results for each touchpoint, none like another, from 20 ms to 3 s.
func work(b *testing.B, m *metrics.Metrics, all []*probe.Touchpoint) {
	b.Helper()
	c := catalogue(b)
	for i := range 20 {
		for n, tp := range all {
			r := pageResult(time.Duration(20+i*i*7)*1137*time.Microsecond + time.Duration(n)*17*time.Microsecond)
			r.Start = r.Start.Add(time.Duration(n) * time.Millisecond)
			m.Record(tp, r, quality.Rate(c, tp.Limits, r))
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	m, all := busy(b)
	r := pageResult(2 * time.Second)
	verdict := quality.Rate(catalogue(b), all[0].Limits, r)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Record(all[i%len(all)], r, verdict)
		i++
	}
}

// discard is a client that only counts bytes.
type discard struct {
	header http.Header
	bytes  int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { d.bytes += len(p); return len(p), nil }

func BenchmarkScrape(b *testing.B) {
	m, _ := busy(b)
	handler := m.Handler()
	for _, format := range []struct{ name, accept, encoding string }{
		{"text", "text/plain", ""},
		{"openmetrics", openAccept, ""},
		{"protobuf", protoAccept, ""},
		{"text-gzip", "text/plain", "gzip"},
		{"protobuf-gzip", protoAccept, "gzip"},
	} {
		b.Run(format.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", format.accept)
			r.Header.Set("Accept-Encoding", format.encoding)
			b.ReportAllocs()
			var w *discard
			before := cpu(b)
			for b.Loop() {
				w = &discard{header: make(http.Header)}
				handler.ServeHTTP(w, r)
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(w.bytes)/1e6, "MB/page")
		})
	}
}

// BenchmarkWalk measures a round of the agent's own history: every series by its identity.
func BenchmarkWalk(b *testing.B) {
	m, _ := busy(b)
	for _, form := range []struct {
		name    string
		classic bool
	}{{"native", false}, {"classic", true}} {
		b.Run(form.name, func(b *testing.B) {
			n := &counting{seen: make(map[metrics.ID]bool)}
			b.ReportAllocs()
			for b.Loop() {
				n.series = 0
				if err := m.Walk(n, form.classic); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n.series), "series")
		})
	}
}

// counting is a visitor that knows the series of the walk before.
type counting struct {
	series int
	seen   map[metrics.ID]bool
}

func (c *counting) Family(*metrics.Family) {}

func (c *counting) Float(r *metrics.Ref, _ float64) {
	c.series++
	if id, ok := r.ID(); ok {
		c.seen[id] = true
	}
}

func (c *counting) Histogram(r *metrics.Ref, _ *metrics.NativeHistogram) { c.Float(r, 0) }

// BenchmarkApply measures a reload in which nothing changed.
func BenchmarkApply(b *testing.B) {
	m, _ := busy(b)
	channels, _ := manyPages(benchTouchpoints)
	b.ReportAllocs()
	for b.Loop() {
		m.Apply(channels, nil)
	}
}

// cpu returns the processor time that this process has used, which other load on the machine does not stretch.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap returns the bytes that are reachable.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// BenchmarkMemory measures what the metrics of one touchpoint hold beyond its definition.
func BenchmarkMemory(b *testing.B) {
	channels, all := manyPages(benchTouchpoints)
	c := catalogue(b)
	for b.Loop() {
		before := heap()
		m := metrics.New(metrics.Options{Catalogue: c, Location: "berlin-1"})
		m.Apply(channels, nil)
		work(b, m, all)
		b.ReportMetric((heap()-before)/benchTouchpoints, "B/touchpoint")
		runtime.KeepAlive(m)
	}
}

// BenchmarkClientHistogram measures what a histogram of client_golang for each touchpoint would hold and cost.
func BenchmarkClientHistogram(b *testing.B) {
	_, all := manyPages(benchTouchpoints)
	before := heap()
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "x_seconds", Help: "Compared.", Buckets: []float64{0.02, 0.1, 0.3, 0.8, 1, 1.8, 3, 4, 10, 30},
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 40,
	}, []string{"channel", "touchpoint"})
	var observers []prometheus.Observer
	for _, tp := range all {
		o := v.WithLabelValues(tp.Channel, tp.Name)
		observers = append(observers, o)
		for i := range 20 {
			o.Observe((time.Duration(20+i*i*7) * 1137 * time.Microsecond).Seconds())
		}
	}
	held := heap() - before
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		observers[i%len(observers)].Observe(2)
		i++
	}
	b.ReportMetric(held/benchTouchpoints, "B/touchpoint")
}
