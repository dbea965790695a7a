package stream_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// forms are all the ways from a publisher to a receiver that are measured.
func forms() map[string]func(*stream.Config, *hub) {
	return map[string]func(*stream.Config, *hub){
		"sse":       func(*stream.Config, *hub) {},
		"ndjson":    func(c *stream.Config, h *hub) { c.ReceiveURL, c.Receive = h.URL+"/ndjson", "ndjson" },
		"websocket": func(c *stream.Config, h *hub) { c.ReceiveURL = wsURL(h, "/ws") },
		"both ways": func(c *stream.Config, h *hub) { c.URL, c.ReceiveURL = wsURL(h, "/in"), wsURL(h, "/ws") },
	}
}

// BenchmarkProbe is the time of one message from sending to arrival, over a new connection to a held receiver.
func BenchmarkProbe(b *testing.B) {
	for name, change := range forms() {
		b.Run(name, func(b *testing.B) {
			h := newHub(b)
			p := newProber(b, h, func(c *stream.Config) { change(c, h) })
			want(b, take(b, p), "", "delivered")
			var delivered []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				r := take(b, p)
				if r.Reason != "" {
					b.Fatalf("%s: %s", r.Reason, r.Detail)
				}
				delivered = append(delivered, r.Duration)
			}
			slices.Sort(delivered)
			b.ReportMetric(float64(delivered[len(delivered)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(delivered[len(delivered)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkWaiting is what a touchpoint costs while it waits for its next probe. The service is in the same process: its
// half is measured by connections that nobody else holds the other end of.
func BenchmarkWaiting(b *testing.B) {
	const touchpoints = 200
	for name, change := range forms() {
		b.Run(name, func(b *testing.B) {
			h := newHub(b)
			for b.Loop() {
				before, goroutines := inUse(), runtime.NumGoroutine()
				for range touchpoints {
					p := newProber(b, h, func(c *stream.Config) { change(c, h) })
					want(b, take(b, p), "", "delivered")
				}
				b.ReportMetric(float64(inUse()-before)/touchpoints/1024, "KiB/touchpoint")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/touchpoints, "goroutines/touchpoint")
			}
		})
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
