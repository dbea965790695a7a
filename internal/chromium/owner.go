package chromium

import (
	"cmp"
	"math"
	"time"
)

// Why a browser was replaced, as State counts it.
const (
	recycleIdle   = "idle"
	recycleRuns   = "runs"
	recycleAge    = "age"
	recycleMemory = "memory"
	recycleHung   = "hung"
)

// Recycles lists why a browser can be ended to be replaced at the next visit.
func Recycles() []string {
	return []string{recycleAge, recycleHung, recycleIdle, recycleMemory, recycleRuns}
}

// own keeps a browser until it is to end or has ended, and cleans up after it.
func (k *keeper[E]) own(l *lease[E]) {
	defer close(l.ended)
	lost := k.await(l)
	err := l.engine.Close()
	cpu := l.engine.CPU()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.cpu += cpu
	delete(k.live, l)
	if k.current == l {
		k.current = nil
	}
	l.retired = true
	if lost {
		u := l.engine.crash()
		k.counts.failures[u.Check]++
		k.log.Warn("browser ended by itself", "detail", u.Detail)
	}
	if err != nil {
		k.log.Warn("browser left something behind", "error", err)
	}
}

// await returns when a browser is to end, and whether it has done so by itself.
func (k *keeper[E]) await(l *lease[E]) (lost bool) {
	const never = time.Duration(math.MaxInt64)
	after := cmp.Or(k.policy.Idle, never)
	idle := time.NewTimer(after)
	defer idle.Stop()
	for {
		expired := false
		select {
		case <-l.engine.Done():
			return true
		case <-k.stop:
			return false
		case <-l.changed:
			idle.Reset(after)
		case <-idle.C:
			expired = true
		}
		if k.over(l, expired) {
			return false
		}
	}
}

// over tells whether a browser has done its work; expired says that nothing has changed for the idle time.
func (k *keeper[E]) over(l *lease[E], expired bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if expired && l.users == 0 && !l.retired {
		k.retireLocked(l, recycleIdle)
	}
	return l.retired && (l.users == 0 || l.hung)
}
