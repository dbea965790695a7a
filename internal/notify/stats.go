package notify

import (
	"slices"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// Stats is how the notifier does. Counters start at 0 with the notifier.
type Stats struct {
	Open      int             // incidents that were told and have not ended
	Receivers []ReceiverStats // one of each type that is configured
}

// ReceiverStats is how all receivers of one type do.
type ReceiverStats struct {
	Receiver string // email or webhook
	Sent     uint64 // messages that arrived
	Failed   uint64 // tries that did not reach everybody
	GivenUp  uint64 // messages that never will
	Pending  int    // messages that wait or are in the air
}

// Stats returns how the notifier does. It is safe for concurrent use.
func (n *Notifier) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// count makes the figures that Stats returns.
func (n *Notifier) count() {
	s := Stats{Open: n.tracker.open()}
	for _, q := range n.queues {
		at := slices.IndexFunc(s.Receivers, func(r ReceiverStats) bool { return r.Receiver == q.kind })
		if at < 0 {
			at = len(s.Receivers)
			s.Receivers = append(s.Receivers, ReceiverStats{Receiver: q.kind})
		}
		r := &s.Receivers[at]
		r.Sent += q.sent
		r.Failed += q.failed
		r.GivenUp += q.givenUp
		r.Pending += len(q.tasks)
	}
	n.mu.Lock()
	n.stats = s
	n.mu.Unlock()
}

// reading is one metric of the notifier.
type reading struct {
	metrics.Family
	of func(ReceiverStats) float64 // nil for one that is not of a receiver
}

func readings() []reading {
	receiver := func(name string, typ metrics.Type, help string, of func(ReceiverStats) float64) reading {
		return reading{metrics.Family{Name: name, Type: typ, Labels: []string{"receiver"}, Help: help}, of}
	}
	return []reading{
		receiver("notify_deliveries_failed_total", metrics.Counter, "Tries to deliver a message that did not reach everybody",
			func(r ReceiverStats) float64 { return float64(r.Failed) }),
		{metrics.Family{
			Name: "notify_incidents_open", Type: metrics.Gauge, Help: "Incidents that people were told of and that have not ended",
		}, nil},
		receiver("notify_messages_given_up_total", metrics.Counter, "Messages that could not be delivered and are not tried any more",
			func(r ReceiverStats) float64 { return float64(r.GivenUp) }),
		receiver("notify_messages_pending", metrics.Gauge, "Messages that wait to be delivered",
			func(r ReceiverStats) float64 { return float64(r.Pending) }),
		receiver("notify_messages_sent_total", metrics.Counter, "Messages that were delivered",
			func(r ReceiverStats) float64 { return float64(r.Sent) }),
	}
}

// Describe returns all metrics of a notifier, sorted by name.
func Describe() []metrics.Family {
	var all []metrics.Family
	for _, r := range readings() {
		all = append(all, r.Family)
	}
	return all
}

// Readings returns Stats as metrics. It is safe for concurrent use.
func (n *Notifier) Readings() []metrics.Reading {
	s := n.Stats()
	var all []metrics.Reading
	for _, r := range readings() {
		if r.of == nil {
			all = append(all, metrics.Reading{Name: r.Name, Help: r.Help, Type: r.Type, Value: float64(s.Open)})
			continue
		}
		for _, of := range s.Receivers {
			all = append(all, metrics.Reading{
				Name: r.Name, Help: r.Help, Type: r.Type, Value: r.of(of),
				Labels: []metrics.Label{{Name: "receiver", Value: of.Receiver}},
			})
		}
	}
	return all
}
