package probetest

import (
	"context"
	"runtime"
	"sync"
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
	Chain bool                    // the service shows a chain of certificates, and the result has to show it all the same
}

const (
	// hangs is the deadline for services that never finish: long enough to reach the phase that hangs on a busy machine.
	hangs = 3 * time.Second
	// answers is the deadline for all others.
	answers = 15 * time.Second
	// bodyLimit is the cap on bodies that probers are told, in bytes.
	bodyLimit = 1 << 20
	// maxAlloc is what a probe and the service together may allocate, in bytes: a capped body that is collected and
	// decoded in buffers that double, and the same again for what a kind makes of it.
	maxAlloc = 24 * bodyLimit
)

// Faults returns all services that misbehave by TCP, or before.
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
	subject.runFaults(t, Faults())
}

// RunQUICFaults is RunFaults for services that misbehave by HTTP/3, and subjects that ask by it.
func RunQUICFaults(t *testing.T, subject Subject) {
	t.Helper()
	subject.runFaults(t, QUICFaults())
}

func (s Subject) runFaults(t *testing.T, faults []Fault) {
	t.Helper()
	var hanging []Fault
	for _, fault := range faults {
		if fault.Hangs {
			hanging = append(hanging, fault)
			continue
		}
		t.Run(fault.Name, func(t *testing.T) { s.expectFault(t, fault) })
	}
	s.expectHanging(t, hanging)
}

// expectFault probes a service that has finished misbehaving long before the deadline.
func (s Subject) expectFault(t *testing.T, fault Fault) {
	t.Helper()
	built := s.buildFault(t, fault)
	ctx, cancel := context.WithTimeout(t.Context(), answers)
	defer cancel()
	before := allocated()
	got := probeUntil(ctx, built.Prober, answers+grace)
	if used := allocated() - before; used > maxAlloc {
		t.Errorf("%d bytes were allocated, want at most %d", used, maxAlloc)
	}
	if ctx.Err() != nil {
		t.Errorf("the prober came back at its deadline of %v, want it as soon as the fault is known", answers)
	}
	s.checkFault(t, fault, built.Profile, got)
}

// expectHanging probes services that never finish, all at once: nothing but time passes.
func (s Subject) expectHanging(t *testing.T, faults []Fault) {
	t.Helper()
	built := make([]probe.Built, len(faults))
	for i, fault := range faults {
		built[i] = s.buildFault(t, fault)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	got := make([]answer, len(faults))
	var probes sync.WaitGroup
	for i := range faults {
		probes.Go(func() { got[i] = probeUntil(ctx, built[i].Prober, hangs+grace) })
	}
	probes.Wait()
	for i, fault := range faults {
		t.Run(fault.Name, func(t *testing.T) { s.checkFault(t, fault, built[i].Profile, got[i]) })
	}
}

func (s Subject) buildFault(t *testing.T, fault Fault) probe.Built {
	t.Helper()
	target := fault.Start(t)
	target.BodyLimit = bodyLimit
	return s.build(t, target)
}

// checkFault checks that a fault was named, and nothing else.
func (s Subject) checkFault(t *testing.T, fault Fault, profile probe.Profile, got answer) {
	t.Helper()
	if got.err != nil {
		t.Fatalf("got the error %v, want a result with %q", got.err, fault.Want)
	}
	result := got.result
	s.checkResult(t, profile, got)
	verdict := s.rate(t, &result)
	if verdict.Cause != fault.Want {
		t.Errorf("got %q, want %q: %s", verdict.Cause, fault.Want, explain(&result))
	}
	if result.Reason != "" && result.Reason != fault.Want {
		t.Errorf("got reason %q beside cause %q, want one", result.Reason, verdict.Cause)
	}
	for _, other := range s.others(t, &result, fault.Want) {
		t.Errorf("got %q beside %q, want one fault to be one finding: %s", other, fault.Want, explain(&result))
	}
	if fault.Chain {
		checkChain(t, &result)
	}
}

// others returns the checks below good that a result has failed beside one.
func (s Subject) others(tb testing.TB, result *probe.Result, want probe.CheckID) []probe.CheckID {
	tb.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{s.Kind})
	if err != nil {
		tb.Fatal(err)
	}
	var others []probe.CheckID
	for _, finding := range result.Findings {
		if check, _ := catalogue.Check(finding.Check); finding.Check != want && check.Cap < probe.Good {
			others = append(others, finding.Check)
		}
	}
	return others
}

// checkChain checks that a chain that nobody believes is shown with its dates: they are what the owner has to see.
func checkChain(t *testing.T, result *probe.Result) {
	t.Helper()
	var dates []string
	for _, m := range result.Measurements {
		if m.Metric == probe.CertificateNotAfter || m.Metric == probe.CertificateNotBefore {
			dates = append(dates, m.Metric)
		}
	}
	facts := result.Evidence.Exchanges[len(result.Evidence.Exchanges)-1].TLS
	if facts == nil || len(facts.Chain) == 0 || facts.VerifyError == "" || len(dates) != 2 {
		t.Errorf("got the dates %v and %s, want both dates, the chain and why it is not believed", dates, explain(result))
	}
}

// allocated returns how many bytes the process has allocated since its start.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
