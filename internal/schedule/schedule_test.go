package schedule_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// proberFunc is a probe.Prober.
type proberFunc func(context.Context) (probe.Result, error)

func (f proberFunc) Probe(ctx context.Context) (probe.Result, error) { return f(ctx) }

// takes returns a prober that needs d, or until its context ends.
func takes(d time.Duration) proberFunc {
	return func(ctx context.Context) (probe.Result, error) {
		select {
		case <-time.After(d):
			return probe.Result{Duration: d}, nil
		case <-ctx.Done():
			return probe.Result{}, ctx.Err()
		}
	}
}

// pass lets time pass in a synctest bubble, until all that happens in it has happened.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// touchpoint returns web/name, probed with prober at an interval, with a timeout as long as that.
func touchpoint(name string, every time.Duration, prober probe.Prober) *probe.Touchpoint {
	return &probe.Touchpoint{
		Channel: "web", Name: name, Kind: "fake", Every: every, Timeout: every, Built: probe.Built{Prober: prober},
	}
}

// recorder is a Report and Stats that remembers.
type recorder struct {
	recheck bool // the answer to every outcome

	mu       sync.Mutex
	outcomes []*schedule.Outcome
	skipped  map[string]int
	lateness []time.Duration
	queue    []int
}

func (r *recorder) Report(o *schedule.Outcome) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = append(r.outcomes, o)
	return r.recheck
}

func (r *recorder) Late(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lateness = append(r.lateness, d)
}

func (r *recorder) Skipped(tp *probe.Touchpoint, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.skipped == nil {
		r.skipped = make(map[string]int)
	}
	r.skipped[tp.Name] += n
}

func (r *recorder) Queue(waiting int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, waiting)
}

// of returns the outcomes of a touchpoint by its name.
func (r *recorder) of(name string) []*schedule.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*schedule.Outcome
	for _, o := range r.outcomes {
		if o.Touchpoint.Name == name {
			out = append(out, o)
		}
	}
	return out
}

// all returns all outcomes in the order in which they were reported.
func (r *recorder) all() []*schedule.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.outcomes)
}

// stats returns what Late and Queue were called with.
func (r *recorder) stats() (lateness []time.Duration, queue []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lateness), slices.Clone(r.queue)
}

func (r *recorder) skips(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped[name]
}

// start returns a running scheduler that reports to r, stopped when the test ends.
func start(t *testing.T, r *recorder, opts schedule.Options, tps ...*probe.Touchpoint) *schedule.Scheduler {
	t.Helper()
	opts.Report, opts.Stats = r.Report, r
	s := schedule.New(opts)
	s.Apply(tps)
	s.Start()
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *schedule.Scheduler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func TestScheduler_KeepsItsGridForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		prober := proberFunc(func(ctx context.Context) (probe.Result, error) {
			n++
			return takes(time.Duration(n%50) * time.Second)(ctx) // must not move the ticks
		})
		r := &recorder{}
		start(t, r, schedule.Options{}, touchpoint("home", time.Minute, prober))
		pass(24 * time.Hour)

		got := r.of("home")[1:] // the first one lies beside the grid
		if len(got) < 1438 || len(got) > 1440 {
			t.Errorf("got %d probes in a day, want 1440 but for the ends", len(got))
		}
		for i, o := range got {
			if want := got[0].Due.Add(time.Duration(i) * time.Minute); !o.Due.Equal(want) {
				t.Fatalf("tick %d was due at %v, want %v", i, o.Due, want)
			}
			if late := o.Lateness(); late < 0 || late >= time.Millisecond {
				t.Fatalf("tick %d was late by %v, want less than 1ms", i, late)
			}
		}
		if r.skips("home") != 0 {
			t.Errorf("skipped %d ticks, want 0", r.skips("home"))
		}
	})
}

func TestScheduler_PhaseIsStable(t *testing.T) {
	// Another hash would move the ticks of every user at the next upgrade.
	const want = 9*time.Second + 478408671*time.Nanosecond
	for _, after := range []time.Duration{0, 3 * time.Second, 1234567 * time.Microsecond} {
		t.Run(fmt.Sprintf("started after %v", after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pass(after)
				r := &recorder{}
				tp := touchpoint("b", 10*time.Second, takes(0))
				tp.Channel = "a"
				start(t, r, schedule.Options{}, tp)
				pass(time.Minute)
				for _, o := range r.of("b")[1:] {
					if got := time.Duration(o.Due.UnixNano()) % tp.Every; got != want {
						t.Errorf("phase is %v, want %v", got, want)
					}
				}
			})
		})
	}
}

func TestScheduler_FirstProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		var tps []*probe.Touchpoint
		for i := range 300 {
			tps = append(tps, touchpoint(fmt.Sprint(i), time.Duration(1+i%60)*time.Second, takes(0)))
		}
		began := time.Now()
		start(t, r, schedule.Options{}, tps...)
		pass(61 * time.Second)

		for _, tp := range tps {
			outcomes := r.of(tp.Name)
			if got := outcomes[0].Started.Sub(began); got > min(tp.Every, 3*time.Second) {
				t.Errorf("%s every %v: first probe after %v", tp.Name, tp.Every, got)
			}
			if len(outcomes) < 2 {
				continue
			}
			if gap := outcomes[1].Due.Sub(outcomes[0].Due); gap <= tp.Every/2 || gap > tp.Every*3/2 {
				t.Errorf("%s every %v: second probe %v after the first", tp.Name, tp.Every, gap)
			}
		}
	})
}

func TestScheduler_FirstProbeDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		began := time.Now()
		s := start(t, r, schedule.Options{}, touchpoint("early", time.Hour, takes(0)))
		pass(10 * time.Minute)
		s.Start() // a second one must not begin anew
		s.Apply([]*probe.Touchpoint{r.of("early")[0].Touchpoint, touchpoint("added", time.Hour, takes(0))})
		synctest.Wait()
		for name, want := range map[string]time.Duration{"early": 0, "added": 10 * time.Minute} {
			if got := r.of(name); len(got) != 1 || got[0].Started.Sub(began) != want {
				t.Errorf("%s: got %d probes, want one after %v", name, len(got), want)
			}
		}
	})
}

// What is probed when it is due only keeps to its turns, however often an agent starts or its touchpoint changes.
func TestScheduler_OnlyWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		due := func(title string) *probe.Touchpoint {
			tp := touchpoint("canary", 15*time.Minute, takes(0))
			tp.Title, tp.OnlyWhenDue = title, true
			return tp
		}
		s := start(t, r, schedule.Options{}, due("first"))
		for i := range 20 { // changed every minute
			pass(time.Minute)
			s.Apply([]*probe.Touchpoint{due(fmt.Sprint(i))})
		}
		pass(40 * time.Minute)
		outcomes := r.of("canary")
		if len(outcomes) != 4 {
			t.Errorf("%d probes in an hour, want 4", len(outcomes))
		}
		for i := 1; i < len(outcomes); i++ {
			if gap := outcomes[i].Started.Sub(outcomes[i-1].Started); gap != 15*time.Minute {
				t.Errorf("%v between two probes, want 15m", gap)
			}
		}
	})
}

func TestScheduler_SpreadsStartsEvenly(t *testing.T) {
	const touchpoints, every, window = 10_000, 10 * time.Second, 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var starts []time.Duration
		began := time.Now()
		s := schedule.New(schedule.Options{Report: func(o *schedule.Outcome) bool {
			mu.Lock()
			defer mu.Unlock()
			starts = append(starts, o.Started.Sub(began))
			return false
		}})
		tps := make([]*probe.Touchpoint, touchpoints)
		for i := range tps {
			tps[i] = touchpoint(fmt.Sprintf("page-%d", i), every, takes(0))
		}
		s.Apply(tps)
		s.Start()
		pass(3 * every)
		stop(t, s)

		if len(starts) < 2*touchpoints {
			t.Fatalf("got %d starts, want at least %d", len(starts), 2*touchpoints)
		}
		most, oldest := 0, 0 // starts are reported in order
		for i := range starts {
			for starts[i]-starts[oldest] >= window {
				oldest++
			}
			most = max(most, i-oldest+1)
		}
		if even := touchpoints / int(every/window); most > 3*even {
			t.Errorf("%d starts within %v, want at most %d", most, window, 3*even)
		}
	})
}

func TestScheduler_SkipsTicksWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Int32
		prober := proberFunc(func(context.Context) (probe.Result, error) {
			if busy.Add(1) > 1 {
				t.Error("two probes of one touchpoint at once")
			}
			defer busy.Add(-1)
			<-time.After(25 * time.Second)
			return probe.Result{}, nil
		})
		tp := touchpoint("home", 10*time.Second, prober)
		tp.Timeout = 25 * time.Second
		var log bytes.Buffer
		r := &recorder{}
		start(t, r, schedule.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, tp)
		pass(5 * time.Minute)

		outcomes := r.of("home")[1:]
		for i := 1; i < len(outcomes); i++ {
			if gap := outcomes[i].Due.Sub(outcomes[i-1].Due); gap != 30*time.Second {
				t.Errorf("probe %d was due %v after the one before, want 30s", i, gap)
			}
			if late := outcomes[i].Lateness(); late != 0 {
				t.Errorf("probe %d was late by %v, want none", i, late)
			}
		}
		if got, want := r.skips("home"), 2*len(outcomes); got < want || got > want+4 {
			t.Errorf("skipped %d ticks in %d probes, want two for each", got, len(outcomes))
		}
		if log.Len() > 0 {
			t.Errorf("logged something about probes that keep their deadline:\n%s", log.String())
		}
	})
}

func TestScheduler_GivesEachProbeItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := touchpoint("home", 10*time.Second, proberFunc(func(ctx context.Context) (probe.Result, error) {
			began := time.Now()
			<-ctx.Done()
			return probe.Result{Start: began, Duration: time.Since(began), Reason: probe.ResponseTimeout}, nil
		}))
		tp.Timeout = 2500 * time.Millisecond
		r := &recorder{}
		start(t, r, schedule.Options{}, tp)
		pass(time.Minute)
		for _, o := range r.of("home") {
			if o.Result.Duration != tp.Timeout || o.Err != nil || o.Result.Reason != probe.ResponseTimeout {
				t.Errorf("got %v, reason %q, error %v; want the timeout of %v as it was reported",
					o.Result.Duration, o.Result.Reason, o.Err, tp.Timeout)
			}
		}
	})
}

func TestScheduler_ReportsWhatCouldNotBeMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := fmt.Errorf("no browser on this host")
		r := &recorder{}
		start(t, r, schedule.Options{}, touchpoint("home", 10*time.Second,
			proberFunc(func(context.Context) (probe.Result, error) { return probe.Result{}, failure })))
		pass(time.Minute)
		for _, o := range r.of("home") {
			if o.Err != failure { //nolint:errorlint // it must be passed on as it is
				t.Errorf("got error %v, want %v", o.Err, failure)
			}
			if !o.Result.Start.Equal(o.Started) {
				t.Errorf("result starts at %v, want %v", o.Result.Start, o.Started)
			}
		}
	})
}
