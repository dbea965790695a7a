//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"time"
)

// A clock that is behind the newest samples is wrong now, as that of a machine without a battery is until it has asked for
// the time, or was wrong then. After patience it was wrong then, unless that would cost more than mostDropped of samples.
const (
	patience    = 10 * time.Minute
	mostDropped = 24 * time.Hour
)

// record appends a round at every multiple of Every until ctx ends or the store has to be opened anew.
func (s *Store) record(ctx context.Context, o *opened) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for every := s.opts.Every; ; {
		timer.Reset(every - time.Duration(time.Now().UnixNano())%every)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if !s.tick(ctx, o, time.Now()) {
			return
		}
	}
}

// tick appends the round that is due at a time of the wall clock, if nothing hinders. It returns false when the store has to
// be opened anew.
func (s *Store) tick(ctx context.Context, o *opened, now time.Time) (goOn bool) {
	select {
	case o.aside = <-o.unreadable:
		return false
	default:
	}
	if err := o.gate.torn(); err != nil {
		return s.endure(o, err)
	}
	at := now.UnixMilli() - now.UnixMilli()%s.opts.Every.Milliseconds()
	hindered := s.hindrance(o, at)
	o.gate.hold(hindered != nil)
	if hindered != nil {
		s.skip(hindered)
		return o.rewind == 0
	}
	if at <= o.last {
		return true // the timer was early, or the clock was set back by less than a round
	}
	if err := s.round(ctx, o, at); err != nil {
		return s.endure(o, err)
	}
	s.become(Ready, "")
	return true
}

// hindrance returns what hinders a round at a time; nil for nothing.
func (s *Store) hindrance(o *opened, at int64) *obstacle {
	every := s.opts.Every
	back := time.Duration(o.last-at) * time.Millisecond
	if back <= every {
		o.behind = 0
		return s.shortage()
	}
	why := fmt.Sprintf("the clock is %v behind the newest sample: nothing is recorded until it reaches %s",
		back, time.UnixMilli(o.last).UTC().Format(time.RFC3339))
	if after(o.db.Blocks(), at) > mostDropped {
		return &obstacle{Waiting, why + "; if it is right, move " + s.opts.Dir + " away", errClockBehind}
	}
	o.behind++
	if time.Duration(o.behind)*every >= patience {
		o.rewind = at
	}
	return &obstacle{Waiting, fmt.Sprintf("%s, or has been behind for %v", why, patience), errClockBehind}
}

// endure does what can be done after a write went wrong: nothing is written until there is reason to hope that it will go
// well, then the store is opened anew. It answers meanwhile. The result is that of tick.
func (s *Store) endure(o *opened, torn error) (goOn bool) {
	now := time.Now()
	if o.retry.IsZero() {
		o.retry = now.Add(s.retries.next(now))
		s.log.Error("the history cannot be written", "error", torn)
	}
	hindered := s.shortage()
	if hindered == nil {
		hindered = writable(s.opts.Dir)
	}
	if hindered == nil && now.Before(o.retry) {
		hindered = &obstacle{Failed, fmt.Sprintf("writing to %s went wrong: %v; it is tried again soon", s.opts.Dir, torn), torn}
	}
	if hindered == nil {
		return false
	}
	s.skip(hindered)
	return true
}

// skip leaves a round out.
func (s *Store) skip(why *obstacle) {
	s.change(why)
	s.count(func(c *counts) { c.rounds[skipped]++ })
}
