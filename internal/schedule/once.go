package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// ErrUnknown is returned for a touchpoint that is not scheduled.
var ErrUnknown = errors.New("no such touchpoint is probed")

// ErrBusy is returned for a touchpoint of a kind with a line of its own, while no more of its probes may run.
var ErrBusy = errors.New("others are being probed that it must not disturb, try again in a moment")

// Once probes a touchpoint now, beside its rhythm, and returns the outcome, which is not reported. It takes no slot of the
// touchpoint's host: the caller limits how often it is called. It takes one of its kind's line, or is refused with ErrBusy.
// It ends by the touchpoint's timeout, with ctx, or when the scheduler stops, whichever is first.
func (s *Scheduler) Once(ctx context.Context, key string) (*Outcome, error) {
	s.mu.Lock()
	e := s.entries[key]
	if e == nil || s.stopping {
		s.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", key, ErrUnknown)
	}
	tp, line := e.tp, e.host
	if line != nil && line.line {
		if line.running >= line.limit {
			s.mu.Unlock()
			return nil, fmt.Errorf("%s: %w", key, ErrBusy)
		}
		line.running++
		defer s.leave(line) //nolint:contextcheck // the probe that waits for the slot has the schedule's context, not the caller's
	}
	s.wg.Add(1) // Stop waits for it, and stopping is set under the lock
	s.mu.Unlock()
	defer s.wg.Done()

	ctx, cancel := context.WithTimeout(ctx, tp.Timeout)
	defer cancel()
	defer context.AfterFunc(s.base, cancel)() //nolint:contextcheck // the base ends all probes, beside the context of the caller
	now := time.Now()
	o := &Outcome{Touchpoint: tp, Due: now, Started: now}
	o.Result, o.Err = guarded(ctx, tp)
	if o.Result.Start.IsZero() {
		o.Result.Start = now
	}
	return o, nil
}

// guarded probes, and turns a panic into an error.
func guarded(ctx context.Context, tp *probe.Touchpoint) (result probe.Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			result, err = probe.Result{}, fmt.Errorf("probing %q: panic: %v", tp.Key(), cause)
		}
	}()
	return tp.Prober.Probe(ctx)
}

// leave gives a slot of a line back.
func (s *Scheduler) leave(line *host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(line)
	s.assign()
}
