package ledger

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"
)

const (
	// maxMessages bounds the messages of a book that are outstanding, or have ended since it was last settled. Reports
	// beyond are refused and counted: the messages that are followed keep their exact times and counts.
	maxMessages = 5000
	// maxFinished bounds the finished messages of a book that are remembered to know one more receipt of them.
	maxFinished = 4096
)

// digest stands for a token, so that tokens of any length are compared in the same time.
type digest [sha256.Size]byte

func digestOf(token string) digest { return sha256.Sum256([]byte(token)) }

func (d *digest) is(other *digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// Book is the account of the messages of one sender that is not the agent. It is safe for concurrent use.
type Book struct {
	ledger *Ledger // guards all fields with its lock
	token  digest
	window time.Duration
	open   map[string]time.Time // when the sending of each was reported
	past   past
	tally  Tally
}

// Tally is what came of a book's messages since it was last settled.
type Tally struct {
	Since         time.Time       // when the book was last settled, or opened
	Sent          int             // messages that were reported as sent
	Delivered     []time.Duration // from the report until the receipt of each message; 0 for one that overtook its report
	Lost          int             // messages whose window is over
	Repeated      int             // messages that were confirmed once more; each counts once
	Refused       int             // reports of messages for which there was no room
	Outstanding   int             // messages that wait for their receipt now, whenever they were sent
	LastDelivered time.Time       // when a receipt last came, whenever that was; zero before the first
}

// OpenBook opens a book for the sender that shows the token. Its messages are lost when no receipt comes within the
// window. Books with the same token all get what its sender reports. Close must be called in the end.
func (l *Ledger) OpenBook(token string, window time.Duration) *Book {
	b := &Book{
		ledger: l, token: digestOf(token), window: window,
		open: make(map[string]time.Time), past: newPast(maxFinished), tally: Tally{Since: time.Now()},
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.books = append(l.books, b)
	return b
}

// Close forgets the book and its messages. Closing it again does nothing.
func (b *Book) Close() {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	b.ledger.books = slices.DeleteFunc(b.ledger.books, func(other *Book) bool { return other == b })
}

// Settle returns what came of the messages since it was last called, and gives up those whose window is over.
func (b *Book) Settle() Tally {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	now := time.Now()
	for id, sent := range b.open {
		if now.Sub(sent) > b.window {
			b.lose(id)
		}
	}
	t := b.tally
	t.Outstanding = len(b.open)
	b.tally = Tally{Since: now, LastDelivered: t.LastDelivered}
	return t
}

// report takes in that a message was sent.
func (b *Book) report(id string, now time.Time) outcome {
	if !isID(id) {
		return malformed
	}
	if _, double := b.open[id]; double {
		return repeated
	}
	if b.past.has(id) {
		return repeated
	}
	if len(b.open)+len(b.tally.Delivered)+b.tally.Lost >= maxMessages {
		b.tally.Refused++
		return limited
	}
	b.open[id] = now
	b.tally.Sent++
	return report
}

// confirm takes in a receipt.
func (b *Book) confirm(id string, now time.Time) outcome {
	sent, ok := b.open[id]
	if !ok {
		was, twice, ok := b.past.again(id)
		if !ok {
			return unknown
		}
		if twice {
			b.tally.Repeated++
		}
		return was.further
	}
	if now.Sub(sent) > b.window {
		b.lose(id)
		return expired
	}
	delete(b.open, id)
	b.past.add(id, repeated, nil)
	b.tally.Delivered = append(b.tally.Delivered, max(0, now.Sub(sent)))
	b.tally.LastDelivered = now
	return receipt
}

func (b *Book) lose(id string) {
	delete(b.open, id)
	b.past.add(id, expired, nil)
	b.tally.Lost++
}

// report takes in that a sender sent a message. The caller holds the lock.
func (l *Ledger) report(s submission, now time.Time) outcome {
	token, best := digestOf(s.token), unauthorized
	for _, b := range l.books {
		if b.token.is(&token) {
			best = min(best, b.report(s.id, now))
		}
	}
	if best != report {
		return best
	}
	if at, ok := l.early.take(s.id); ok {
		l.counts[l.confirm(s.id, at)]++
	}
	return report
}
