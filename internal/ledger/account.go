package ledger

import (
	"crypto/rand"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// Account is of the messages of one touchpoint that the agent sends itself. It is safe for concurrent use.
type Account struct {
	ledger  *Ledger
	repeats int // messages that were confirmed once more; guarded by the ledger's lock
}

// Account returns a new account.
func (l *Ledger) Account() *Account { return &Account{ledger: l} }

// Entry is one message that waits for its receipt.
type Entry struct {
	ID       string // random, of at least 128 bits, in letters and digits that need no escaping in a URL
	account  *Account
	until    time.Time
	arrivals chan push.Arrival
}

// Arrivals is told once, when the receipt comes.
func (e *Entry) Arrivals() <-chan push.Arrival { return e.arrivals }

// Expect makes the receipt of one message known until the time until. Forget must be called when it is no longer waited
// for.
func (a *Account) Expect(until time.Time) *Entry {
	e := &Entry{ID: rand.Text(), account: a, until: until, arrivals: make(chan push.Arrival, 1)}
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	a.ledger.waiting[e.ID] = e
	return e
}

// Forget ends waiting for e: a receipt that comes from now on is too late.
func (a *Account) Forget(e *Entry) {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	if a.ledger.waiting[e.ID] == e {
		delete(a.ledger.waiting, e.ID)
		a.ledger.past.add(e.ID, expired, a)
	}
}

// TakeRepeats returns how many messages were confirmed once more since it was last called: they arrived twice. Each
// counts once.
func (a *Account) TakeRepeats() int {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	n := a.repeats
	a.repeats = 0
	return n
}
