package push

import (
	"errors"
	"sync"
	"time"
)

const (
	// floodRate is how much a held connection may bring, in bytes per second: a feed that a phone can follow has less.
	floodRate = 1 << 20
	// floodBurst is how much of it may come at once, in bytes.
	floodBurst = 16 << 20
)

// ErrFlood says that a service sends more than anybody subscribes to for a probe.
var ErrFlood = errors.New("more than 16 MiB faster than 1 MiB a second")

// Flood tells a connection that brings much from one that brings too much for an agent with thousands of them. The zero
// value has seen nothing. It is safe for concurrent use.
type Flood struct {
	mu    sync.Mutex
	level int // bytes that came faster than the rate
	at    time.Time
}

// Take notes that n bytes came at now; the error is ErrFlood when that is too much.
func (f *Flood) Take(n int, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	drained := min(now.Sub(f.at), floodBurst/floodRate*time.Second)
	f.level = max(0, f.level-int(drained.Seconds()*floodRate)) + n
	f.at = now
	if f.level > floodBurst {
		return ErrFlood
	}
	return nil
}
