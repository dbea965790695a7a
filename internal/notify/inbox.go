package notify

import (
	"sync"
	"time"
)

// inbox holds what was handed over until Run takes it: of each alert the last that was said.
type inbox struct {
	filled chan struct{}
	mu     *sync.Mutex
	alerts map[string]report // by fingerprint
}

// report is an alert as it was at a time.
type report struct {
	Alert
	seen time.Time
}

func newInbox() inbox {
	return inbox{filled: make(chan struct{}, 1), mu: new(sync.Mutex), alerts: make(map[string]report)}
}

// put adds alerts. Those beyond mostAlerts are left out; they are said again.
func (b *inbox) put(alerts []Alert, now time.Time) {
	b.mu.Lock()
	for _, a := range alerts {
		key := fingerprint(a.Labels)
		if _, known := b.alerts[key]; known || len(b.alerts) < mostAlerts {
			b.alerts[key] = report{a, now}
		}
	}
	b.mu.Unlock()
	select {
	case b.filled <- struct{}{}:
	default: // Run is going to look anyway
	}
}

// take empties the inbox.
func (b *inbox) take() map[string]report {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.alerts
	b.alerts = make(map[string]report)
	return taken
}
