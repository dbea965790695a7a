package schedule

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// slow is a prober that needs all the time that it has.
type slow struct{}

func (slow) Probe(ctx context.Context) (probe.Result, error) {
	<-ctx.Done()
	return probe.Result{}, nil
}

// skips counts.
type skips struct {
	noStats
	n int
}

func (s *skips) Skipped(_ *probe.Touchpoint, n int) { s.n += n }

// hold lets d pass while nothing of the scheduler runs, as if the machine had no time for it.
func hold(s *Scheduler, d time.Duration) {
	s.mu.Lock()
	s.watcher.timer.Stop()
	s.mu.Unlock()
	<-time.After(d)
	s.mu.Lock()
	s.arm()
	s.mu.Unlock()
}

func TestScheduler_TicksAfterTheProcessWasHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var outcomes []*Outcome
		stats := &skips{}
		s := New(Options{PerHost: 3, Stats: stats, Report: func(o *Outcome) bool {
			mu.Lock()
			defer mu.Unlock()
			outcomes = append(outcomes, o)
			return false
		}})
		tps := make([]*probe.Touchpoint, 5)
		for i := range tps {
			tps[i] = &probe.Touchpoint{
				Channel: "web", Name: fmt.Sprint(i), Every: time.Minute, Timeout: 10 * time.Second,
				Built: probe.Built{Prober: slow{}, Profile: probe.Profile{Target: fmt.Sprint(i % 2)}},
			}
		}
		s.Apply(tps)
		s.Start()
		<-time.After(20 * time.Second) // the first probes are over
		hold(s, 10*time.Minute)
		resumed := time.Now()
		<-time.After(20 * time.Second)
		s.Apply(nil)
		<-time.After(20 * time.Second) // what still ran is over
		synctest.Wait()
		if len(s.hosts) != 0 || len(s.ticks) != 0 {
			t.Errorf("%d hosts and %d ticks are left of no touchpoints", len(s.hosts), len(s.ticks))
		}

		ran := 0
		for _, o := range outcomes[len(tps):] {
			if !o.Started.Equal(resumed) {
				continue // a tick after the pause
			}
			ran++
			if late := o.Lateness(); late < 0 || late >= o.Touchpoint.Every {
				t.Errorf("%s: late by %v, want less than the interval: the latest tick", o.Touchpoint.Name, late)
			}
			if phase := time.Duration(o.Due.UnixNano()) % o.Touchpoint.Every; phase != Phase(o.Touchpoint.Key(), o.Touchpoint.Every) {
				t.Errorf("%s: the tick lies beside the grid", o.Touchpoint.Name)
			}
		}
		if ran != len(tps) {
			t.Errorf("%d probes started right after the pause, want all %d", ran, len(tps))
		}
		if stats.n < 8*len(tps) || stats.n > 9*len(tps) {
			t.Errorf("skipped %d ticks of %d touchpoints in 10 minutes, want 8 or 9 for each", stats.n, len(tps))
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestQueue_KeepsTheOrder(t *testing.T) {
	var q queue
	next, pushed := 0, 0
	entries := make([]*entry, 1000)
	for i := range entries {
		entries[i] = &entry{}
	}
	for _, step := range []struct{ push, pop int }{{1, 1}, {200, 150}, {300, 40}, {499, 810}} {
		for range step.push {
			q.push(entries[pushed])
			pushed++
		}
		for range min(step.pop, pushed-next) {
			if got := q.pop(); got != entries[next] {
				t.Fatalf("pop %d returned another entry", next)
			}
			next++
		}
		if spent := q.head; spent > 64 && spent > len(q.items) {
			t.Errorf("%d spent places before %d entries", spent, len(q.items)-spent)
		}
	}
	if next != 1000 || q.pop() != nil || q.items != nil {
		t.Errorf("popped %d, want 1000 and then nothing", next)
	}
}

func TestClock_Next(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 7, 0, time.UTC)
	cases := map[string]struct{ from, every, phase, want time.Duration }{
		"on the grid":            {3 * time.Second, 10 * time.Second, 0, 3 * time.Second},
		"just past":              {3*time.Second + 1, 10 * time.Second, 0, 13 * time.Second},
		"phase ahead":            {0, 10 * time.Second, 9 * time.Second, 2 * time.Second},
		"phase behind":           {0, 10 * time.Second, 6 * time.Second, 9 * time.Second},
		"longer than the start":  {0, 24 * time.Hour, 0, 12*time.Hour - 7*time.Second},
		"odd interval, far away": {time.Hour, 7 * time.Second, 0, time.Hour + 5*time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := newClock(start).next(c.from, c.every, c.phase)
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if wall := time.Duration(start.Add(got).UnixNano()); wall%c.every != c.phase {
				t.Errorf("%v lies %v beside the grid", got, wall%c.every-c.phase)
			}
		})
	}
}

func TestPhaseOf_StaysWithinTheInterval(t *testing.T) {
	for _, every := range []time.Duration{1, 10, time.Second, 365 * 24 * time.Hour} {
		for _, key := range []string{"", "a/b", "web/home", "web/hömé"} {
			if got := Phase(key, every); got < 0 || got >= every {
				t.Errorf("phase of %q in %v is %v", key, every, got)
			}
		}
	}
}
