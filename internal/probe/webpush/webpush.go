// Package webpush is the kind that asks what browsers' push messages are for: a message sent now, does it arrive, and how
// late? It sends by RFC 8030, encrypted by RFC 8291 and signed by RFC 8292, to a subscription of one of three sorts: the
// agent's own at a push service that speaks the protocol of Mozilla's (receive: self), that of a real browser whose
// service worker confirms what it gets (receipt), or any, where acceptance is all there is to see (none).
//
// A message is sent once and never followed by another try, over a connection of its own. The agent's own receiver is
// held between probes as a browser holds its connection, and is ready before a message is sent.
//
// It imports probe, push, ledger, httpx and the protocol in internal/webpush. Endpoints, keys and ids of receipts are
// capabilities: no result, error or log of this package holds any of them.
package webpush

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// The ways of knowing that a message arrived.
const (
	bySelf    = "self"    // the agent is the receiver
	byReceipt = "receipt" // a browser confirms
	byNobody  = "none"    // acceptance is all that is seen
)

// Config is what a webpush touchpoint is told below "with".
type Config struct {
	Receive          string         `yaml:"receive" required:"true" enum:"self,receipt,none" doc:"Who sees a message arrive: the agent itself at service, the browser of subscription_file by a receipt, or nobody: no better than good."`
	Service          string         `yaml:"service" doc:"Push service of receive: self, of Mozilla's protocol: wss://host, or ws:// on this machine. Its endpoints must be on the same registrable domain."`
	StateFile        string         `yaml:"state_file" pattern:"^/" doc:"File of receive: self that keeps the agent's own subscription, one for each touchpoint, written by the agent; without it every start makes a new subscription."`
	SubscriptionFile string         `yaml:"subscription_file" format:"file" doc:"Subscription of receive: receipt and none, as the browser's PushSubscription.toJSON writes it; everybody on the machine must not be able to read it."`
	VAPIDKeyFile     string         `yaml:"vapid_key_file" format:"file" doc:"Private key that messages are signed with, as PEM or as web-push generate-vapid-keys prints it; everybody on the machine must not be able to read it."`
	Subject          string         `yaml:"subject" doc:"Whom the push service can turn to about these messages, mailto: or https:; needed with vapid_key_file."`
	TTL              *time.Duration `yaml:"ttl" min:"0s" max:"30d" doc:"How long the push service keeps a message for a receiver that is away, in whole seconds; the window when it is left out."`
	Urgency          string         `yaml:"urgency" enum:"very-low,low,normal,high" doc:"How urgent messages are; devices that save power take less urgent ones later."`
	Topic            string         `yaml:"topic" pattern:"^[A-Za-z0-9_-]{1,32}$" doc:"A message replaces one of the same topic that has not been delivered."`
	TLS              tlsFiles       `yaml:"tls" doc:"What https:// and wss:// need beyond the system's authorities."`
	Deadline         time.Duration  `yaml:"deadline" doc:"A message that arrives later is late; 5s, 30s with receive: receipt, or the window where that is shorter, when it is left out."`
	Window           time.Duration  `yaml:"window" doc:"A message that has not arrived by then is lost; four fifths of the timeout when it is left out."`
}

// tlsFiles names what a TLS connection needs beyond the system's own authorities.
type tlsFiles struct {
	CAFile string `yaml:"ca_file" format:"file" doc:"PEM authorities to trust in place of the system's."`
}

// Kind returns the kind "webpush". Browsers confirm messages to receipts.
func Kind(receipts *ledger.Ledger) probe.Kind {
	states := new(claims)
	return probe.Define(probe.Kind{
		Name:        "webpush",
		Summary:     "Sends a push message to a browser and waits for it: whether notifications reach customers, and how late.",
		Sample:      sample,
		Checks:      checks(),
		Metrics:     metrics(),
		Floor:       time.Minute,
		Every:       5 * time.Minute,
		Timeout:     30 * time.Second,
		Limits:      limits,
		OnlyWhenDue: true, // one more message in a minute than the push service expects of this subscription
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, receipts, states) })
}

func defaults(probe.ChannelType) Config { return Config{Urgency: "normal"} }

// canaryDeadline is until when a canary's message is on time: until then its delivery is good, see limitsOf.
const canaryDeadline = 30 * time.Second

// limits are for the time from sending to arrival where the agent is the receiver: it holds its connection open as an app
// of MQTT does, and the limits are the same.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: time.Second, Good: 5 * time.Second, Fair: 20 * time.Second}
}

// limitsOf returns the limits of a way of receiving, where they are not those of the kind. A canary's browser may have to
// be woken by its phone, which dozes, and its receipt has a way of its own. Where nobody sees an arrival the time is that
// of one request and its answer.
func limitsOf(receive string) probe.Limits {
	switch receive {
	case byReceipt:
		return probe.Limits{Excellent: 5 * time.Second, Good: 30 * time.Second, Fair: 5 * time.Minute}
	case byNobody:
		return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
	}
	return probe.Limits{}
}
