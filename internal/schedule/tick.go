package schedule

import (
	"fmt"
	"time"
)

const (
	// firstStep is the distance of the first probes of touchpoints that come together.
	firstStep = 10 * time.Millisecond
	// overrun is how long after its deadline a probe may take to return and to be reported.
	overrun = 5 * time.Second
	// recheckMargin lies between the end of a recheck and the next tick, so that the recheck costs no tick.
	recheckMargin = 50 * time.Millisecond
)

// tick is called by the watching worker when a tick is due. It starts all that are due and returns the one that the
// worker runs itself, after another one has been set to watch; nil when nothing is left for it, so that it watches on.
func (s *Scheduler) tick(w *worker) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watcher != w {
		return nil
	}
	now := s.clock.now()
	for len(s.ticks) > 0 && s.ticks[0].at <= now {
		e := s.ticks[0]
		s.fire(e, now)
		s.ticks.moved(e)
	}
	mine := s.takeReady()
	if mine != nil {
		s.watcher = s.takeWorker()
	}
	s.assign()
	s.dismiss(now)
	s.arm()
	return mine
}

// arm sets the watcher's timer to the next tick. The watcher need not run for that.
func (s *Scheduler) arm() {
	if s.watcher == nil {
		return
	}
	wait := idleLimit
	if len(s.ticks) > 0 {
		wait = min(wait, s.ticks[0].at-s.clock.now())
	}
	s.watcher.timer.Reset(max(wait, 0))
}

// fire acts on an entry whose time has come and plans its next one.
func (s *Scheduler) fire(e *entry, now time.Duration) {
	if e.at < e.due { // a recheck is armed only while the entry rests, and the next tick is not due yet
		planned := e.at
		e.at, e.until = e.due, e.due-recheckMargin
		s.submit(e, planned, true)
		return
	}
	skipped := int((now - e.due) / e.tp.Every) // more than 0 when this process did not run for a while
	planned := e.due + time.Duration(skipped)*e.tp.Every
	s.plan(e, planned)
	switch e.state {
	case resting:
		s.submit(e, planned, false)
	case waiting: // keeps its place in the queue
		if !e.recheck {
			skipped++
		}
		e.planned, e.recheck = planned, false
	case running:
		skipped++
		s.giveUp(e, now)
	}
	if skipped > 0 && !e.gone.Load() {
		s.opts.Stats.Skipped(e.tp, skipped)
	}
}

// planFirst plans the first probe of the i-th of several new touchpoints: as soon as possible, without a burst. What is
// probed when it is due only has to wait for its turn, else every start and every change of it would be a probe more.
func (s *Scheduler) planFirst(e *entry, now time.Duration, i int) {
	e.due = s.clock.next(now, e.tp.Every, e.phase)
	if !e.tp.OnlyWhenDue {
		e.due = min(now+time.Duration(i)*firstStep, e.due)
	}
	e.at = e.due
}

// plan sets the tick that follows the one at planned: the next of the grid. A first probe lies beside the grid; then
// a tick that would follow within half an interval is left out.
func (s *Scheduler) plan(e *entry, planned time.Duration) {
	e.due = s.clock.next(planned+e.tp.Every/2+1, e.tp.Every, e.phase)
	e.at = e.due
}

// armRecheck plans a second look at a result. It has until shortly before the next tick; where that comes first, the
// tick serves.
func (s *Scheduler) armRecheck(e *entry, now time.Duration) {
	at := now + e.tp.Recheck
	if e.tp.Recheck <= 0 || at+recheckMargin >= e.due {
		return
	}
	e.at = at
	s.ticks.moved(e)
	if e.index == 0 {
		s.arm()
	}
}

// giveUp frees the place of a probe that does not return although its deadline has passed, so that probers that hang
// cannot bring the schedule to a halt. The worker itself is free again when the prober returns.
func (s *Scheduler) giveUp(e *entry, now time.Duration) {
	if e.lost || now < e.overdue {
		return
	}
	e.lost = true
	s.running--
	s.release(e.host)
	o := &Outcome{
		Touchpoint: e.tp, Due: s.clock.at(e.planned), Started: s.clock.at(e.planned), Recheck: e.recheck,
		Err: fmt.Errorf("probing %q: not back %v after its deadline", e.tp.Key(), overrun),
	}
	o.Result.Start = o.Started
	s.wg.Go(func() { s.hand(e, o) })
	s.opts.Log.Warn("probe ignores its deadline", "touchpoint", e.tp.Key(), "kind", e.tp.Kind, "timeout", e.tp.Timeout)
}
