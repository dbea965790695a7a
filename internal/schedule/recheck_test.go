package schedule_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/schedule"
)

func TestScheduler_Recheck(t *testing.T) {
	cases := map[string]struct {
		recheck, timeout, takes time.Duration
		wanted                  bool // by Report
		after                   time.Duration
	}{
		"once, counted from the end of the probe": {time.Second, 5 * time.Second, 2 * time.Second, true, 3 * time.Second},
		"ends before the next tick":               {25 * time.Second, 5 * time.Second, 2 * time.Second, true, 27 * time.Second},
		"its timeout would reach the tick":        {25 * time.Second, 30 * time.Second, 2 * time.Second, true, 27 * time.Second},
		"is cut short by the next tick":           {27 * time.Second, 30 * time.Second, 2 * time.Second, true, 0},
		"would begin only at the next tick":       {28 * time.Second, 5 * time.Second, 2 * time.Second, true, 0},
		"would begin after the next tick":         {40 * time.Second, 5 * time.Second, 2 * time.Second, true, 0},
		"not wanted":                              {time.Second, 5 * time.Second, 2 * time.Second, false, 0},
		"switched off":                            {0, 5 * time.Second, 2 * time.Second, true, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tp := touchpoint("home", 30*time.Second, takes(c.takes))
				tp.Timeout, tp.Recheck = c.timeout, c.recheck
				r := &recorder{recheck: c.wanted}
				start(t, r, schedule.Options{}, tp)
				pass(6 * time.Minute)

				outcomes := r.of("home")[2:] // from the grid on
				if outcomes[0].Recheck {
					outcomes = outcomes[1:]
				}
				perTick := 1
				if c.after > 0 {
					perTick = 2
				}
				if len(outcomes) < 10*perTick {
					t.Fatalf("got %d outcomes, want at least %d", len(outcomes), 10*perTick)
				}
				for i, o := range outcomes {
					due := outcomes[0].Due.Add(time.Duration(i/perTick) * tp.Every)
					recheck := i%perTick == 1
					if recheck {
						due = due.Add(c.after)
					}
					if o.Recheck != recheck || !o.Due.Equal(due) || o.Lateness() != 0 {
						t.Errorf("outcome %d: recheck %t due %v late %v, want recheck %t due %v", i, o.Recheck, o.Due, o.Lateness(), recheck, due)
					}
				}
				if r.skips("home") != 0 {
					t.Errorf("skipped %d ticks, want 0", r.skips("home"))
				}
			})
		})
	}
}

func TestScheduler_TickReplacesARecheckThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := touchpoint("first", 20*time.Second, takes(0))
		first.Timeout, first.Recheck = time.Second, time.Second
		// Takes the only worker from 0.5 s on for a minute, while the recheck of the first waits for it.
		hog := touchpoint("hog", time.Hour, takes(time.Minute))
		r := &recorder{recheck: true}
		start(t, r, schedule.Options{MaxConcurrent: 1}, first, hog)
		pass(70 * time.Second)

		if second := r.of("first")[1]; second.Recheck || second.Lateness() >= first.Every {
			t.Errorf("after the wait: recheck %t, late by %v; want the latest tick", second.Recheck, second.Lateness())
		}
		// Of the three ticks within the minute, two passed and the last one was probed late.
		if got := r.skips("first"); got != 2 {
			t.Errorf("skipped %d ticks, want 2", got)
		}
	})
}
