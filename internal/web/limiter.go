package web

import (
	"sync"
	"time"
)

const (
	probeEvery   = 10 * time.Second // between two probes of one touchpoint that readers ask for
	probesAtOnce = 2
)

// limiter bounds the probes that readers ask for, so that a page cannot be used to burden a channel.
type limiter struct {
	mu      sync.Mutex // guards everything below
	running int
	last    map[string]time.Time // when a touchpoint was last allowed; entries older than probeEvery are forgotten
}

func newLimiter() *limiter { return &limiter{last: make(map[string]time.Time)} }

// allow reports whether the touchpoint with the given key may be probed now, and if not, after which time it may. done must
// be called once the probe has ended.
func (l *limiter) allow(key string, now time.Time) (done func(), wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, at := range l.last {
		if now.Sub(at) >= probeEvery {
			delete(l.last, k)
		}
	}
	if at, found := l.last[key]; found {
		return nil, probeEvery - now.Sub(at), false
	}
	if l.running >= probesAtOnce {
		return nil, time.Second, false
	}
	l.running++
	l.last[key] = now
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running--
	}, 0, true
}

// forget lets the touchpoint with the given key be probed again at once.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, key)
}
