package schedule

import "time"

// submit puts an entry in line: for a slot of its host first, then for a place among the running probes.
func (s *Scheduler) submit(e *entry, planned time.Duration, recheck bool) {
	e.planned, e.recheck, e.state = planned, recheck, waiting
	s.waiting++
	if h := e.host; h != nil {
		if h.running >= h.limit {
			h.waiting.push(e)
			return
		}
		h.running++
	}
	s.ready.push(e)
}

// takeReady returns the entry that has waited longest and marks it as running; nil when there is none or when enough
// probes run.
func (s *Scheduler) takeReady() *entry {
	for s.running < s.opts.MaxConcurrent {
		e := s.ready.pop()
		switch {
		case e == nil:
			return nil
		case e.gone.Load():
			s.release(e.host)
		default:
			s.waiting--
			s.running++
			e.state = running
			e.overdue = s.clock.now() + e.tp.Timeout + overrun
			return e
		}
	}
	return nil
}

// release gives a slot of a host back. The entry that has waited longest for it gets it.
func (s *Scheduler) release(h *host) {
	if h == nil {
		return
	}
	h.running--
	for e := h.waiting.pop(); e != nil; e = h.waiting.pop() {
		if !e.gone.Load() {
			h.running++
			s.ready.push(e)
			return
		}
	}
}

// assign hands entries to workers as long as there are entries and places, and tells what is left.
func (s *Scheduler) assign() {
	for e := s.takeReady(); e != nil; e = s.takeReady() {
		s.takeWorker().next <- e
	}
	if s.waiting != s.told {
		s.told = s.waiting
		s.opts.Stats.Queue(s.told)
	}
}
