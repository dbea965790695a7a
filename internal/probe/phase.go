package probe

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// Phase is one stretch of the time that a probe took, in words that all kinds share.
type Phase uint8

// The phases of a request in the order in which they happen, then those of a message, then those of a page in a browser
// after its first byte: with them the phases add up to its Largest Contentful Paint (web.dev, optimise LCP).
// The first six follow W3C Resource Timing; QUIC has one handshake phase, which is TLS.
const (
	Resolve  Phase = iota // name to address (domainLookup)
	Connect               // TCP handshake (connect, without TLS)
	TLS                   // TLS handshake (secureConnection)
	Send                  // writing the request
	Wait                  // request written to first response byte
	Receive               // first response byte to the end of the body
	Accept                // message sent to the provider's acknowledgement
	Deliver               // message sent to its arrival at the receiver
	Discover              // first byte of the page until its largest content began to load (resource load delay)
	Load                  // the largest content's own load (resource load duration)
	Render                // loaded until painted (element render delay)
	NumPhases
)

// String returns the lower-case word.
func (p Phase) String() string {
	switch p {
	case Resolve:
		return "resolve"
	case Connect:
		return "connect"
	case TLS:
		return "tls"
	case Send:
		return "send"
	case Wait:
		return "wait"
	case Receive:
		return "receive"
	case Accept:
		return "accept"
	case Deliver:
		return "deliver"
	case Discover:
		return "discover"
	case Load:
		return "load"
	case Render:
		return "render"
	}
	return fmt.Sprintf("phase(%d)", p)
}

// Phases holds the durations of the phases that a probe reached. A phase that it did not reach is absent, never 0.
// The zero value holds none. It is a plain value: copies are independent.
type Phases struct {
	reached  uint16
	duration [NumPhases]time.Duration
}

// Add adds d to phase p and marks it as reached; over redirects the phases of all hops add up.
func (ps *Phases) Add(p Phase, d time.Duration) {
	ps.reached |= 1 << p
	ps.duration[p] += d
}

// Get returns the duration of p and whether it was reached.
func (ps *Phases) Get(p Phase) (time.Duration, bool) {
	return ps.duration[p], ps.reached&(1<<p) != 0
}

// AddAll adds every reached phase of other.
func (ps *Phases) AddAll(other *Phases) {
	for p := range NumPhases {
		if d, ok := other.Get(p); ok {
			ps.Add(p, d)
		}
	}
}

// Span is when a phase began, since the start of the probe, and how long it took.
type Span struct{ Start, Duration time.Duration }

// Spans returns the reached phases in their order, each from where the one before ended, as a waterfall shows them. A
// message is on its way to its receiver while its sender waits for the acknowledgement: Accept and Deliver begin
// together.
func (ps *Phases) Spans() iter.Seq2[Phase, Span] {
	return func(yield func(Phase, Span) bool) {
		var end time.Duration
		for p := range NumPhases {
			d, ok := ps.Get(p)
			if !ok {
				continue
			}
			start := end
			if accept, ok := ps.Get(Accept); ok && p == Deliver {
				start -= accept
			}
			if !yield(p, Span{start, d}) {
				return
			}
			end = max(end, start+d)
		}
	}
}

// Longest returns the reached phase that took the longest; false when none was reached.
func (ps *Phases) Longest() (Phase, bool) {
	best, found := Phase(0), false
	for p := range NumPhases {
		if d, ok := ps.Get(p); ok && (!found || d > ps.duration[best]) {
			best, found = p, true
		}
	}
	return best, found
}

// Sum returns the total of the reached phases.
func (ps *Phases) Sum() time.Duration {
	var sum time.Duration
	for _, d := range ps.duration {
		sum += d
	}
	return sum
}

// MarshalJSON writes the reached phases as an object of seconds.
func (ps Phases) MarshalJSON() ([]byte, error) {
	out := make(map[string]float64, NumPhases)
	for p := range NumPhases {
		if d, ok := ps.Get(p); ok {
			out[p.String()] = d.Seconds()
		}
	}
	return json.Marshal(out)
}
