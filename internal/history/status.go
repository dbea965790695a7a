//go:build !nohistory

package history

import (
	"context"
	"time"
)

// counts are totals since the start.
type counts struct {
	samples uint64
	refused [reasons]uint64
}

func (c *counts) add(more *counts) {
	c.samples += more.samples
	for i, n := range more.refused {
		c.refused[i] += n
	}
}

// Status returns how the store is.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *Store) become(state State, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.State != state {
		s.status.State, s.status.Since = state, time.Now()
	}
	s.status.Why = why
}

// evaluated is told of every evaluation of rules that recorded something.
func (s *Store) evaluated() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Revision++
}

// backoff is the time between two attempts to open, which doubles.
type backoff struct{ next time.Duration }

func (b *backoff) sleep(ctx context.Context) bool {
	b.next = min(max(2*b.next, time.Second), time.Minute)
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
