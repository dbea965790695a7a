package fcm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// BenchmarkProbe is what the agent adds to a provider's own time: acceptance, and delivery with a receipt, over loopback
// and a new TLS connection for each message.
func BenchmarkProbe(b *testing.B) {
	b.Run("validate", func(b *testing.B) { measure(b, start(b, nil), probe.Accept) })
	b.Run("canary", func(b *testing.B) {
		s := startCanary(b, nil)
		s.set(func(st *standin) { st.onMessage = s.confirm })
		measure(b, s, probe.Deliver)
	})
}

// measure reports the median and the 99th percentile of a phase.
func measure(b *testing.B, s *subject, phase probe.Phase) {
	b.Helper()
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.prober.Probe(b.Context())
		d, ok := r.Phases.Get(phase)
		if err != nil || !ok {
			b.Fatalf("%v, %s: %s", err, r.Reason, r.Detail)
		}
		took = append(took, d)
	}
	slices.Sort(took)
	for name, share := range map[string]int{"p50-µs": 50, "p99-µs": 99} {
		b.ReportMetric(float64(took[len(took)*share/100].Nanoseconds())/1000, name)
	}
}
