package ledger

import "time"

// Bounds of receipts that are held because they may have overtaken the report of their sender. Nobody has to show
// a token for a receipt: what is held beyond these bounds is dropped and counted as limited.
const (
	maxEarly  = 4096
	holdEarly = 10 * time.Second // a sender that reports when it has sent is done by then
)

// early holds receipts of messages that nobody reported yet, in the order in which they came.
type early struct {
	at    map[string]time.Time // when each came
	queue []string             // ids, the oldest first; some may have been taken meanwhile
}

func newEarly() early { return early{at: make(map[string]time.Time)} }

// hold keeps a receipt for a while, in case that its message is reported.
func (e *early) hold(id string, now time.Time) outcome {
	if _, double := e.at[id]; double {
		return repeated
	}
	if len(e.queue) >= maxEarly {
		return limited
	}
	e.at[id] = now
	e.queue = append(e.queue, id)
	return held
}

// take returns when the receipt of a message came, if it is held, and holds it no longer.
func (e *early) take(id string) (at time.Time, ok bool) {
	at, ok = e.at[id]
	delete(e.at, id)
	return at, ok
}

// expire drops what was held long enough and returns how many of them nobody wanted.
func (e *early) expire(now time.Time) int {
	unwanted, n := 0, 0
	for _, id := range e.queue {
		at, ok := e.at[id]
		if ok && now.Sub(at) < holdEarly {
			break
		}
		if ok {
			unwanted++
			delete(e.at, id)
		}
		n++
	}
	clear(e.queue[:n])
	e.queue = e.queue[n:]
	return unwanted
}

// expireEarly drops the receipts that were held in vain. The caller holds the lock.
func (l *Ledger) expireEarly(now time.Time) {
	l.counts[unknown] += uint64(l.early.expire(now))
}
