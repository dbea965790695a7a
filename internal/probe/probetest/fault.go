package probetest

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Fault is a service that misbehaves in one way.
type Fault struct {
	Name  string
	Start func(testing.TB) Target // the service runs until the test ends
	Want  probe.CheckID           // the reason, or the cause of the rating, of every probe
	Hangs bool                    // the service never finishes, and the probe is given up at its deadline
}

const (
	// hangs is the deadline for services that never finish: long enough to reach the phase that hangs on a busy machine.
	hangs = 1500 * time.Millisecond
	// answers is the deadline for all others.
	answers = 15 * time.Second
	// bodyLimit is the cap on bodies that probers are told, in bytes.
	bodyLimit = 1 << 20
	// maxAlloc is what a probe and the service together may allocate, in bytes: a capped body that is collected and
	// decoded in buffers that double, and the same again for what a kind makes of it.
	maxAlloc = 24 * bodyLimit
)

// Faults returns all misbehaving services.
func Faults() []Fault {
	var all []Fault
	for _, group := range [][]Fault{
		dnsFaults(), connectFaults(), certificateFaults(), handshakeFaults(), silenceFaults(), headerFaults(), framingFaults(),
		bodyFaults(), encodingFaults(), redirectFaults(), statusFaults(), http2Faults(),
	} {
		all = append(all, group...)
	}
	return all
}

// RunFaults points a subject at every misbehaving service and checks that it names each with exactly the check that is
// expected, in time, within bounded memory, and with a complete result.
func RunFaults(t *testing.T, subject Subject) {
	t.Helper()
	for _, fault := range Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			if fault.Hangs {
				t.Parallel() // nothing but time passes
			}
			target := fault.Start(t)
			target.BodyLimit = bodyLimit
			subject.expectFault(t, fault, target)
		})
	}
}

func (s Subject) expectFault(t *testing.T, fault Fault, target Target) {
	t.Helper()
	built := s.build(t, target)
	deadline := answers
	if fault.Hangs {
		deadline = hangs
	}
	before := allocated()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	result, err := probeUntil(ctx, t, built.Prober, deadline+grace)
	if err != nil {
		t.Fatalf("got the error %v, want a result with %q", err, fault.Want)
	}
	if ctx.Err() != nil && !fault.Hangs {
		t.Errorf("the prober came back at its deadline of %v, want it as soon as the fault is known", deadline)
	}
	if used := allocated() - before; used > maxAlloc && !fault.Hangs {
		t.Errorf("%d bytes were allocated, want at most %d", used, maxAlloc)
	}
	s.checkResult(t, built.Profile, &result)
	verdict := s.rate(t, &result)
	if verdict.Cause != fault.Want {
		t.Errorf("got %q, want %q: %s", verdict.Cause, fault.Want, explain(&result))
	}
	if result.Reason != "" && result.Reason != fault.Want {
		t.Errorf("got reason %q beside cause %q, want one", result.Reason, verdict.Cause)
	}
}

// allocated returns how many bytes the process has allocated since its start.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
