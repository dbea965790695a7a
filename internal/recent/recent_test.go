package recent_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
)

// second returns the n-th second of the tests' day.
func second(n int) time.Time { return time.Date(2026, 5, 4, 12, 0, n, 0, time.UTC) }

func named(name string) *probe.Touchpoint { return &probe.Touchpoint{Channel: "web", Name: name} }

// entry returns a result of tp in second n, with evidence that holds about size bytes.
func entry(tp *probe.Touchpoint, n int, rating probe.Rating, size int) recent.Entry {
	e := recent.Entry{
		Touchpoint: tp,
		Result:     probe.Result{Start: second(n), Duration: time.Duration(n) * time.Millisecond},
		Verdict:    quality.Verdict{Rating: rating},
	}
	if rating < probe.Good {
		e.Verdict.Cause = probe.ResponseTimeout
	}
	if size > 0 {
		e.Result.Evidence = &probe.Evidence{Exchanges: []probe.Exchange{{BodyStart: strings.Repeat("x", size)}}}
	}
	return e
}

func TestRing_AddTellsChanges(t *testing.T) {
	const P, F, G, U = probe.Poor, probe.Fair, probe.Good, probe.Unknown
	steps := []struct {
		rating  probe.Rating
		changed bool
		since   int // the second of the first result of the run
	}{
		{G, true, 0}, {G, false, 0}, {P, true, 2}, {P, false, 2}, {F, true, 4}, {U, true, 5}, {U, false, 5}, {G, true, 7}, {G, false, 7},
	}
	ring, tp := recent.New(1<<20), named("home")
	want := quality.Verdict{}
	for n, step := range steps {
		e := entry(tp, n, step.rating, 0)
		changed, previous := ring.Add(e)
		if changed != step.changed || previous != want {
			t.Errorf("result %d, %v: changed %t from %+v, want %t from %+v", n, step.rating, changed, previous, step.changed, want)
		}
		want = e.Verdict
		last, ok := ring.Last("web/home")
		if !ok || !last.Since.Equal(second(step.since)) || !last.Result.Start.Equal(second(n)) {
			t.Errorf("result %d: last is of %v since %v, want since %v", n, last.Result.Start, last.Since, second(step.since))
		}
	}
	if changed, _ := recent.New(1 << 20).Add(entry(tp, 0, U, 0)); !changed {
		t.Error("the first result is no change although it is unknown, want one")
	}
}

func TestRing_LastIsWhatWasAdded(t *testing.T) {
	ring, tp := recent.New(1<<20), named("home")
	want := entry(tp, 7, probe.Fair, 100)
	want.Err = "no browser"
	want.Result.Detail = "got status 503, want 200"
	want.Result.Phases.Add(probe.Wait, 3*time.Millisecond)
	want.Result.Findings = []probe.Finding{{Check: probe.SlowServer, Detail: "wait took 3 s"}}
	want.Result.Measurements = []probe.Measurement{{Metric: "page_bytes", Value: 3}}
	ring.Add(want)
	want.Since = second(7)
	got, ok := ring.Last("web/home")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(probe.Phases{})); !ok || diff != "" {
		t.Errorf("last differs (-want +got):\n%s", diff)
	}
}

func TestRing_HistoryIsNewestFirst(t *testing.T) {
	ring, tp := recent.New(1<<20), named("home")
	var want []recent.Summary
	for n := range recent.MaxHistory + 7 {
		e := entry(tp, n, probe.Ratings()[n%5], 0)
		e.Verdict.Dimension = probe.Dimensions()[n%4]
		if e.Verdict.Cause != "" && n%2 == 0 {
			e.Verdict.Cause = probe.DNSFailed
		}
		ring.Add(e)
		want = append([]recent.Summary{{
			Start: second(n), Duration: time.Duration(n) * time.Millisecond,
			Rating: e.Verdict.Rating, Dimension: e.Verdict.Dimension, Cause: e.Verdict.Cause,
		}}, want...)
		got := ring.History("web/home")
		if diff := cmp.Diff(want[:min(n+1, recent.MaxHistory)], got); diff != "" {
			t.Fatalf("history after %d results differs (-want +got):\n%s", n+1, diff)
		}
	}
}

func TestRing_HistoryBoundsDurations(t *testing.T) {
	ring, tp := recent.New(1<<20), named("home")
	for given, want := range map[time.Duration]time.Duration{
		-time.Second:            0,
		1999 * time.Nanosecond:  time.Microsecond,
		71 * time.Minute:        71 * time.Minute,
		100 * 24 * time.Hour:    (1<<32 - 1) * time.Microsecond,
		30*time.Second + 5*1000: 30*time.Second + 5*time.Microsecond,
	} {
		e := entry(tp, 0, probe.Good, 0)
		e.Result.Duration = given
		ring.Add(e)
		if got := ring.History("web/home")[0].Duration; got != want {
			t.Errorf("a duration of %v is held as %v, want %v", given, got, want)
		}
	}
}

func TestRing_FailuresOutliveSuccesses(t *testing.T) {
	ring, tp := recent.New(1<<20), named("home")
	for n := range 3 {
		ring.Add(entry(tp, n, probe.Poor, 10))
	}
	ring.Add(entry(tp, 3, probe.Fair, 10))
	for n := range 50 {
		rating := probe.Good
		if n%2 == 0 {
			rating = probe.Unknown // must not push out what was seen
		}
		ring.Add(entry(tp, 4+n, rating, 10))
	}
	if diff := cmp.Diff([]int{3, 2, 1, 0}, failures(t, ring, "web/home")); diff != "" {
		t.Errorf("failures differ (-want +got):\n%s", diff)
	}
}

// failures returns the seconds of the failures that are held, and checks that their evidence is held too.
func failures(t *testing.T, ring *recent.Ring, key string) []int {
	t.Helper()
	var out []int
	for _, e := range ring.Failures(key) {
		n := int(e.Result.Start.Sub(second(0)) / time.Second)
		if e.Result.Evidence == nil {
			t.Errorf("failure %d of %s is held without its evidence", n, key)
		}
		out = append(out, n)
	}
	return out
}

func TestRing_KeepsTheFailureThatBeganTheRun(t *testing.T) {
	const P, F, G = probe.Poor, probe.Fair, probe.Good
	cases := map[string]struct {
		ratings []probe.Rating
		want    []int
	}{
		"long outage":                  {[]probe.Rating{G, P, P, P, P, P, P, P, P}, []int{8, 7, 6, 5, 1}},
		"over now, then another":       {[]probe.Rating{P, P, P, P, P, P, G, P}, []int{7, 5, 4, 3, 2}},
		"another one goes on":          {[]probe.Rating{P, P, P, P, P, P, G, P, P, P, P, P, P}, []int{12, 11, 10, 9, 7}},
		"fair after poor is a new run": {[]probe.Rating{P, P, P, F, F, F, F, F, F}, []int{8, 7, 6, 5, 3}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ring, tp := recent.New(1<<20), named("home")
			for n, rating := range c.ratings {
				ring.Add(entry(tp, n, rating, 10))
			}
			if diff := cmp.Diff(c.want, failures(t, ring, "web/home")); diff != "" {
				t.Errorf("failures differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRing_UnderPressure(t *testing.T) {
	const touchpoints, size = 100, 10 << 10
	ring := recent.New(400 << 10)
	evidence := func(n int) bool {
		e, ok := ring.Last(fmt.Sprintf("web/%d", n))
		if !ok {
			t.Fatalf("the last result of touchpoint %d is gone", n)
		}
		return e.Result.Evidence != nil
	}
	for n := range 10 { // 100 KiB of failures, then more good results than fit
		ring.Add(entry(named(fmt.Sprint(n)), n, probe.Poor, size))
		ring.Add(entry(named(fmt.Sprint(n)), n+10, probe.Good, size))
	}
	for n := 10; n < touchpoints; n++ {
		ring.Add(entry(named(fmt.Sprint(n)), n+10, probe.Good, size))
		if got := ring.Bytes(); got > 400<<10 {
			t.Fatalf("%d bytes after %d touchpoints, want at most %d", got, n, 400<<10)
		}
	}
	for n := range 10 {
		if got := failures(t, ring, fmt.Sprintf("web/%d", n)); len(got) != 1 {
			t.Errorf("touchpoint %d: failures %v, want one", n, got)
		}
	}
	kept := 0
	for n := range touchpoints {
		if evidence(n) {
			kept++
			continue
		}
		if kept > 0 {
			t.Errorf("the evidence of %d is gone, that of an older result is not", n)
		}
	}
	if kept < 10 || kept > 30 {
		t.Errorf("evidence of %d good results is held, want what fits beside the failures: about 20", kept)
	}

	for n := range 40 { // now more failures than fit
		ring.Add(entry(named(fmt.Sprint(n)), n+200, probe.Poor, size))
	}
	if got := ring.Bytes(); got > 400<<10 {
		t.Errorf("%d bytes with failures only, want at most %d", got, 400<<10)
	}
	for n := range touchpoints {
		if n >= 40 && evidence(n) {
			t.Errorf("the evidence of the good result of %d is held, although failures were forgotten", n)
		}
	}
	if len(failures(t, ring, "web/0")) != 0 || evidence(0) || len(failures(t, ring, "web/39")) != 1 || !evidence(39) {
		t.Error("the oldest failures are held or the newest are gone, want it the other way round")
	}
}

func TestRing_KeepsTheEvidenceOfTheNewestResults(t *testing.T) {
	const touchpoints, size, room = 20, 10 << 10, 8
	ring := recent.New(touchpoints<<10 + room*size)
	rng := rand.New(rand.NewPCG(1, 2))
	var order []int // touchpoints by their last result, oldest first
	for n := range 2000 {
		i := rng.IntN(touchpoints)
		ring.Add(entry(named(fmt.Sprint(i)), n, probe.Good, size))
		order = append(slices.DeleteFunc(order, func(o int) bool { return o == i }), i)
	}
	for place, i := range order {
		last, _ := ring.Last(fmt.Sprintf("web/%d", i))
		if got, want := last.Result.Evidence != nil, place >= touchpoints-room; got != want {
			t.Errorf("the %d-th newest result holds evidence: %t, want %t with room for %d", touchpoints-place, got, want, room)
		}
	}
}

func TestRing_LastStaysWithoutAnyRoom(t *testing.T) {
	ring, tp := recent.New(0), named("home")
	for n, rating := range []probe.Rating{probe.Good, probe.Poor, probe.Poor, probe.Good, probe.Fair} {
		ring.Add(entry(tp, n, rating, 1000))
		last, ok := ring.Last("web/home")
		if !ok || !last.Result.Start.Equal(second(n)) || last.Verdict.Rating != rating || last.Result.Evidence != nil {
			t.Errorf("last after result %d is %+v, want it without evidence", n, last)
		}
		if got := len(ring.History("web/home")); got != n+1 {
			t.Errorf("history holds %d results, want %d", got, n+1)
		}
		if got := ring.Failures("web/home"); len(got) != 0 {
			t.Errorf("%d failures are held, want none", len(got))
		}
	}
}

func TestRing_DropGivesEverythingBack(t *testing.T) {
	for name, max := range map[string]int64{"with room": 1 << 20, "without": 0} {
		t.Run(name, func(t *testing.T) {
			ring := recent.New(max)
			for n := range 30 {
				for i, tp := range []*probe.Touchpoint{named("a"), named("b"), named("c")} {
					ring.Add(entry(tp, n, probe.Ratings()[(n+i)%5], 100))
				}
			}
			for _, key := range []string{"web/b", "web/a", "web/none", "web/a"} {
				ring.Drop(key)
			}
			for _, key := range []string{"web/a", "web/b"} {
				if _, ok := ring.Last(key); ok || ring.History(key) != nil || ring.Failures(key) != nil {
					t.Errorf("%s is still there", key)
				}
			}
			if got := len(ring.History("web/c")); got != recent.MaxHistory {
				t.Errorf("the other touchpoint has a history of %d, want %d", got, recent.MaxHistory)
			}
			ring.Drop("web/c")
			if got := ring.Bytes(); got != 0 {
				t.Errorf("%d bytes are held of nothing", got)
			}
			if changed, previous := ring.Add(entry(named("a"), 99, probe.Good, 0)); !changed || previous != (quality.Verdict{}) {
				t.Errorf("after Drop the first result is changed %t from %+v, want a first result", changed, previous)
			}
		})
	}
}

func TestRing_ConcurrentUse(t *testing.T) {
	ring := recent.New(50 << 10)
	var wg sync.WaitGroup
	for i := range 8 {
		tp := named(fmt.Sprint(i % 4))
		wg.Go(func() {
			for n := range 500 {
				switch {
				case i < 4: // the only one that adds to this touchpoint
					ring.Add(entry(tp, n, probe.Ratings()[n%5], 500))
				case n%100 == 99:
					ring.Drop(tp.Key())
				default:
					for _, e := range ring.Failures(tp.Key()) {
						_ = e.Result.Evidence.Exchanges[0].BodyStart
					}
					ring.Last(tp.Key())
					ring.History(tp.Key())
				}
			}
		})
	}
	wg.Wait()
	if got := ring.Bytes(); got > 50<<10 {
		t.Errorf("%d bytes are held, want at most %d", got, 50<<10)
	}
	for i := range 4 {
		ring.Drop(named(fmt.Sprint(i)).Key())
	}
	if got := ring.Bytes(); got != 0 {
		t.Errorf("%d bytes are held of nothing", got)
	}
}
