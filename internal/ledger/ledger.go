// Package ledger keeps account of messages that somebody else sees arrive: canary devices and browsers that confirm what
// the agent sent, and a customer's own sender and devices. It listens for their receipts on an address of its own.
//
// Everybody can send receipts. An id is random, confirms one message once, and ends with the message's window; whatever
// is sent, the answer is the same and memory stays bounded.
//
// It imports probe and push only.
package ledger

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// Ledger holds the messages that wait for a receipt. It is safe for concurrent use. Make one with New.
type Ledger struct {
	mu      sync.Mutex
	waiting map[string]*Entry // by id
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{waiting: make(map[string]*Entry)} }

// Entry is one message that waits for its receipt.
type Entry struct {
	ID       string // random, of at least 128 bits, in letters and digits that need no escaping in a URL
	until    time.Time
	arrivals chan push.Arrival
}

// Arrivals is told once, when the receipt comes.
func (e *Entry) Arrivals() <-chan push.Arrival { return e.arrivals }

// Expect makes the receipt of one message known until the time until. Forget must be called when it is no longer waited
// for.
func (l *Ledger) Expect(until time.Time) *Entry {
	e := &Entry{ID: rand.Text(), until: until, arrivals: make(chan push.Arrival, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[e.ID] = e
	return e
}

// Forget ends waiting for e: its receipt is unknown from now on.
func (l *Ledger) Forget(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, e.ID)
}

// Confirm takes in the receipt of the message id and reports whether it was waited for.
func (l *Ledger) Confirm(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.waiting[id]
	if !ok || now.After(e.until) {
		return false
	}
	delete(l.waiting, id)
	e.arrivals <- push.Arrival{At: now, Intact: true}
	return true
}
