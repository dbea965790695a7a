package schedule_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

func TestScheduler_SurvivesPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := &recorder{}
		start(t, r, schedule.Options{MaxConcurrent: 1, Log: slog.New(slog.NewTextHandler(&log, nil))},
			touchpoint("broken", 10*time.Second, proberFunc(explode)),
			touchpoint("sound", 10*time.Second, takes(0)))
		pass(time.Minute)

		for _, name := range []string{"broken", "sound"} {
			if n := len(r.of(name)); n < 6 {
				t.Errorf("%s: got %d probes in a minute, want at least 6", name, n)
			}
		}
		const want = `probing "web/broken": panic: index out of range`
		for _, o := range r.of("broken") {
			if o.Err == nil || o.Err.Error() != want {
				t.Errorf("got error %v, want %q", o.Err, want)
			}
			if o.Result.Detail != "" || !o.Result.Start.Equal(o.Started) {
				t.Errorf("got result %+v, want an empty one that starts at %v", o.Result, o.Started)
			}
		}
		if n := strings.Count(log.String(), "probe panicked"); n != 1 {
			t.Errorf("logged %d panics, want 1:\n%s", n, log.String())
		}
		if !strings.Contains(log.String(), "schedule_test.explode") {
			t.Errorf("the log has no stack:\n%s", log.String())
		}
	})
}

func explode(context.Context) (probe.Result, error) { panic("index out of range") }

// stuck is a prober that ignores its context until it is released.
type stuck struct{ release chan struct{} }

func (s stuck) Probe(context.Context) (probe.Result, error) {
	<-s.release
	return probe.Result{}, nil
}

func TestScheduler_GivesUpOnProbersThatIgnoreTheirDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		hung := stuck{make(chan struct{})}
		a, b := touchpoint("hung", 10*time.Second, hung), touchpoint("sound", 10*time.Second, takes(0))
		a.Profile.Target, b.Profile.Target = "shop:443", "shop:443"
		r := &recorder{}
		opts := schedule.Options{MaxConcurrent: 1, PerHost: 1, Log: slog.New(slog.NewTextHandler(&log, nil))}
		start(t, r, opts, a, b)
		pass(10 * time.Minute)

		if n := len(r.of("sound")); n < 57 {
			t.Errorf("got %d probes beside one that hangs, want all 60 but for the first half minute", n)
		}
		if n := r.skips("hung"); n < 58 {
			t.Errorf("skipped %d ticks of the one that hangs, want 59", n)
		}
		if n := strings.Count(log.String(), "probe ignores its deadline"); n != 1 {
			t.Errorf("logged it %d times, want once:\n%s", n, log.String())
		}
		const want = `probing "web/hung": not back 5s after its deadline`
		if got := r.of("hung"); len(got) != 1 || got[0].Err == nil || got[0].Err.Error() != want {
			t.Errorf("reported %d outcomes of the one that hangs, want one with the error %s", len(got), want)
		}
		close(hung.release)
		before := len(r.of("sound"))
		pass(time.Minute)
		got := r.of("hung")
		if n := len(got) - 1; n < 5 || n > 6 {
			t.Errorf("got %d probes in the minute after it came back, want 5 or 6: the one that hung was reported already", n)
		}
		for _, o := range got[1:] {
			if o.Err != nil || o.Lateness() > 0 {
				t.Errorf("after it came back: %v, late by %v", o.Err, o.Lateness())
			}
		}
		if n := len(r.of("sound")) - before; n != 6 {
			t.Errorf("got %d probes of the other in that minute, want 6", n)
		}
	})
}

func TestScheduler_StopWaitsAndReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := schedule.New(schedule.Options{Report: r.Report})
		closed := 0
		tp := touchpoint("home", 30*time.Second, takes(20*time.Second))
		tp.Close = func() { closed += 1000 + len(r.of("home")) }
		s.Apply([]*probe.Touchpoint{tp})
		s.Start()
		pass(5 * time.Second)
		began := time.Now()
		stop(t, s)
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("Stop took %v, want 15s, until the probe ended", took)
		}
		if o := r.of("home"); len(o) != 1 || o[0].Err != nil {
			t.Errorf("got outcomes %v, want one without an error", o)
		}
		if closed != 1001 {
			t.Errorf("closed is %d, want one call after one outcome (1001)", closed)
		}
		stop(t, s)
		s.Start()
		pass(time.Hour)
		if n := len(r.of("home")); n != 1 || closed != 1001 {
			t.Errorf("after a second Stop and a Start: %d outcomes, closed is %d; want nothing more", n, closed)
		}
	})
}

func TestScheduler_StopCancelsWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		var log bytes.Buffer
		s := schedule.New(schedule.Options{Report: r.Report, Log: slog.New(slog.NewTextHandler(&log, nil))})
		closed := 0
		tp := touchpoint("home", time.Minute, takes(50*time.Second))
		tp.Close = func() { closed++ }
		s.Apply([]*probe.Touchpoint{tp})
		s.Start()
		pass(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err := s.Stop(ctx)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Stop took %v, want 3s", took)
		}
		if err != nil {
			t.Errorf("got error %v, want none: the probe gave way", err)
		}
		if want := "touchpoints=[web/home]"; strings.Count(log.String(), want) != 1 {
			t.Errorf("the log does not say %s once:\n%s", want, &log)
		}
		if n := len(r.of("home")); n != 0 {
			t.Errorf("reported %d outcomes of a cancelled probe, want 0", n)
		}
		if closed != 1 {
			t.Errorf("closed %d times, want once", closed)
		}
	})
}

func TestScheduler_StopDoesNotWaitForProbersThatIgnoreIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := schedule.New(schedule.Options{Report: r.Report})
		hung := stuck{make(chan struct{})}
		closed := 0
		tp := touchpoint("home", time.Minute, hung)
		tp.Close = func() { closed++ }
		s.Apply([]*probe.Touchpoint{tp})
		s.Start()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err := s.Stop(ctx)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("Stop took %v, want 3s and one more", took)
		}
		const want = `stopping the schedule: still open 1s after the end: probes of ["web/home"]: context deadline exceeded`
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %q", err, want)
		}
		if closed != 0 {
			t.Error("closed a prober that still runs")
		}
		close(hung.release)
		stop(t, s)
		if closed != 1 {
			t.Errorf("closed %d times after the last probe, want once", closed)
		}
	})
}

func TestScheduler_StopWaitsForClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule.New(schedule.Options{Report: (&recorder{}).Report})
		tp := touchpoint("home", time.Minute, takes(0))
		tp.Close = func() { <-time.After(900 * time.Millisecond) }
		s.Apply([]*probe.Touchpoint{tp})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("got error %v although nothing had to be cancelled", err)
		}
		if took := time.Since(began); took != 900*time.Millisecond {
			t.Errorf("Stop took %v, want 900ms", took)
		}
	})
}

func TestScheduler_StopWithoutStartClosesProbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule.New(schedule.Options{Report: (&recorder{}).Report})
		closed := make(map[string]int)
		tps := []*probe.Touchpoint{touchpoint("a", time.Minute, takes(0)), touchpoint("b", time.Minute, takes(0))}
		for _, tp := range tps {
			tp.Close = func() { closed[tp.Name]++ }
		}
		s.Apply(tps[:1])
		stop(t, s)
		if got := s.Apply(tps); len(got) != 2 {
			t.Errorf("Apply after Stop returned %d touchpoints, want 2", len(got))
		}
		if closed["a"] != 1 || closed["b"] != 1 {
			t.Errorf("closed %v, want each once", closed)
		}
	})
}
