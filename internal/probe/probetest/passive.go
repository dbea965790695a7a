package probetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// RunPassive is what applies of the suite to a kind that asks nobody, because its probes conclude what others told the
// agent since the one before. tell makes others tell something good of a subject that was built.
func RunPassive(t *testing.T, subject Subject, tell func(testing.TB)) {
	t.Helper()
	running := goleak.IgnoreCurrent()
	defer leavesNothing(t, running)
	t.Run("the kind is documented", func(t *testing.T) { documented(t, subject, Fixture{}) })
	t.Run("the sample loads", func(t *testing.T) { sampleLoads(t, subject, Fixture{}) })
	t.Run("the profile is complete", func(t *testing.T) {
		profileComplete(t, subject, Fixture{Healthy: func(testing.TB) Target { return Target{} }})
	})
	t.Run("something good has a complete and good result", func(t *testing.T) { passiveResult(t, subject, tell) })
	t.Run("a cancelled probe returns with an error and keeps what was told", func(t *testing.T) { passiveCancelled(t, subject, tell) })
	t.Run("one prober serves many at once", func(t *testing.T) { passiveConcurrent(t, subject) })
}

func passiveResult(t *testing.T, s Subject, tell func(testing.TB)) {
	t.Helper()
	built := s.build(t, Target{})
	tell(t)
	s.checkPassive(t, built, probeWithin(t, built.Prober, s.Kind.Timeout))
}

// checkPassive checks a good result. Its duration is over before the probe begins.
func (s Subject) checkPassive(t *testing.T, built probe.Built, got answer) {
	t.Helper()
	result := got.result
	if since := time.Since(result.Start); result.Duration <= 0 || since < 0 || since > got.took+grace {
		t.Errorf("start %v and duration %v, want the start of the probe and the duration of what was told", result.Start, result.Duration)
	}
	if result.Evidence == nil || len(result.Evidence.Events) == 0 {
		t.Errorf("evidence %+v, want what was told", result.Evidence)
	}
	s.checkFindings(t, &result)
	s.checkMeasurements(t, built.Profile, &result)
	if verdict := s.rate(t, &result); verdict.Rating < probe.Good {
		t.Errorf("rated %v because of %q: %s", verdict.Rating, verdict.Cause, explain(&result))
	}
}

func passiveCancelled(t *testing.T, s Subject, tell func(testing.TB)) {
	t.Helper()
	built := s.build(t, Target{})
	tell(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	expectCancelled(t, probeUntil(ctx, built.Prober, grace))
	s.checkPassive(t, built, probeWithin(t, built.Prober, s.Kind.Timeout))
}

func passiveConcurrent(t *testing.T, s Subject) {
	t.Helper()
	built := s.build(t, Target{})
	var probes sync.WaitGroup
	for range 8 {
		probes.Go(func() {
			if got := ask(t.Context(), built.Prober); got.err != nil {
				t.Error(got.err)
			}
		})
	}
	probes.Wait()
}
