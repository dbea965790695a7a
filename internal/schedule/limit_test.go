package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

// gauge knows how many were inside at once, by name.
type gauge struct {
	mu        sync.Mutex
	now, most map[string]int
}

func newGauge() *gauge { return &gauge{now: make(map[string]int), most: make(map[string]int)} }

// peaks returns how many were inside at most.
func (g *gauge) peaks() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.most)
}

// around returns a prober that takes d and counts under each name.
func (g *gauge) around(d time.Duration, names ...string) proberFunc {
	add := func(n int) {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, name := range names {
			g.now[name] += n
			g.most[name] = max(g.most[name], g.now[name])
		}
	}
	return func(ctx context.Context) (probe.Result, error) {
		add(1)
		defer add(-1)
		return takes(d)(ctx)
	}
}

func TestScheduler_LimitsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		var tps []*probe.Touchpoint
		for i := range 40 {
			host := []string{"a:443", "b:443", ""}[i%3]
			tp := touchpoint(fmt.Sprintf("%s%d", host, i), time.Minute, g.around(5*time.Second, "all", "host "+host))
			tp.Profile.Target = host
			tps = append(tps, tp)
		}
		r := &recorder{}
		start(t, r, schedule.Options{MaxConcurrent: 12, PerHost: 3}, tps...)
		pass(10 * time.Minute)

		most := g.peaks()
		want := map[string]int{"all": 12, "host a:443": 3, "host b:443": 3, "host ": 12}
		for name, limit := range want {
			if got := most[name]; got > limit {
				t.Errorf("%s: %d at once, want at most %d", name, got, limit)
			}
		}
		if most["all"] < 10 || most["host a:443"] != 3 || most["host b:443"] != 3 {
			t.Errorf("the limits were not reached: %v", most)
		}
		for _, tp := range tps {
			if got := len(r.of(tp.Name)) + r.skips(tp.Name); got < 10 || got > 11 {
				t.Errorf("%s: probes and skips are %d in 10 minutes, want one each minute", tp.Name, got)
			}
		}
		_, queue := r.stats()
		if len(slices.Compact(slices.Clone(queue))) != len(queue) {
			t.Error("Queue was called although nothing had changed")
		}
		if last := queue[len(queue)-1]; last != 0 || slices.Max(queue) < 20 || slices.Min(queue) < 0 {
			t.Errorf("queue went from %d to %d and ended at %d", slices.Min(queue), slices.Max(queue), last)
		}
	})
}

// Probes that only wait do not keep each other from a host.
func TestScheduler_WaitingIsNotCountedPerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		var tps []*probe.Touchpoint
		for i := range 20 {
			tp := touchpoint(fmt.Sprint(i), time.Minute, g.around(30*time.Second, "broker"))
			tp.Profile.Target, tp.Profile.Waits = "broker:1883", true
			tps = append(tps, tp)
		}
		r := &recorder{}
		start(t, r, schedule.Options{PerHost: 2}, tps...)
		pass(10 * time.Minute)
		if most := g.peaks()["broker"]; most < 5 {
			t.Errorf("%d at once, want no limit of 2", most)
		}
		for _, tp := range tps {
			if n := r.skips(tp.Name); n > 0 {
				t.Errorf("%s: skipped %d times", tp.Name, n)
			}
		}
	})
}

func TestScheduler_WaitsInTurn(t *testing.T) {
	for name, opts := range map[string]schedule.Options{"for a worker": {MaxConcurrent: 1}, "for the host": {PerHost: 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				var tps []*probe.Touchpoint
				for i := range 5 {
					tp := touchpoint(fmt.Sprint(i), time.Hour, takes(2*time.Second))
					tp.Profile.Target = "shop:443"
					tps = append(tps, tp)
				}
				start(t, r, opts, tps...)
				pass(time.Minute)
				lateness, queue := r.stats()
				if want := []int{1, 2, 3, 4, 3, 2, 1, 0}; !slices.Equal(queue, want) {
					t.Errorf("Queue was called with %v, want %v", queue, want)
				}
				for i, o := range r.all()[:len(tps)] {
					late := time.Duration(i) * (2*time.Second - 10*time.Millisecond)
					if o.Touchpoint != tps[i] || o.Lateness() != late {
						t.Errorf("probe %d is of %s, late by %v; want %s, %v", i, o.Touchpoint.Name, o.Lateness(), tps[i].Name, late)
					}
					if lateness[i] != late {
						t.Errorf("counted a lateness of %v, want %v", lateness[i], late)
					}
				}
			})
		})
	}
}

func TestScheduler_NextTickTakesThePlaceOfOneThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		hog := touchpoint("hog", time.Hour, takes(59*time.Second))
		quick := touchpoint("quick", 10*time.Second, takes(0))
		start(t, r, schedule.Options{MaxConcurrent: 1}, hog, quick)
		pass(58 * time.Second)
		if n := len(r.of("quick")); n != 0 {
			t.Fatalf("got %d probes without a worker", n)
		}
		skips := r.skips("quick")
		if skips < 4 || skips > 6 {
			t.Errorf("skipped %d ticks of 10s in a minute of waiting, want 5", skips)
		}
		pass(time.Second + time.Millisecond)
		if got := r.of("quick"); len(got) != 1 || got[0].Lateness() >= quick.Every {
			t.Errorf("got %d probes, want one that is late by less than its interval", len(got))
		}
	})
}

func TestScheduler_DismissesIdleWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		var tps []*probe.Touchpoint
		for i := range 200 {
			tps = append(tps, touchpoint(fmt.Sprint(i), 24*time.Hour, g.around(time.Minute, "all")))
		}
		r := &recorder{}
		before := runtime.NumGoroutine()
		start(t, r, schedule.Options{}, tps...)
		pass(30 * time.Second)
		if most := g.peaks()["all"]; most != 200 {
			t.Fatalf("%d probes at once, want 200", most)
		}
		pass(3 * time.Minute)
		if got := runtime.NumGoroutine() - before; got > 3 {
			t.Errorf("%d goroutines are left for 200 touchpoints that rest, want at most 3", got)
		}
	})
}

// TestScheduler_Lines: a kind with a line of its own waits in it, whatever its targets, and nobody else does.
func TestScheduler_Lines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		var tps []*probe.Touchpoint
		for i := range 20 {
			kind := []string{"browser", "page"}[i%2]
			tp := touchpoint(fmt.Sprintf("%s%d", kind, i), time.Minute, g.around(2*time.Second, kind))
			tp.Kind, tp.Profile.Target = kind, fmt.Sprintf("shop%d:443", i)
			tps = append(tps, tp)
		}
		r := &recorder{}
		start(t, r, schedule.Options{PerHost: 3, Lines: map[string]int{"browser": 1}}, tps...)
		pass(10 * time.Minute)
		if most := g.peaks(); most["browser"] != 1 || most["page"] < 2 {
			t.Errorf("at once: %v, want one browser and several pages", most)
		}
		for _, tp := range tps {
			if got := len(r.of(tp.Name)); got < 10 {
				t.Errorf("%s: %d probes in 10 minutes, want one each minute", tp.Name, got)
			}
		}
	})
}

// TestScheduler_OnceKeepsToItsLine: a reader's probe waits for nobody, and disturbs nobody either.
func TestScheduler_OnceKeepsToItsLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		var tps []*probe.Touchpoint
		for _, name := range []string{"home", "search"} {
			tp := touchpoint(name, time.Hour, g.around(10*time.Second, "browser"))
			tp.Kind = "browser"
			tps = append(tps, tp)
		}
		r := &recorder{}
		s := start(t, r, schedule.Options{Lines: map[string]int{"browser": 1}}, tps...)
		pass(5 * time.Second) // the first one runs
		if _, err := s.Once(t.Context(), tps[1].Key()); !errors.Is(err, schedule.ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
		pass(time.Minute) // both are done
		s.Apply(append(tps, func() *probe.Touchpoint {
			tp := touchpoint("basket", time.Hour, g.around(time.Second, "browser"))
			tp.Kind = "browser"
			return tp
		}()))
		pass(10 * time.Second)
		if _, err := s.Once(t.Context(), tps[1].Key()); err != nil {
			t.Error(err)
		}
		if most := g.peaks(); most["browser"] != 1 || len(r.all()) != 3 {
			t.Errorf("%v at once and %d results, want 1 and 3", most, len(r.all()))
		}
	})
}
