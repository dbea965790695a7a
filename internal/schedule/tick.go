package schedule

import "time"

const (
	// firstStep is the distance of the first probes of touchpoints that come together.
	firstStep = 10 * time.Millisecond
	// idleLimit is how long a worker waits for its next probe before it ends.
	idleLimit = 30 * time.Second
	// overrun is how long after its deadline a probe may take to return.
	overrun = time.Second
)

// loop starts probes when they are due, until Stop.
func (s *Scheduler) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-timer.C:
		case <-s.wake:
		}
		timer.Reset(s.tick())
	}
}

// tick starts what is due and returns how long there is nothing to do.
func (s *Scheduler) tick() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return idleLimit
	}
	now := s.clock.now()
	for len(s.ticks) > 0 && s.ticks[0].at <= now {
		e := s.ticks[0]
		s.fire(e, now)
		s.ticks.moved(e)
	}
	s.dismiss(now)
	wait := idleLimit
	if len(s.ticks) > 0 {
		wait = min(wait, s.ticks[0].at-s.clock.now())
	}
	return max(wait, 0)
}

// fire acts on an entry whose time has come and plans its next one.
func (s *Scheduler) fire(e *entry, now time.Duration) {
	if e.at < e.due { // a recheck is armed only while the entry rests, and the next tick is not due yet
		planned := e.at
		e.at = e.due
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
	if skipped > 0 && !e.gone {
		s.opts.Stats.Skipped(e.tp, skipped)
	}
}

// planFirst plans the first probe of the i-th of several new touchpoints: as soon as possible, without a burst.
func (s *Scheduler) planFirst(e *entry, now time.Duration, i int) {
	e.due = min(now+time.Duration(i)*firstStep, s.clock.next(now, e.tp.Every, e.phase))
	e.at = e.due
}

// plan sets the tick that follows the one at planned: the next of the grid. A first probe lies beside the grid; then
// a tick that would follow within half an interval is left out.
func (s *Scheduler) plan(e *entry, planned time.Duration) {
	e.due = s.clock.next(planned+e.tp.Every/2+1, e.tp.Every, e.phase)
	e.at = e.due
}

// submit runs the entry's probe now, or queues it when its host has enough of them.
func (s *Scheduler) submit(e *entry, planned time.Duration, recheck bool) {
	e.planned, e.recheck = planned, recheck
	if h := e.host; h != nil {
		if h.running >= s.opts.PerHost {
			h.waiting.push(e)
			s.enqueued(e)
			return
		}
		h.running++
	}
	s.place(e)
}

// place hands an entry that has a slot of its host to a worker, or queues it until one is free.
func (s *Scheduler) place(e *entry) {
	switch last := len(s.idle) - 1; {
	case last >= 0:
		w := s.idle[last]
		s.idle[last] = nil
		s.idle = s.idle[:last]
		s.begin(e)
		w.next <- e
	case s.workers < s.opts.MaxConcurrent:
		s.workers++
		s.begin(e)
		w := &worker{next: make(chan *entry, 1)}
		w.next <- e
		s.wg.Go(func() { s.work(w) })
	default:
		s.ready.push(e)
		s.enqueued(e)
	}
}

// begin marks an entry as running.
func (s *Scheduler) begin(e *entry) {
	e.state = running
	e.overdue = s.clock.now() + e.tp.Timeout + overrun
}

func (s *Scheduler) enqueued(e *entry) {
	e.state = waiting
	s.waiting++
	s.opts.Stats.Queue(s.waiting)
}

func (s *Scheduler) dequeued(e *entry) {
	e.state = resting
	s.waiting--
	s.opts.Stats.Queue(s.waiting)
}

// takeReady returns the entry that has waited longest for a worker, or nil.
func (s *Scheduler) takeReady() *entry {
	for e := s.ready.pop(); e != nil; e = s.ready.pop() {
		if !e.gone {
			s.dequeued(e)
			return e
		}
		s.release(e.host)
	}
	return nil
}

// release gives a slot of a host back. The entry that has waited longest for it goes on to wait for a worker.
func (s *Scheduler) release(h *host) {
	if h == nil {
		return
	}
	h.running--
	for e := h.waiting.pop(); e != nil; e = h.waiting.pop() {
		if !e.gone {
			h.running++
			s.ready.push(e)
			return
		}
	}
}

// giveUp frees the worker and the host's slot of a probe that does not return although its deadline has passed, so
// that probers that hang cannot bring the schedule to a halt. The goroutine itself ends when the prober returns.
func (s *Scheduler) giveUp(e *entry, now time.Duration) {
	if e.lost || now < e.overdue {
		return
	}
	e.lost = true
	s.workers--
	s.release(e.host)
	if next := s.takeReady(); next != nil {
		s.place(next)
	}
	s.opts.Log.Warn("probe ignores its deadline", "touchpoint", e.tp.Key(), "kind", e.tp.Kind, "timeout", e.tp.Timeout)
}

// dismiss ends the workers that have been idle for long.
func (s *Scheduler) dismiss(now time.Duration) {
	n := 0
	for n < len(s.idle) && now-s.idle[n].since >= idleLimit {
		close(s.idle[n].next)
		n++
	}
	if n > 0 {
		s.workers -= n
		rest := copy(s.idle, s.idle[n:])
		clear(s.idle[rest:])
		s.idle = s.idle[:rest]
	}
}
