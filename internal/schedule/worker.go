package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// idleLimit is how long a worker waits for its next probe before it ends.
const idleLimit = 30 * time.Second

// worker is a goroutine that runs one probe after the other. The one that was idle last is used first, so that few
// stay in use and their stacks, once grown, serve many probes.
//
// One idle worker watches: its timer is set to the next tick, which it then runs itself. To hand over the watch, only
// the timer of another one is set. So a tick wakes one goroutine, once; a wake-up costs more than all the rest here.
type worker struct {
	next  chan *entry // holds one; closed when the worker is no longer needed
	timer *time.Timer // set while it watches
	since time.Duration
}

// takeWorker returns an idle worker, or a new one.
func (s *Scheduler) takeWorker() *worker {
	if last := len(s.idle) - 1; last >= 0 {
		w := s.idle[last]
		s.idle[last] = nil
		s.idle = s.idle[:last]
		return w
	}
	w := &worker{next: make(chan *entry, 1), timer: time.NewTimer(idleLimit)}
	w.timer.Stop()
	s.wg.Go(func() { s.work(w) })
	return w
}

// dismiss ends the workers that have been idle for long.
func (s *Scheduler) dismiss(now time.Duration) {
	n := 0
	for n < len(s.idle) && now-s.idle[n].since >= idleLimit {
		close(s.idle[n].next)
		n++
	}
	if n > 0 {
		rest := copy(s.idle, s.idle[n:])
		clear(s.idle[rest:])
		s.idle = s.idle[:rest]
	}
}

// work runs probes until the worker is dismissed.
func (s *Scheduler) work(w *worker) {
	defer w.timer.Stop()
	for {
		var e *entry
		select {
		case e = <-w.next:
			if e == nil {
				return
			}
		case <-w.timer.C:
			e = s.tick(w)
		}
		for e != nil {
			recheck := s.run(e)
			e = s.finish(w, e, recheck)
		}
	}
}

// run probes once and reports the outcome. It returns whether a recheck is wanted.
func (s *Scheduler) run(e *entry) (recheck bool) {
	o := &Outcome{Touchpoint: e.tp, Due: s.clock.at(e.planned), Recheck: e.recheck, Started: time.Now()}
	s.opts.Stats.Late(o.Lateness())
	timeout := e.tp.Timeout
	if e.recheck {
		timeout = min(timeout, e.until-s.clock.now())
	}
	cut := s.measure(e, o, timeout) && timeout < e.tp.Timeout
	if o.Result.Start.IsZero() {
		o.Result.Start = o.Started
	}
	if cut || s.isLost(e) { // a look that was cut short shows nothing, and a lost probe has been reported as such
		return false
	}
	return s.hand(e, o)
}

// isLost says whether the worker of an entry's probe was given up.
func (s *Scheduler) isLost(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.lost
}

// hand gives an outcome to Report, unless the entry is gone.
func (s *Scheduler) hand(e *entry, o *Outcome) (recheck bool) {
	e.report.Lock()
	defer e.report.Unlock()
	if e.gone.Load() || (o.Err != nil && s.base.Err() != nil) { // what Stop cancelled was not measured
		return false
	}
	return s.opts.Report(o) && !o.Recheck
}

// measure calls the prober and turns a panic into an error. It returns whether the time was up.
func (s *Scheduler) measure(e *entry, o *Outcome, timeout time.Duration) (late bool) {
	ctx, cancel := context.WithTimeout(s.base, timeout)
	defer cancel()
	defer func() { late = errors.Is(ctx.Err(), context.DeadlineExceeded) }()
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
	return false
}

// finish ends an entry's probe and returns the one that the worker takes next; nil to rest until it gets one.
func (s *Scheduler) finish(w *worker, e *entry, recheck bool) (next *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.state = resting
	if e.lost {
		e.lost = false
	} else {
		s.running--
		s.release(e.host)
	}
	if s.stopping {
		s.retire(e.tp)
		close(w.next)
		return nil
	}
	now := s.clock.now()
	switch {
	case e.gone.Load():
		s.drop(e)
	case recheck:
		s.armRecheck(e, now)
	}
	if next = s.takeReady(); next == nil {
		w.since = now
		s.idle = append(s.idle, w)
	}
	s.assign()
	return next
}
