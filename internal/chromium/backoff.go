package chromium

import (
	"time"
)

// After a browser did not start, the next attempt waits, twice as long each time.
const (
	firstDelay = time.Second
	lastDelay  = 5 * time.Minute
)

// backoff spares a host on which browsers do not start. Its zero value has seen no failure.
type backoff struct {
	delay time.Duration
	until time.Time
	last  *Unavailable
}

func (b *backoff) failed(now time.Time, u *Unavailable) {
	b.delay = min(max(2*b.delay, firstDelay), lastDelay)
	b.until = now.Add(b.delay)
	b.last = u
}

// wait returns the last failure while it is too early for another attempt.
func (b *backoff) wait(now time.Time) error {
	if !now.Before(b.until) {
		return nil
	}
	return unavailable(b.last.Check, "%s (not tried again before %s)", b.last.Detail, b.until.Format(time.TimeOnly))
}
