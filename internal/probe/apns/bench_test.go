package apns_test

import (
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// BenchmarkProbe is one message over loopback, with a new connection, TLS and a signed token each time. It reports what
// the provider's answer takes once the connection stands, which is what a probe adds to Apple's own time.
func BenchmarkProbe(b *testing.B) {
	for _, mode := range []string{"canary", "acceptance"} {
		b.Run(mode, func(b *testing.B) {
			a := newApple(b)
			built := a.build(b, nil)
			if mode == "acceptance" {
				built = a.build(b, acceptance)
			}
			var accepts []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				r := take(b, built.Prober)
				if r.Reason != "" {
					b.Fatalf("%s: %s", r.Reason, r.Detail)
				}
				accept, _ := r.Phases.Get(probe.Accept)
				accepts = append(accepts, accept)
			}
			slices.Sort(accepts)
			b.ReportMetric(float64(accepts[len(accepts)/2].Microseconds()), "µs/accept-p50")
			b.ReportMetric(float64(accepts[len(accepts)*99/100].Microseconds()), "µs/accept-p99")
		})
	}
}
