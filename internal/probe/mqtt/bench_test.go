package mqtt_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// BenchmarkProbe is the time of one message from sending to arrival and back in hand, over held connections, and how
// long its delivery took by its own word.
func BenchmarkProbe(b *testing.B) {
	broker := startMosquitto(b)
	for version, speak := range versions() {
		for qos := range 3 {
			b.Run(fmt.Sprintf("%s/qos=%d", version, qos), func(b *testing.B) {
				p := newProber(b, "mqtt://"+broker.address(), both(speak, func(c *mqtt.Config) { c.QoS = qos }))
				want(b, take(b, p), "", "delivered")
				var took []time.Duration
				b.ReportAllocs()
				for b.Loop() {
					r := take(b, p)
					if r.Reason != "" {
						b.Fatalf("%s: %s", r.Reason, r.Detail)
					}
					took = append(took, r.Duration)
				}
				slices.Sort(took)
				b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
				b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			})
		}
	}
}

// BenchmarkWaiting is what a connection costs while its touchpoint waits for the next probe: half of them are subscribed.
func BenchmarkWaiting(b *testing.B) {
	const connections = 400
	ca := newAuthority(b, "Test CA")
	cert, key := ca.issue(b, "push.example.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	brokers := map[string]string{
		"plain": "mqtt://" + startMosquitto(b).address(),
		"TLS":   "mqtts://" + startMosquitto(b, "certfile "+cert, "keyfile "+key).address(),
	}
	for version, speak := range versions() {
		for how, url := range brokers {
			b.Run(version+"/"+how, func(b *testing.B) {
				for b.Loop() {
					before := inUse()
					goroutines := runtime.NumGoroutine()
					for range connections / 2 {
						p := newProber(b, url, both(speak, func(c *mqtt.Config) {
							if how == "TLS" {
								c.TLS.CAFile = ca.caFile
							}
						}))
						want(b, take(b, p), "", "delivered")
					}
					b.ReportMetric(float64(inUse()-before)/connections/1024, "KiB/connection")
					b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/connections, "goroutines/connection")
				}
			})
		}
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
