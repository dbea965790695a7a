package mqtt_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// BenchmarkProbe is the time of one message from sending to arrival and back in hand, over held connections.
func BenchmarkProbe(b *testing.B) {
	broker := startMosquitto(b)
	for qos := range 3 {
		b.Run(fmt.Sprintf("qos=%d", qos), func(b *testing.B) {
			p := newProber(b, "mqtt://"+broker.address(), func(c *mqtt.Config) { c.QoS = qos })
			want(b, take(b, p), "", "delivered")
			b.ReportAllocs()
			for b.Loop() {
				if r := take(b, p); r.Reason != "" {
					b.Fatalf("%s: %s", r.Reason, r.Detail)
				}
			}
		})
	}
}

// BenchmarkWaiting is what a touchpoint costs while it waits for its next probe: two connections, one subscription.
func BenchmarkWaiting(b *testing.B) {
	const touchpoints = 200
	broker := startMosquitto(b)
	for b.Loop() {
		before := inUse()
		goroutines := runtime.NumGoroutine()
		for range touchpoints {
			p := newProber(b, "mqtt://"+broker.address(), nil)
			want(b, take(b, p), "", "delivered")
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
