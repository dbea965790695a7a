// Package ledger keeps account of messages that somebody else sees arrive: canary devices and browsers that confirm what
// the agent sent, a customer's own sender and devices, and systems that send webhooks. It listens for all of them on an
// address of its own.
//
// Everybody can send receipts. An id is random, confirms one message once, and ends with the message's window; whatever
// is sent, the answer is the same and memory stays bounded.
//
// It imports forwarded, probe and push only. It has no TLS: that is the reverse proxy's before it.
package ledger

import (
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// maxPast is how many ids of the agent's own messages are remembered when they are no longer waited for, to tell
// a receipt that comes too late or twice from one that nobody ever waited for.
const maxPast = 1024

// Ledger holds the messages that wait for a receipt. It is safe for concurrent use. Make one with New.
type Ledger struct {
	mu      sync.Mutex
	waiting map[string]*Entry // the agent's own messages, by id
	past    past              // of them
	books   []*Book
	pulses  []*Pulse
	hooks   []*Hook
	early   early
	counts  [numOutcomes]uint64
}

// New returns an empty ledger.
func New() *Ledger {
	return &Ledger{waiting: make(map[string]*Entry), past: newPast(maxPast), early: newEarly()}
}

// Confirm takes in the receipt of the message id and reports whether it was waited for.
func (l *Ledger) Confirm(id string, now time.Time) bool {
	return l.take(submission{what: receipt, id: id}, now, func() bool { return true }) == receipt
}

// take takes in what somebody sent, and counts what became of it. welcome is asked when it is of no use, whether its
// sender may send more of that kind.
func (l *Ledger) take(s submission, now time.Time, welcome func() bool) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expireEarly(now)
	o := s.what
	switch s.what {
	case receipt:
		o = l.confirm(s.id, now)
	case report:
		o = l.report(s, now)
	case heartbeat:
		o = l.beat(s, now)
	case webhook:
		o = l.deliver(s, now)
	}
	switch {
	case o < held:
	case !welcome():
		o = limited
	case o == unknown && len(l.books) > 0:
		o = l.early.hold(s.id, now)
	}
	l.counts[o]++
	return o
}

// note counts what became of something that did not come to be taken in.
func (l *Ledger) note(o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[o]++
}

// confirm takes in a receipt. The caller holds the lock.
func (l *Ledger) confirm(id string, now time.Time) outcome {
	if e, ok := l.waiting[id]; ok {
		return l.arrive(e, now)
	}
	if was, twice, ok := l.past.again(id); ok {
		if twice {
			was.account.repeats++
		}
		return was.further
	}
	best := unknown
	for _, b := range l.books {
		best = min(best, b.confirm(id, now)) // books with the same token wait for the same messages
	}
	return best
}

// arrive tells whoever waits for e that it arrived.
func (l *Ledger) arrive(e *Entry, now time.Time) outcome {
	delete(l.waiting, e.ID)
	if now.After(e.until) {
		l.past.add(e.ID, expired, e.account)
		return expired
	}
	l.past.add(e.ID, repeated, e.account)
	e.arrivals <- push.Arrival{At: now, Intact: true}
	return receipt
}
