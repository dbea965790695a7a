package ledger

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// outcome is what became of something that was sent to the ledger, the best first.
type outcome uint8

// The outcomes.
const (
	receipt   outcome = iota // of a message that was waited for
	report                   // of a sender, of a message that it sent
	heartbeat                // of a sender
	webhook                  // of a system, to a hook that is open
	held                     // of a message that may still be reported; decided later
	repeated                 // of a message that was confirmed, or reported, before
	expired                  // of a message that is no longer waited for
	unknown                  // of a message that nobody ever waited for, or waited for long ago
	limited                  // more than there is room for
	malformed
	unauthorized // no such token
	numOutcomes
)

// String returns the outcome as a label says it.
func (o outcome) String() string {
	return [numOutcomes]string{
		"receipt", "report", "heartbeat", "webhook", "held", "repeated", "expired", "unknown", "limited", "malformed", "unauthorized",
	}[o]
}

// Names of what the ledger tells of itself.
const (
	takenName    = "push_receipts_total"
	rejectedName = "push_receipts_rejected_total"
)

// Readings tells how many receipts, reports of senders, heartbeats and webhooks came in. Every series is there from the start.
func (l *Ledger) Readings() []probe.Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expireEarly(time.Now())
	var all []probe.Reading
	for o := range numOutcomes {
		r := probe.Reading{Type: probe.Counter, Value: float64(l.counts[o])}
		switch {
		case o == held:
			continue
		case o < held:
			r.Metric, r.Help = takenName, "Receipts of messages, reports of senders, their heartbeats and webhooks that were taken in."
			r.Labels = []probe.ReadingLabel{{Name: "what", Value: o.String()}}
		default:
			r.Metric, r.Help = rejectedName, "What was sent to the address for receipts and is of no use; the sender is not told."
			r.Labels = []probe.ReadingLabel{{Name: "why", Value: o.String()}}
		}
		all = append(all, r)
	}
	return all
}
