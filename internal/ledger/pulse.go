package ledger

import (
	"slices"
	"time"
)

// Pulse is the account of the heartbeats of one sender. It is safe for concurrent use.
type Pulse struct {
	ledger *Ledger // guards all fields with its lock
	token  digest
	expect time.Duration
	beats  Beats
	opened time.Time
	missed int // heartbeats that were counted as lost since the last one came
}

// Beats is what came of a sender's heartbeats since its pulse was last taken. One is due at the latest when the expected
// time has passed since the one before. It is late until the next one is due, and lost then.
type Beats struct {
	OnTime  int
	Late    int
	Lost    int
	Last    time.Time     // when one last came, whenever that was; zero before the first
	Silence time.Duration // since the last one, or since they are waited for
}

// OpenPulse waits for heartbeats of the sender that shows the token, of which each is due within expect of the one
// before. Close must be called in the end.
func (l *Ledger) OpenPulse(token string, expect time.Duration) *Pulse {
	p := &Pulse{ledger: l, token: digestOf(token), expect: expect, opened: time.Now()}
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
	p.miss(time.Now())
	b := p.beats
	p.beats = Beats{Last: b.Last}
	return b
}

func (p *Pulse) beat(now time.Time) {
	p.miss(now)
	if p.beats.Silence > p.expect {
		p.beats.Late++
	} else {
		p.beats.OnTime++
	}
	p.beats.Last, p.missed = now, 0
}

// miss notes how long it has been silent until now, and the heartbeats that were lost meanwhile.
func (p *Pulse) miss(now time.Time) {
	since := p.beats.Last
	if since.IsZero() {
		since = p.opened
	}
	p.beats.Silence = max(0, now.Sub(since))
	// The first is lost when more than twice the expected time has passed, the next after once more.
	missed := max(0, int((p.beats.Silence-1)/p.expect)-1)
	p.beats.Lost += missed - p.missed
	p.missed = missed
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
