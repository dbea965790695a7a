package webpush_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// BenchmarkProbe is what a probe adds to a push service that takes no time, over loopback: encrypting, signing, a new
// connection, and the way back over the receiver. It reports the middle and the slowest hundredth of what results say,
// and of what probes take as a whole.
func BenchmarkProbe(b *testing.B) {
	s := newStage(b, pushservice.Options{RequireVAPID: true})
	key, _ := newKey(b)
	p := selfProber(b, s, func(c *webpush.Config) {
		c.VAPIDKeyFile, c.Subject = private(b, "vapid", key), "mailto:push@example.com"
	})
	want(b, take(b, p), "", "delivered")
	var accepted, delivered, whole []time.Duration
	for b.Loop() {
		start := time.Now()
		r := take(b, p)
		whole = append(whole, time.Since(start))
		want(b, r, "", "delivered")
		accept, _ := r.Phases.Get(probe.Accept)
		accepted, delivered = append(accepted, accept), append(delivered, r.Duration)
	}
	for name, times := range map[string][]time.Duration{"accept": accepted, "deliver": delivered, "probe": whole} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-"+name+"-µs")
		b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-"+name+"-µs")
	}
}

// BenchmarkReceiver is the memory of a receiver that waits. Half of what is counted is the push service's, because it runs
// in the same process.
func BenchmarkReceiver(b *testing.B) {
	const touchpoints = 200
	s := newStage(b, pushservice.Options{})
	for b.Loop() {
		before, goroutines := inUse(), runtime.NumGoroutine()
		for range touchpoints {
			want(b, take(b, selfProber(b, s, nil)), "", "delivered")
		}
		b.ReportMetric(float64(inUse()-before)/touchpoints/1024, "KiB/touchpoint")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/touchpoints, "goroutines/touchpoint")
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
