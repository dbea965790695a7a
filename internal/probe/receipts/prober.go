package receipts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober concludes what became of reported messages. It is safe for concurrent use.
type prober struct {
	settings
	book  *ledger.Book
	quota quota
}

// Probe returns at once: what it measures has happened since the probe before.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	if err := cancelled(ctx); err != nil {
		return probe.Result{}, err
	}
	now := time.Now()
	tally := p.book.Settle()
	return p.conclude(now, &tally, p.quota.missing(now, &p.settings, &tally)), nil
}

// cancelled returns an error when nobody wants the result any more: what would be concluded then must be kept.
func cancelled(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("counting receipts: %w", ctx.Err())
	}
	return nil
}

// quota counts what the sender sent, to compare it with what it has to send in each interval.
type quota struct {
	mu    sync.Mutex
	sent  int
	since time.Time // zero: since the book was opened
}

// missing returns how many messages too few were sent since it last counted; 0 for enough. It counts when an interval is
// over, so that a probe between those of the schedule changes nothing.
func (q *quota) missing(now time.Time, s *settings, t *ledger.Tally) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.since.IsZero() {
		q.since = t.Since
	}
	q.sent += t.Sent + t.Refused
	// The schedule's own delay can make an interval a little shorter than agreed.
	if now.Sub(q.since) < s.every*9/10 {
		return 0
	}
	missing := max(0, s.least-q.sent)
	q.sent, q.since = 0, now
	return missing
}

// heartbeats concludes whether a sender is alive. It is safe for concurrent use.
type heartbeats struct {
	settings
	pulse *ledger.Pulse
}

// Probe returns at once.
func (h *heartbeats) Probe(ctx context.Context) (probe.Result, error) {
	if err := cancelled(ctx); err != nil {
		return probe.Result{}, err
	}
	now := time.Now()
	beats := h.pulse.Take()
	return h.concludeBeats(now, &beats), nil
}
