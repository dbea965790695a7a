//go:build !nohistory

package history

import (
	"slices"
	"strings"
	"time"
)

// counts are totals since the start, and the last of what is no total.
type counts struct {
	samples       uint64
	refused       [reasons]uint64
	rounds        [outcomes]uint64
	openings      uint64
	corruptBlocks uint64
	repairedLogs  uint64

	openSeconds  float64
	roundSeconds float64
	asideBytes   int64
	freeBytes    int64 // when it was measured last; -1 before
}

// outcome is what became of a round.
type outcome int

const (
	appended outcome = iota
	refused          // the database took none of its samples
	skipped          // something hindered, which the state says
	failed           // the log could not be written
	outcomes
)

func (o outcome) String() string { return [...]string{"appended", "refused", "skipped", "failed"}[o] }

// add adds what a round counts.
func (c *counts) add(more *counts) {
	c.samples += more.samples
	for i, n := range more.refused {
		c.refused[i] += n
	}
}

func (s *Store) count(change func(*counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}

// Status returns how the store is.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	status.Open = s.open != nil
	status.Notice = strings.Join(slices.DeleteFunc([]string{status.Notice, s.remote.notice()}, func(n string) bool { return n == "" }), "; ")
	return status
}

// become changes the state.
func (s *Store) become(state State, why string) { s.change(&obstacle{state: state, why: why}) }

// change changes the state, and logs that, or that there is another cause for it. The words of a cause may change without
// that: they have numbers in them.
func (s *Store) change(to *obstacle) {
	state, why, cause := to.state, to.why, to.why
	if to.cause != nil {
		cause = to.cause.Error()
	}
	s.mu.Lock()
	same := s.status.State == state && s.cause == cause
	s.cause, s.status.Why = cause, why
	if s.status.State != state {
		s.status.State, s.status.Since = state, time.Now()
	}
	s.mu.Unlock()
	switch {
	case same:
	case state == Failed, state == Full, state == Waiting, state == ReadOnly:
		s.log.Error("the history is not recorded", "state", state, "why", why)
	default:
		s.log.Info("history", "state", state)
	}
}

// evaluated is told of every evaluation of rules that recorded something.
func (s *Store) evaluated() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Revision++
}
