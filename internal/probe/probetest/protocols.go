package probetest

import (
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Protocol is a version of HTTP, a service that speaks it well, and the phases that a probe of its address has.
type Protocol struct {
	Name   string // as evidence has it
	Start  func(testing.TB) Target
	Phases []probe.Phase
}

// Protocols returns those that go by TCP.
func Protocols() []Protocol {
	phases := []probe.Phase{probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive}
	return []Protocol{{"HTTP/1.1", HealthyHTTP1, phases}, {"HTTP/2", HealthyHTTP, phases}}
}

// QUICProtocols returns the one that goes by QUIC, whose one handshake is the phase TLS.
func QUICProtocols() []Protocol {
	return []Protocol{{"HTTP/3", HealthyHTTP3, []probe.Phase{probe.TLS, probe.Send, probe.Wait, probe.Receive}}}
}

// RunProtocols points a subject at a good service of each protocol and checks that its phases are all there, none else,
// and that they add up to the whole within a millisecond or a hundredth.
func RunProtocols(t *testing.T, subject Subject, protocols []Protocol) {
	t.Helper()
	for _, protocol := range protocols {
		t.Run(protocol.Name, func(t *testing.T) {
			built := subject.build(t, protocol.Start(t))
			got := probeWithin(t, built.Prober, answers)
			subject.checkResult(t, built.Profile, got)
			result := got.result
			if exchanges := result.Evidence.Exchanges; len(exchanges) != 1 || exchanges[0].Protocol != protocol.Name || result.Reason != "" {
				t.Fatalf("got %s, want one exchange by %s", explain(&result), protocol.Name)
			}
			for p := range probe.NumPhases {
				if _, reached := result.Phases.Get(p); reached != slices.Contains(protocol.Phases, p) {
					t.Errorf("phase %v was reached: %v, want %v", p, reached, !reached)
				}
			}
			if off := (result.Phases.Sum() - result.Duration).Abs(); off > max(time.Millisecond, result.Duration/100) {
				t.Errorf("phases %+v add up to %v, want %v", result.Phases, result.Phases.Sum(), result.Duration)
			}
		})
	}
}
