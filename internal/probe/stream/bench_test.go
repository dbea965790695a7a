package stream_test

import (
	"io"
	"net"
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
// half is that of connections whose other end costs next to nothing, and is taken off.
func BenchmarkWaiting(b *testing.B) {
	const touchpoints = 200
	paths := map[string]string{"sse": "/sse", "ndjson": "/ndjson", "websocket": "/ws", "both ways": "/ws"}
	for name, change := range forms() {
		b.Run(name, func(b *testing.B) {
			h, kind := newHub(b), stream.Kind()
			service := each(touchpoints, func() { subscribeBarely(b, h, paths[name]) })
			for b.Loop() {
				whole := each(touchpoints, func() {
					p := newProberOf(b, kind, h, func(c *stream.Config) { change(c, h) })
					want(b, take(b, p), "", "delivered")
				})
				b.ReportMetric((whole.memory-service.memory)/1024, "KiB/touchpoint")
				b.ReportMetric(whole.goroutines-service.goroutines, "goroutines/touchpoint")
			}
		})
	}
}

// cost is what one of many things takes.
type cost struct{ memory, goroutines float64 }

// each does something n times and returns what is left of one.
func each(n int, do func()) cost {
	memory, goroutines := inUse(), runtime.NumGoroutine()
	for range n {
		do()
	}
	return cost{float64(inUse()-memory) / float64(n), float64(runtime.NumGoroutine()-goroutines) / float64(n)}
}

// subscribeBarely subscribes by a connection that nobody reads from.
func subscribeBarely(tb testing.TB, h *hub, path string) {
	tb.Helper()
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	before := h.subscriptions()
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		tb.Fatal(err)
	}
	var first [1]byte
	if _, err := conn.Read(first[:]); err != nil || h.subscriptions() != before+1 {
		tb.Fatalf("got %v and %d subscriptions, want one more than %d", err, h.subscriptions(), before)
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
