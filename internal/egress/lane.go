package egress

import (
	"sync"
	"time"
)

// chunk is how many bytes are carried at a time at most: one record of TLS.
const chunk = 16 << 10

// A line with a rate is shared out in turns of this length. Shorter ones cost processor time, because each is a wake-up or
// two; with longer ones, what is small and urgent waits for the turns of the large.
const turn = 25 * time.Millisecond

// ahead is how early the next turn may be asked for: whoever oversleeps must not leave the line idle.
const ahead = turn

// lane is one direction of the line, shared by all connections of a visit. Its clock is when the last bit that was
// promised will have crossed. It is safe for concurrent use.
type lane struct {
	rate int64 // bit/s; 0 is no limit

	mu   sync.Mutex
	free time.Time
}

// quantum returns how many bytes go at a time: at least a packet.
func (l *lane) quantum() int {
	if l.rate == 0 {
		return chunk
	}
	return int(min(max(l.rate/8*int64(turn)/int64(time.Second), 1460), chunk))
}

// take returns when the last of n bytes will have crossed.
func (l *lane) take(n int, now time.Time) time.Time {
	if l.rate == 0 {
		return now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(float64(n) * 8 / float64(l.rate) * float64(time.Second)))
	return l.free
}
