package push

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// Inbox hands what arrives on a held connection to the probe that sent it, by the random id of the message. What nobody
// sent is ignored. It is safe for concurrent use; the zero value is empty.
type Inbox struct {
	mu       sync.Mutex
	waiting  []*Expected
	finished [4]string // ids of the latest messages that arrived and are no longer waited for
	next     int       // index in finished
	repeats  int       // arrivals of finished messages since they were last taken
}

// Expected is a message that is waited for.
type Expected struct {
	ID       string
	arrivals chan Arrival // holds the first few; more say nothing new
}

// Arrivals is told of the message's deliveries.
func (e *Expected) Arrivals() <-chan Arrival { return e.arrivals }

// Expect makes arrivals of a message known. Forget must be called when it is no longer waited for.
func (in *Inbox) Expect(id string) *Expected {
	e := &Expected{ID: id, arrivals: make(chan Arrival, 4)}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waiting = append(in.waiting, e)
	return e
}

// Forget stops announcing arrivals of e and counts those not yet taken. A message that arrived is remembered, so that
// one more arrival is a repeat; one that never did is not, so that its arrival after the window changes no other result.
func (in *Inbox) Forget(e *Expected, arrived bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waiting = slices.DeleteFunc(in.waiting, func(w *Expected) bool { return w == e })
	if arrived {
		in.repeats += len(e.arrivals)
		in.finished[in.next] = e.ID
		in.next = (in.next + 1) % len(in.finished)
	}
}

// TakeRepeats returns how often finished messages arrived again since it was last called.
func (in *Inbox) TakeRepeats() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := in.repeats
	in.repeats = 0
	return n
}

// Deliver takes in a message with an id, at the time at, and reports whether it was one of ours.
func (in *Inbox) Deliver(id string, at time.Time, intact bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range in.waiting {
		if e.ID == id {
			e.announce(Arrival{At: at, Intact: intact})
			return true
		}
	}
	if id != "" && slices.Contains(in.finished[:], id) {
		in.repeats++
		return true
	}
	return false
}

// DeliverText takes in a text, at the time at, that is a message of ours when the id of one is anywhere in it. intact says
// whether it is as it was sent. It reports whether it was one of ours.
func (in *Inbox) DeliverText(text []byte, at time.Time, intact func(id string) bool) bool {
	holds := func(id string) bool { return id != "" && bytes.Contains(text, []byte(id)) }
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range in.waiting {
		if holds(e.ID) {
			e.announce(Arrival{At: at, Intact: intact(e.ID)})
			return true
		}
	}
	if slices.ContainsFunc(in.finished[:], holds) {
		in.repeats++
		return true
	}
	return false
}

// DeliverUnread takes in a message that cannot be read, such as one that does not decrypt: it belongs to whoever waits
// longest. It reports whether anybody waits.
func (in *Inbox) DeliverUnread(at time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.waiting) == 0 {
		return false
	}
	in.waiting[0].announce(Arrival{At: at})
	return true
}

func (e *Expected) announce(a Arrival) {
	select {
	case e.arrivals <- a:
	default:
	}
}
