package schedule

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// worker is a goroutine that runs one probe after the other. The one that was idle last is used first, so that few
// stay in use and their stacks, once grown, serve many probes.
type worker struct {
	next  chan *entry   // closed when the worker is no longer needed
	since time.Duration // idle since; guarded by Scheduler.mu
}

// work runs probes until the worker is dismissed.
func (s *Scheduler) work(w *worker) {
	for e := range w.next {
		for e != nil {
			recheck := s.run(e)
			var stay bool
			if e, stay = s.finish(w, e, recheck); !stay {
				return
			}
		}
	}
}

// run probes once and reports the outcome. It returns whether a recheck is wanted.
func (s *Scheduler) run(e *entry) (recheck bool) {
	o := &Outcome{Touchpoint: e.tp, Due: s.clock.at(e.planned), Recheck: e.recheck, Started: time.Now()}
	s.opts.Stats.Late(o.Lateness())
	s.measure(e, o)
	if o.Result.Start.IsZero() {
		o.Result.Start = o.Started
	}

	s.report.RLock()
	defer s.report.RUnlock()
	if e.gone || (o.Err != nil && s.base.Err() != nil) { // what Stop cancelled was not measured
		return false
	}
	return s.opts.Report(o) && !o.Recheck
}

// measure calls the prober and turns a panic into an error.
func (s *Scheduler) measure(e *entry, o *Outcome) {
	ctx, cancel := context.WithTimeout(s.base, e.tp.Timeout)
	defer cancel()
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		o.Result, o.Err = probe.Result{}, fmt.Errorf("probing %q: panic: %v", e.tp.Key(), cause)
		if !e.panicked {
			e.panicked = true
			s.opts.Log.Error("probe panicked", "touchpoint", e.tp.Key(), "kind", e.tp.Kind, "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	o.Result, o.Err = e.tp.Prober.Probe(ctx)
}

// finish ends an entry's probe and returns the one that the worker takes next, nil to rest until one is sent. The
// worker ends when stay is false.
func (s *Scheduler) finish(w *worker, e *entry, recheck bool) (next *entry, stay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.state = resting
	lost := e.lost
	if e.lost = false; !lost {
		s.release(e.host)
	}
	now := s.clock.now()
	switch {
	case s.stopping:
		s.retire(e.tp)
		return nil, false
	case e.gone:
		s.drop(e)
	case recheck:
		s.armRecheck(e, now)
	}
	if lost { // another worker may have taken this one's place
		return nil, false
	}
	if next = s.takeReady(); next != nil {
		s.begin(next)
		return next, true
	}
	w.since = now
	s.idle = append(s.idle, w)
	return nil, true
}

// armRecheck plans a second look at a result, unless it could still run at the next tick: then that tick serves.
func (s *Scheduler) armRecheck(e *entry, now time.Duration) {
	at := now + e.tp.Recheck
	if e.tp.Recheck <= 0 || at+e.tp.Timeout > e.due {
		return
	}
	e.at = at
	s.ticks.moved(e)
	if e.index == 0 {
		s.nudge()
	}
}

// nudge makes the loop look at the heap again.
func (s *Scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}
