package chromium

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// fakeEngine is a browser that takes no time.
type fakeEngine struct {
	done   chan struct{}
	once   sync.Once
	own    bool // it ended by itself
	closed chan struct{}
	memory int64
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{done: make(chan struct{}), closed: make(chan struct{})}
}

func (e *fakeEngine) Done() <-chan struct{} { return e.done }

func (e *fakeEngine) Close() error {
	e.once.Do(func() { close(e.done) })
	close(e.closed)
	return nil
}

func (e *fakeEngine) die() {
	e.own = true
	e.once.Do(func() { close(e.done) })
}

func (e *fakeEngine) Memory() int64       { return e.memory }
func (e *fakeEngine) CPU() time.Duration  { return time.Second }
func (e *fakeEngine) crash() *Unavailable { return unavailable(Crashed, "died") }

func (e *fakeEngine) gone() bool {
	select {
	case <-e.closed:
		return true
	default:
		return false
	}
}

// bench is a keeper with the browsers that it launched.
type bench struct {
	*keeper[*fakeEngine]
	t        *testing.T
	launched []*fakeEngine
	fail     error         // of the next launches
	takes    time.Duration // a launch
}

func newBench(t *testing.T, policy probe.Browser) *bench {
	t.Helper()
	b := &bench{t: t}
	b.keeper = newKeeper(policy, slog.New(slog.DiscardHandler), func(ctx context.Context) (*fakeEngine, error) {
		if b.takes > 0 {
			select {
			case <-time.After(b.takes):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if b.fail != nil {
			return nil, b.fail
		}
		e := newFakeEngine()
		b.launched = append(b.launched, e)
		return e, nil
	})
	return b
}

// pass lets time pass in a bubble, where it takes none.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time of a bubble passes at once

func (b *bench) begin() *lease[*fakeEngine] {
	b.t.Helper()
	l, err := b.acquire(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// visit begins and ends a visit.
func (b *bench) visit() {
	b.t.Helper()
	b.release(b.begin(), false)
	synctest.Wait()
}

func (b *bench) want(launches int, recycles map[string]uint64) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := int(b.counts.launches); got != launches || len(b.launched) != launches {
		b.t.Errorf("%d launches counted of %d, want %d", got, len(b.launched), launches)
	}
	if !maps.Equal(b.counts.recycles, recycles) {
		b.t.Errorf("recycled %v, want %v", b.counts.recycles, recycles)
	}
}

func TestKeeper_Lazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{Idle: time.Minute})
		defer b.close()
		pass(time.Hour)
		b.want(0, nil)
		b.visit()
		b.visit()
		b.want(1, nil)
	})
}

func TestKeeper_Idle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{Idle: time.Minute})
		defer b.close()
		long := b.begin()
		pass(time.Hour) // a visit is no idleness
		b.want(1, nil)
		b.release(long, false)
		pass(59 * time.Second)
		b.visit()
		pass(59 * time.Second)
		b.want(1, nil)
		pass(2 * time.Second)
		b.want(1, map[string]uint64{"idle": 1})
		if !b.launched[0].gone() {
			t.Error("the browser was not closed")
		}
		b.visit()
		b.want(2, map[string]uint64{"idle": 1})
		if b.counts.cpu != time.Second {
			t.Errorf("%v of ended browsers, want 1s", b.counts.cpu)
		}
	})
}

func TestKeeper_NoBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		defer b.close()
		for range 1000 {
			b.visit()
			pass(time.Hour)
		}
		b.want(1, nil)
	})
}

func TestKeeper_Recycles(t *testing.T) {
	for _, test := range []struct {
		why    string
		policy probe.Browser
		visits int // until it is replaced
		memory int64
	}{
		{"runs", probe.Browser{MaxRuns: 3}, 3, 0},
		{"age", probe.Browser{MaxAge: 5 * time.Minute}, 6, 0}, // one a minute, the first at once
		{"memory", probe.Browser{MaxMemory: 100}, 4, 40},      // 0, 40, 80, 120
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, test.policy)
				defer b.close()
				for i := range test.visits {
					l := b.begin()
					b.want(1, nil)
					l.engine.memory = int64(i) * test.memory
					b.release(l, false)
					if i == test.visits-1 && !b.launched[0].gone() {
						t.Error("the browser is still there when its last visit has been released")
					}
					pass(time.Minute)
				}
				b.want(1, map[string]uint64{test.why: 1})
				b.visit()
				b.want(2, map[string]uint64{test.why: 1})
			})
		})
	}
}

// A browser is replaced between visits only: one that is due serves the visits that it has, and no new ones.
func TestKeeper_Recycles_VisitsBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{MaxRuns: 2})
		defer b.close()
		first, second := b.begin(), b.begin()
		b.release(first, false)
		if b.launched[0].gone() {
			t.Fatal("the browser of a visit was closed")
		}
		third := b.begin()
		b.want(2, map[string]uint64{"runs": 1})
		b.release(second, false)
		if !b.launched[0].gone() || b.launched[1].gone() {
			t.Error("not the first of two browsers was closed")
		}
		b.release(third, false)
		b.want(2, map[string]uint64{"runs": 1})
	})
}

// A browser that does not answer is of no use to visits beside it either.
func TestKeeper_Hung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		defer b.close()
		first, second := b.begin(), b.begin()
		b.release(first, true)
		synctest.Wait()
		if !b.launched[0].gone() {
			t.Error("the browser was not closed")
		}
		b.release(second, true)
		b.visit()
		b.want(2, map[string]uint64{"hung": 1})
	})
}

func TestKeeper_Crash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{MaxRuns: 1})
		defer b.close()
		l := b.begin()
		l.engine.die()
		synctest.Wait()
		if !l.engine.gone() {
			t.Error("nobody cleaned up")
		}
		next := b.begin() // at once, while the first visit still has to find out
		b.release(l, false)
		b.want(2, nil)
		if b.counts.failures[Crashed] != 1 {
			t.Errorf("failures %v, want one crash", b.counts.failures)
		}
		b.release(next, false)
		b.want(2, map[string]uint64{"runs": 1})
	})
}

func TestKeeper_Backoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		defer b.close()
		b.fail = unavailable(Missing, "no Chromium is installed")
		attempts := func() uint64 { return b.counts.failures[Missing] }
		attempt := func() error {
			t.Helper()
			_, err := b.acquire(t.Context())
			var u *Unavailable
			if !errors.As(err, &u) || u.Check != Missing {
				t.Fatalf("error %v, want that no browser is there", err)
			}
			return err
		}
		delays := []time.Duration{
			time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second,
			128 * time.Second, 256 * time.Second, 300 * time.Second, 300 * time.Second,
		}
		for i, delay := range delays {
			_ = attempt()
			until := time.Now().Add(delay)
			if got := attempts(); got != uint64(i+1) {
				t.Fatalf("%d attempts after %d delays, want %d", got, i, i+1)
			}
			pass(delay - time.Millisecond)
			err := attempt()
			if want := "no Chromium is installed (not tried again before " + until.Format("15:04:05") + ")"; err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
			if got := attempts(); got != uint64(i+1) {
				t.Fatalf("an attempt before %v had passed", delay)
			}
			pass(time.Millisecond)
		}
		b.fail = nil
		b.visit()
		b.want(1, nil)
		// Success makes the next failure wait for a second again.
		b.launched[0].die()
		synctest.Wait()
		b.fail = unavailable(Failed, "no")
		if _, err := b.acquire(t.Context()); err == nil {
			t.Fatal("a browser that does not start was launched")
		}
		pass(time.Second)
		b.fail = nil
		b.visit()
		b.want(2, nil)
	})
}

func TestKeeper_OneLaunchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		defer b.close()
		b.takes = time.Second
		var work sync.WaitGroup
		for range 5 {
			work.Go(func() { b.release(b.begin(), false) })
		}
		work.Wait()
		b.want(1, nil)
	})
}

// A visit that is given up cancels the launch for itself only, and is no failure of the browser.
func TestKeeper_LaunchCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		defer b.close()
		b.takes = time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for name, call := range map[string]func() error{
			"that launches": func() error { _, err := b.acquire(ctx); return err },
			"that waits":    func() error { _, err := b.acquire(ctx); return err },
		} {
			go func() {
				if err := call(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the visit %s: error %v, want that of its context", name, err)
				}
			}()
		}
		pass(2 * time.Second)
		b.visit()
		b.want(1, nil)
		if len(b.counts.failures) > 0 {
			t.Errorf("failures %v, want none", b.counts.failures)
		}
	})
}

func TestKeeper_Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		b.visit()
		l := b.begin()
		b.close()
		b.close()
		if !l.engine.gone() {
			t.Error("the browser was not closed")
		}
		b.release(l, true)
		if _, err := b.acquire(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("error %v, want %v", err, errClosed)
		}
		b.want(1, nil)
		if len(b.counts.failures) > 0 {
			t.Errorf("failures %v, want none", b.counts.failures)
		}
	})
}

func TestKeeper_Close_WhileLaunching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, probe.Browser{})
		b.takes = time.Hour
		failed := make(chan error)
		go func() {
			_, err := b.acquire(t.Context())
			failed <- err
		}()
		synctest.Wait()
		start := time.Now()
		go b.close()
		if err := <-failed; !errors.Is(err, errClosed) {
			t.Errorf("error %v, want %v", err, errClosed)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the launch was waited for: %v", waited)
		}
	})
}

// What was launched although nobody wants it any more is closed.
func TestKeeper_Close_Launched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		begun, finish := make(chan struct{}), make(chan struct{})
		k := newKeeper(probe.Browser{}, slog.New(slog.DiscardHandler), func(context.Context) (*fakeEngine, error) {
			close(begun)
			<-finish
			return e, nil
		})
		failed := make(chan error, 1)
		go func() {
			_, err := k.acquire(t.Context())
			failed <- err
		}()
		<-begun
		go k.close()
		synctest.Wait()
		close(finish)
		if err := <-failed; !errors.Is(err, errClosed) || !strings.Contains(err.Error(), "closed for good") {
			t.Errorf("error %v, want %v", err, errClosed)
		}
		if !e.gone() {
			t.Error("the browser was left running")
		}
	})
}
