package ledger

import (
	"slices"
	"time"
)

// Pulse is the account of the heartbeats of one sender. It is safe for concurrent use.
type Pulse struct {
	ledger *Ledger // guards all fields with its lock
	token  digest
	beats  Beats
}

// Beats is what came of a sender's heartbeats since its pulse was last taken.
type Beats struct {
	Opened time.Time     // when they began to be listened for
	Last   time.Time     // when one last came, whenever that was; zero before the first
	Count  int           // how many came
	Gap    time.Duration // the longest time before one of them without any, since the pulse was opened or the one before; 0 when none came
}

// OpenPulse listens for heartbeats of the sender that shows the token. Close must be called in the end.
func (l *Ledger) OpenPulse(token string) *Pulse {
	p := &Pulse{ledger: l, token: digestOf(token), beats: Beats{Opened: time.Now()}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pulses = append(l.pulses, p)
	return p
}

// Close forgets the heartbeats. Closing it again does nothing.
func (p *Pulse) Close() {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	p.ledger.pulses = slices.DeleteFunc(p.ledger.pulses, func(other *Pulse) bool { return other == p })
}

// Take returns what came since it was last called.
func (p *Pulse) Take() Beats {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	b := p.beats
	p.beats = Beats{Opened: b.Opened, Last: b.Last}
	return b
}

func (p *Pulse) beat(now time.Time) {
	before := p.beats.Last
	if before.IsZero() {
		before = p.beats.Opened
	}
	p.beats.Gap = max(p.beats.Gap, now.Sub(before))
	p.beats.Last = now
	p.beats.Count++
}

// beat takes in a heartbeat. The caller holds the lock.
func (l *Ledger) beat(s submission, now time.Time) outcome {
	token, best := digestOf(s.token), unauthorized
	for _, p := range l.pulses {
		if p.token.is(&token) {
			p.beat(now)
			best = heartbeat
		}
	}
	return best
}
