//go:build !nohistory

package history

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestClock_BackALittle(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart().Add(10*time.Second), testStart().Add(9*time.Second), testStart().Add(6*time.Second), testStart().Add(15*time.Second))
	same(t, "samples", map[string][]string{`{n="1"}`: {"10: 1", "15: 1"}}, recorded(t, o.db, testStart(), testName))
	if got := reading(s, "history_append_errors_total", "out_of_order") + reading(s, "history_append_errors_total", "duplicate"); got != 0 {
		t.Errorf("%v samples were refused, want none tried", got)
	}
}

func TestClock_BackAndCaughtUp(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart(), testStart().Add(-time.Minute))
	status := s.Status()
	if status.State != Waiting || !strings.Contains(status.Why, "1m0s behind") || !strings.Contains(status.Why, "2026-11-22T10:00:00Z") {
		t.Errorf("status %+v, want waiting, because the clock is 1m0s behind 10:00", status)
	}
	app := o.storage.AppenderV2(t.Context())
	if err := app.Commit(); err == nil {
		t.Error("rules can append while the clock is behind")
	}
	ticks(t, s, o, testStart().Add(testEvery))
	same(t, "samples", map[string][]string{`{n="1"}`: {"0: 1", "5: 1"}}, recorded(t, o.db, testStart(), testName))
	if state := s.Status().State; state != Ready {
		t.Errorf("state %s, want ready", state)
	}
	almost := int(patience/testEvery) - 1
	for again := range 2 { // each time it has to be behind for long
		ticks(t, s, o, from(testStart().Add(-time.Hour), almost)...)
		ticks(t, s, o, testStart().Add(time.Duration(2+again)*testEvery))
	}
	if got, want := reading(s, "history_rounds_total", "skipped"), float64(1+2*almost); got != want {
		t.Errorf("%v rounds skipped, want %v", got, want)
	}
}

// behind makes rounds at a time that is behind the newest sample until the store wants to be opened anew.
func behind(t *testing.T, s *Store, o *opened, at time.Time) time.Time {
	t.Helper()
	for n := 1; n <= int(patience/testEvery); n++ {
		if goOn := s.tick(t.Context(), o, at); !goOn {
			if n != int(patience/testEvery) {
				t.Fatalf("the store goes back after %d rounds, want it to be patient for %v", n, patience)
			}
			return at
		}
		at = at.Add(testEvery)
	}
	t.Fatal("the store is behind for ever")
	return at
}

// A machine whose clock was ahead goes on when it is right, and keeps what is not later than that.
func TestClock_GoesBack(t *testing.T) {
	for _, test := range []struct {
		name   string
		before time.Duration // of samples, every 10 minutes, until the clock is found to be ahead
		back   time.Duration
		blocks bool // whether what there is has been written out as blocks
	}{
		{"within the head", 3 * time.Hour, time.Hour, false},
		{"before all samples", time.Hour, 5 * time.Hour, false},
		{"into a block", 12 * time.Hour, 7*time.Hour + 10*time.Minute, true},
		{"before all blocks", 12 * time.Hour, 48 * time.Hour, true},
		{"behind the last block", 12 * time.Hour, 30 * time.Minute, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := newSource(t, 0)
			src.set(map[string]float64{"n=1": 1})
			s := testStore(t, testOptions(t, src))
			o, closeIt := openStore(t, s)
			var want []string
			last := testStart().Add(test.before)
			right := last.Add(-test.back)
			for at := testStart(); !at.After(last); at = at.Add(10 * time.Minute) {
				ticks(t, s, o, at)
				if at.Before(right.Add(patience)) { // the later ones will be dropped
					want = append(want, fmt.Sprintf("%v: 1", at.Sub(testStart()).Seconds()))
				}
			}
			if test.blocks {
				if err := o.db.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(o.db.Blocks()) < 2 {
					t.Fatalf("%d blocks, want some", len(o.db.Blocks()))
				}
			}
			now := behind(t, s, o, right)
			closeIt()
			o, closeIt = openStore(t, s)
			ticks(t, s, o, now.Add(testEvery), now.Add(2*testEvery))
			for _, at := range []time.Time{now.Add(testEvery), now.Add(2 * testEvery)} {
				want = append(want, fmt.Sprintf("%v: 1", at.Sub(testStart()).Seconds()))
			}
			same(t, "samples", map[string][]string{`{n="1"}`: want}, recorded(t, o.db, testStart(), testName))
			if state := s.Status().State; state != Ready {
				t.Errorf("state %s, want ready", state)
			}
			closeIt()
			o, _ = openStore(t, s)
			same(t, "samples after a restart", map[string][]string{`{n="1"}`: want}, recorded(t, o.db, testStart(), testName))
		})
	}
}

// A clock that has lost its time must not cost the history.
func TestClock_LostItsTime(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	last := testStart().Add(40 * time.Hour)
	for at := testStart(); !at.After(last); at = at.Add(30 * time.Minute) {
		ticks(t, s, o, at)
	}
	if err := o.db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	ticks(t, s, o, from(time.Unix(0, 0), 2*int(patience/testEvery))...)
	status := s.Status()
	if status.State != Waiting || !strings.Contains(status.Why, "if it is right, move "+s.opts.Dir+" away") {
		t.Errorf("status %+v, want waiting, and what to do", status)
	}
	ticks(t, s, o, last.Add(testEvery))
	if state := s.Status().State; state != Ready {
		t.Errorf("state %s, want ready", state)
	}
	if got := recorded(t, o.db, testStart(), testName)[`{n="1"}`]; len(got) != 82 {
		t.Errorf("%d samples, want all 82", len(got))
	}
}

func TestClock_Forward(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart(), testStart().Add(100*24*time.Hour), testStart().Add(100*24*time.Hour+testEvery))
	same(t, "samples", map[string][]string{`{n="1"}`: {"0: 1", "8.64e+06: 1", "8.640005e+06: 1"}}, recorded(t, o.db, testStart(), testName))
	if state := s.Status().State; state != Ready {
		t.Errorf("state %s, want ready", state)
	}
}

// A store that cannot write what it would keep drops nothing.
func TestClock_CannotGoBack(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	s := testStore(t, testOptions(t, src))
	lock, err := s.enter()
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.openAll()
	if err != nil {
		t.Fatal(err)
	}
	ticks(t, s, o, testStart(), testStart().Add(time.Hour))
	o.rewind = testStart().Add(time.Minute).UnixMilli()
	if err := o.db.Close(); err != nil { // so that nothing can be read, nor written elsewhere
		t.Fatal(err)
	}
	if err := s.closeAll(t.Context(), o); err == nil || !strings.Contains(err.Error(), "writing the newest samples") {
		t.Errorf("closing: %v, want that the newest samples cannot be written", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	o, _ = openStore(t, s)
	same(t, "samples", map[string][]string{`{n="1"}`: {"0: 1", "3600: 1"}}, recorded(t, o.db, testStart(), testName))
}
