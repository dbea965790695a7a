package schedule_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

// closings counts how often each touchpoint was closed.
type closings struct {
	mu sync.Mutex
	n  map[*probe.Touchpoint]int
}

func (c *closings) watch(tp *probe.Touchpoint) *probe.Touchpoint {
	tp.Close = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.n == nil {
			c.n = make(map[*probe.Touchpoint]int)
		}
		c.n[tp]++
	}
	return tp
}

func (c *closings) of(tp *probe.Touchpoint) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[tp]
}

func TestScheduler_ApplyKeepsWhatDidNotChange(t *testing.T) {
	const touchpoints, changed = 1000, 500
	synctest.Test(t, func(t *testing.T) {
		var closed closings
		load := func(fingerprint uint64) []*probe.Touchpoint {
			tps := make([]*probe.Touchpoint, touchpoints)
			for i := range tps {
				tps[i] = closed.watch(touchpoint(fmt.Sprint(i), 10*time.Second, takes(4*time.Second)))
			}
			tps[changed].Fingerprint = fingerprint
			return tps
		}
		old, reloaded := load(1), load(2)
		r := &recorder{}
		s := start(t, r, schedule.Options{}, old...)
		pass(time.Minute)
		effective := s.Apply(reloaded)
		pass(time.Minute)

		for i, tp := range old {
			outcomes := r.of(tp.Name)
			if i == changed {
				if effective[i] != reloaded[i] || closed.of(tp) != 1 || closed.of(reloaded[i]) != 0 {
					t.Errorf("the changed touchpoint was not replaced: old closed %d, new closed %d", closed.of(tp), closed.of(reloaded[i]))
				}
				if last := outcomes[len(outcomes)-1]; last.Touchpoint != reloaded[i] {
					t.Error("the changed touchpoint is still probed in its old form")
				}
				continue
			}
			if effective[i] != tp || closed.of(tp) != 0 || closed.of(reloaded[i]) != 1 {
				t.Errorf("%s was not kept: old closed %d, new closed %d", tp.Name, closed.of(tp), closed.of(reloaded[i]))
			}
			for j := 2; j < len(outcomes); j++ {
				if gap := outcomes[j].Due.Sub(outcomes[j-1].Due); gap != tp.Every || outcomes[j].Touchpoint != tp {
					t.Errorf("%s: %v between ticks, want %v of the same touchpoint", tp.Name, gap, tp.Every)
				}
			}
			if n := len(outcomes) + r.skips(tp.Name); n < 11 || n > 13 {
				t.Errorf("%s: %d ticks in two minutes, want 12", tp.Name, n)
			}
		}
	})
}

func TestScheduler_ApplySameTouchpointsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed closings
		tps := []*probe.Touchpoint{
			closed.watch(touchpoint("a", time.Minute, takes(0))), closed.watch(touchpoint("b", time.Minute, takes(0))),
		}
		s := start(t, &recorder{}, schedule.Options{}, tps...)
		slices.Reverse(tps)
		if got := s.Apply(tps); !slices.Equal(got, tps) {
			t.Errorf("got %v, want the touchpoints in their new order", got)
		}
		synctest.Wait()
		if closed.of(tps[0])+closed.of(tps[1]) != 0 {
			t.Error("closed a touchpoint that stays")
		}
	})
}

func TestScheduler_ApplyTakesOut(t *testing.T) {
	cases := map[string]struct {
		opts schedule.Options
		wait time.Duration // before it is taken out
		left time.Duration // until it is closed
		line []int         // numbers of those that wait, as counted up to then
	}{
		"while it rests":               {schedule.Options{}, 50 * time.Second, 0, nil},
		"while it runs":                {schedule.Options{}, 5 * time.Second, 15*time.Second + 10*time.Millisecond, nil},
		"while it waits for a worker":  {schedule.Options{MaxConcurrent: 1}, 5 * time.Second, 0, []int{1, 2, 1}},
		"while it waits for its host":  {schedule.Options{PerHost: 1}, 5 * time.Second, 0, []int{1, 2, 1}},
		"while a recheck is planned":   {schedule.Options{}, 22 * time.Second, 0, nil},
		"while its recheck runs":       {schedule.Options{}, 30 * time.Second, 15*time.Second + 10*time.Millisecond, nil},
		"while it waits for its first": {schedule.Options{}, 9 * time.Millisecond, 0, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var closed closings
				stays := touchpoint("stays", time.Hour, takes(20*time.Second))
				goes := closed.watch(touchpoint("goes", time.Hour, takes(20*time.Second)))
				other := touchpoint("other", time.Hour, takes(time.Second))
				for _, tp := range []*probe.Touchpoint{stays, goes, other} {
					tp.Profile.Target, tp.Timeout, tp.Recheck = "shop:443", time.Minute, 5*time.Second
				}
				r := &recorder{recheck: true}
				s := start(t, r, c.opts, stays, goes, other)
				pass(c.wait)
				before := len(r.of("goes"))
				s.Apply([]*probe.Touchpoint{stays, other})
				if _, line := r.stats(); !slices.Equal(line, c.line) {
					t.Errorf("Queue was called with %v, want %v", line, c.line)
				}
				if c.left > 0 {
					pass(c.left - time.Nanosecond)
					synctest.Wait()
					if closed.of(goes) != 0 {
						t.Error("closed while its probe still runs")
					}
					pass(time.Nanosecond)
				}
				synctest.Wait()
				if n := closed.of(goes); n != 1 {
					t.Errorf("closed %d times, want once", n)
				}
				pass(2 * time.Hour)
				if n := len(r.of("goes")) - before; n != 0 {
					t.Errorf("reported %d outcomes after it was taken out, want 0", n)
				}
				for _, name := range []string{"stays", "other"} {
					if n := len(r.of(name)); n < 4 {
						t.Errorf("%s: got %d outcomes in two hours, want two and their rechecks at least", name, n)
					}
				}
				if n := closed.of(goes); n != 1 {
					t.Errorf("closed %d times in the end, want once", n)
				}
			})
		})
	}
}

func TestScheduler_ApplyReplacesAProbeThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed closings
		hung := stuck{make(chan struct{})}
		old := closed.watch(touchpoint("home", 10*time.Second, hung))
		changed := touchpoint("home", 10*time.Second, takes(0))
		changed.Fingerprint = 1
		r := &recorder{}
		s := start(t, r, schedule.Options{MaxConcurrent: 1}, old)
		pass(5 * time.Second)
		s.Apply([]*probe.Touchpoint{changed})
		pass(time.Minute)
		if n := len(r.of("home")); n < 3 {
			t.Errorf("got %d outcomes beside an old prober that hangs on the only worker, want at least 3", n)
		}
		close(hung.release)
		synctest.Wait()
		if n := r.skips("home"); n > 2 {
			t.Errorf("skipped %d ticks, those of the old touchpoint among them, want 2 at most", n)
		}
		if closed.of(old) != 1 {
			t.Errorf("closed the old prober %d times after its last probe, want once", closed.of(old))
		}
		for _, o := range r.of("home") {
			if o.Touchpoint != changed {
				t.Error("reported an outcome of the old touchpoint after it was replaced")
			}
		}
	})
}

func TestScheduler_ApplyGivesBackTheHostOfOneThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hog := touchpoint("hog", time.Hour, takes(20*time.Second))
		goes, next := touchpoint("goes", time.Hour, takes(0)), touchpoint("next", time.Hour, takes(0))
		goes.Profile.Target, next.Profile.Target = "shop:443", "shop:443"
		r := &recorder{}
		s := start(t, r, schedule.Options{MaxConcurrent: 1, PerHost: 1}, hog, goes, next)
		pass(10 * time.Second) // goes waits for a worker, next for goes
		s.Apply([]*probe.Touchpoint{hog, next})
		pass(11 * time.Second)
		if n := len(r.of("next")); n != 1 {
			t.Errorf("got %d probes of the next one on that host, want 1", n)
		}
	})
}

func TestScheduler_ApplyDoesNotWaitForReportsOfWhatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule.New(schedule.Options{Report: func(o *schedule.Outcome) bool {
			if o.Touchpoint.Name == "slow" {
				<-time.After(5 * time.Second)
			}
			return false
		}})
		slow, goes := touchpoint("slow", time.Minute, takes(0)), touchpoint("goes", time.Minute, takes(0))
		s.Apply([]*probe.Touchpoint{slow, goes})
		s.Start()
		defer stop(t, s)
		pass(time.Second)
		began := time.Now()
		s.Apply([]*probe.Touchpoint{slow})
		if took := time.Since(began); took != 0 {
			t.Errorf("Apply took %v while another touchpoint was reported, want no wait", took)
		}
	})
}

// TestScheduler_ApplyEndsReports runs in real time, because a lock that is waited for stops a synctest bubble.
func TestScheduler_ApplyEndsReports(t *testing.T) {
	prober := proberFunc(func(context.Context) (probe.Result, error) { return probe.Result{}, nil })
	var removed sync.Map // *probe.Touchpoint that Apply took out
	var reports atomic.Int64
	s := schedule.New(schedule.Options{Report: func(o *schedule.Outcome) bool {
		reports.Add(1)
		for range 20 {
			runtime.Gosched() // time for Apply to return too early
		}
		if _, gone := removed.Load(o.Touchpoint); gone {
			t.Errorf("reported %s after Apply took it out", o.Touchpoint.Name)
		}
		return true
	}})
	s.Start()
	defer stop(t, s)
	var before []*probe.Touchpoint
	for round := uint64(0); round < 100 || reports.Load() < 1000; round++ {
		after := make([]*probe.Touchpoint, 20)
		for i := range after {
			after[i] = touchpoint(fmt.Sprint(i), time.Millisecond, prober)
			after[i].Fingerprint = round
		}
		s.Apply(after)
		for _, tp := range before {
			removed.Store(tp, true)
		}
		before = after
	}
}
