package schedule

import "github.com/channelwatch/channelwatch/internal/probe"

// Apply makes tps the touchpoints that are probed; their keys must be unique. One with the key and the fingerprint of
// a touchpoint that is already there changes nothing: the old one stays with its phase, its running probe and its
// prober, and the new one is closed. The others are added, and those that are missing or different are taken out;
// their running probes end on their own, unreported, and then they are closed. Once Apply has returned, no outcome of
// a touchpoint that it took out is reported any more; it waits for those calls of Report that are under way.
//
// Apply returns the touchpoints that are in effect, in the order of tps.
func (s *Scheduler) Apply(tps []*probe.Touchpoint) []*probe.Touchpoint {
	effective, out := s.replace(tps)
	for _, e := range out {
		e.report.Lock()   // until a Report that is under way is over; the next one sees that the entry is gone
		e.report.Unlock() //nolint:staticcheck // an empty section is all that it takes
	}
	return effective
}

// replace does the work of Apply. It returns the touchpoints in effect and the entries that were taken out.
func (s *Scheduler) replace(tps []*probe.Touchpoint) (effective []*probe.Touchpoint, out []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return s.refuse(tps), nil
	}
	effective = make([]*probe.Touchpoint, 0, len(tps))
	entries := make(map[string]*entry, len(tps))
	now, added := s.clock.now(), 0
	for _, tp := range tps {
		key := tp.Key()
		e := s.entries[key]
		switch {
		case e != nil && e.tp == tp:
		case e != nil && e.tp.Fingerprint == tp.Fingerprint:
			s.retire(tp)
		default:
			e = &entry{tp: tp, phase: Phase(key, tp.Every), host: s.hostOf(tp)}
			s.planFirst(e, now, added)
			s.ticks.add(e)
			added++
		}
		entries[key] = e
		effective = append(effective, e.tp)
	}
	for key, e := range s.entries {
		if entries[key] != e {
			s.takeOut(e)
			out = append(out, e)
		}
	}
	s.entries = entries
	s.arm()
	s.assign()
	return effective, out
}

// refuse closes what comes after Stop.
func (s *Scheduler) refuse(tps []*probe.Touchpoint) []*probe.Touchpoint {
	for _, tp := range tps {
		if e := s.entries[tp.Key()]; (e == nil || e.tp != tp) && tp.Close != nil {
			tp.Close()
		}
	}
	return tps
}

// hostOf returns the host that counts the probes of tp, nil when nothing limits them.
func (s *Scheduler) hostOf(tp *probe.Touchpoint) *host {
	name, limit := tp.Profile.Target, s.opts.PerHost
	most, line := s.opts.Lines[tp.Kind]
	if line {
		name, limit = tp.Kind, most
	}
	if limit <= 0 || name == "" || tp.Profile.Waits && !line {
		return nil
	}
	h := s.hosts[name]
	if h == nil {
		h = &host{name: name, limit: limit, line: line}
		s.hosts[name] = h
	}
	h.refs++
	return h
}

// takeOut removes an entry from the schedule, at once or when its probe has ended.
func (s *Scheduler) takeOut(e *entry) {
	e.gone.Store(true)
	switch e.state {
	case running: // finish drops it; until then its ticks watch over its deadline
		return
	case waiting:
		e.state = resting
		s.waiting--
	case resting:
	}
	s.drop(e)
}

// drop forgets an entry that is gone and closes its prober.
func (s *Scheduler) drop(e *entry) {
	s.ticks.remove(e)
	if e.host != nil {
		if e.host.refs--; e.host.refs == 0 {
			delete(s.hosts, e.host.name)
		}
	}
	s.retire(e.tp)
}

// retire closes a prober after its last probe. Giving back connections may take time, so nobody waits for it but Stop.
func (s *Scheduler) retire(tp *probe.Touchpoint) {
	if tp.Close != nil {
		s.wg.Go(tp.Close)
	}
}
