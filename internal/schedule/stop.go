package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// grace is how long probes may take to return after Stop has cancelled them.
const grace = time.Second

// Stop ends the schedule: nothing starts any more, running probes are waited for and reported, and every prober is
// closed. When ctx ends first, the running probes are cancelled, unreported, which the log says. They have one more second
// to return; the error names those that did not. It may be called several times; each call waits.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.halt()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	busy := s.busy()
	s.cancel()
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case <-s.done:
	case <-last.C:
		return fmt.Errorf("stopping the schedule: still open %v after the end: probes of %q: %w",
			grace, s.busy(), context.Cause(ctx))
	}
	if len(busy) > 0 {
		s.opts.Log.Info("cancelled probes that ran too long to wait for", "touchpoints", busy)
	}
	return nil
}

// halt closes everything that is not running.
func (s *Scheduler) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	s.stopping = true
	for _, e := range s.ticks {
		if e.state != running {
			e.state = resting
			s.retire(e.tp)
		}
	}
	if s.watcher != nil {
		s.idle = append(s.idle, s.watcher)
	}
	for _, w := range s.idle {
		close(w.next)
	}
	s.watcher, s.idle, s.ready = nil, nil, queue{}
	clear(s.hosts)
	s.opts.Stats.Queue(0)
	go func() { // ends with the last probe, which Stop cancels
		s.wg.Wait()
		close(s.done)
	}()
}

// busy returns the keys of the running probes, sorted.
func (s *Scheduler) busy() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, e := range s.ticks {
		if e.state == running {
			keys = append(keys, e.tp.Key())
		}
	}
	slices.Sort(keys)
	return keys
}
