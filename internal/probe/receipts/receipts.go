// Package receipts is the kind for messages that the agent does not send itself: a sender of the company's own tells it
// what was sent, devices tell it what arrived, and each probe concludes what became of the messages since the one
// before. Of a sender that only shows that it is alive, it takes heartbeats.
//
// Many messages are judged as one: by the time within which a share of them arrived, by default 95 of 100. A mean would
// hide the customers who wait, and the slowest of a thousand is usually a phone that is off. Of fewer than 20 messages
// the share is all of them.
//
// Nothing sent is neither good nor bad, because nobody was let down: the result is unknown, unless a least number of
// messages is agreed.
//
// The package imports probe, push and ledger only. It opens no connection. Ids of messages and the sender's token are
// secrets: no result, error or log of it holds any of them.
package receipts

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// The modes.
const (
	byMessage   = "receipts"  // the sender reports messages, devices confirm them
	byHeartbeat = "heartbeat" // the sender shows that it is alive
)

// Config is what a receipts touchpoint is told below "with".
type Config struct {
	Mode     string        `yaml:"mode" enum:"receipts,heartbeat" doc:"receipts: a sender reports each message and devices confirm them; heartbeat: a sender shows now and then that it is alive."`
	Token    probe.Secret  `yaml:"token" required:"true" doc:"What the sender shows as Authorization: Bearer, at least 16 characters; everybody on the machine must not be able to read its file."`
	Deadline time.Duration `yaml:"deadline" min:"0s" doc:"A message whose receipt comes later is late; 30s, or the window where that is shorter, when it is left out. Of mode receipts."`
	Window   time.Duration `yaml:"window" min:"0s" max:"7d" doc:"A message without a receipt by then is lost; 5m when it is left out. Of mode receipts."`
	Share    float64       `yaml:"share" min:"0" max:"1" doc:"Share of the messages that have to arrive, and on time; 0.95 when it is left out, which is all when there are fewer than 20. Of mode receipts."`
	Least    int           `yaml:"least" min:"0" max:"1000" doc:"How many messages the sender has to send from one probe to the next; none when it is left out. Of mode receipts."`
	Expect   time.Duration `yaml:"expect" min:"0s" max:"32d" doc:"How long after the last heartbeat the next one comes at the latest; after twice as long it is missing. Of mode heartbeat."`
}

// Kind returns the kind "receipts". Senders and devices write to book.
func Kind(book *ledger.Ledger) probe.Kind {
	return probe.Define(probe.Kind{
		Name:        "receipts",
		Summary:     "Takes receipts for messages of your own sender: whether what is sent to customers' devices arrives, and how late.",
		Sample:      sample,
		Checks:      checks(),
		Metrics:     metrics(),
		Floor:       10 * time.Second,
		Every:       time.Minute,
		Timeout:     5 * time.Second,
		Limits:      limits,
		OnlyWhenDue: true, // asking again concludes nothing: what happened is in the result before
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, book) })
}

func defaults(probe.ChannelType) Config { return Config{Mode: byMessage} }

// limits are for the time from a message's report to its receipt, which takes the device's own connection too. They are
// those of the kinds that send to canary devices.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 5 * time.Second, Good: 30 * time.Second, Fair: 5 * time.Minute}
}
