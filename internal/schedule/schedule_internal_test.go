package schedule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

type quick struct{}

func (quick) Probe(context.Context) (probe.Result, error) { return probe.Result{}, nil }

type skips struct {
	noStats
	n int
}

func (s *skips) Skipped(_ *probe.Touchpoint, n int) { s.n += n }

func TestScheduler_TickAfterTheProcessWasHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var due []time.Duration
		stats := &skips{}
		s := New(Options{Stats: stats, Report: func(o *Outcome) bool {
			due = append(due, o.Due.Sub(o.Started))
			return false
		}})
		tp := &probe.Touchpoint{Channel: "web", Name: "home", Every: time.Minute, Timeout: time.Minute, Built: probe.Built{Prober: quick{}}}
		s.Apply([]*probe.Touchpoint{tp})
		s.Start()
		synctest.Wait()
		s.mu.Lock()
		s.watcher.timer.Stop() // as if nothing ran from here
		grid := s.entries["web/home"].due
		s.mu.Unlock()
		<-time.After(grid + 3*time.Minute + 20*time.Second)
		s.mu.Lock()
		s.arm()
		s.mu.Unlock()
		synctest.Wait()

		if len(due) != 2 || due[1] != -20*time.Second {
			t.Errorf("probes were due %v before their start, want the second 20s, at the latest tick", due)
		}
		if stats.n != 3 {
			t.Errorf("skipped %d ticks, want 3", stats.n)
		}
		if got, want := s.entries["web/home"].due, grid+4*time.Minute; got != want {
			t.Errorf("the next tick is at %v, want %v on the grid", got, want)
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
			if got := phaseOf(key, every); got < 0 || got >= every {
				t.Errorf("phase of %q in %v is %v", key, every, got)
			}
		}
	}
}
