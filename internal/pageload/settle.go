package pageload

import (
	"context"
	"time"
)

// Settle waits until the page has come to rest: it was loaded, nothing was under way for Options.Quiet, and Options.Least
// has passed since the navigation. It reports whether it did before ctx ended. What a page holds open by design, such as
// a WebSocket, is not waited for.
func (p *Page) Settle(ctx context.Context) bool {
	p.settled = p.rest(ctx)
	p.ended = time.Now()
	return p.settled
}

func (p *Page) rest(ctx context.Context) bool {
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		left, known := p.journal.restsIn(time.Now(), p.options.Quiet, p.options.Least)
		switch {
		case known && left <= 0:
			return true
		case known:
			due.Reset(left)
		default:
			due.Stop()
		}
		select {
		case <-due.C:
		case <-p.journal.moved:
		case <-p.tab.Crashed():
			return false
		case <-p.tab.Conn().Done():
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// restsIn returns how long it takes until the page has settled if nothing happens meanwhile; false when something has to
// happen first.
func (j *journal) restsIn(now time.Time, quiet, least time.Duration) (time.Duration, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.now
	if !c.loaded || c.open > 0 || c.overflow || j.next != nil {
		return 0, false
	}
	return max(c.touched.Add(quiet).Sub(now), c.arrived.Add(least).Sub(now)), true
}
