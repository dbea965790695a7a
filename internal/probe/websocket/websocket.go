// Package websocket is the kind that asks of a WebSocket service what an app or a page asks of it: is the upgrade taken,
// is the other side alive (ping), and does the right message come, after a text that is sent or by itself? Live prices,
// chats and order tracking hang on such connections while every page around them is fine.
//
// A connection is opened for every probe and closed with a goodbye behind it. A message counts when it has all texts that
// are expected, so that greetings and other customers' messages do not disturb; of what the service sends, one message
// is kept at a time.
//
// It imports probe, httpx, httpkind, assert and coder/websocket only. It knows no protocol on top of WebSocket.
package websocket

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a websocket touchpoint is told below "with".
type Config struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Where to connect: wss:// or ws://. {{secret}} in it stands for the secret."`
	Headers       map[string]string       `yaml:"headers" doc:"Request headers of the upgrade, such as Origin. Credentials belong into secret_headers."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers of the upgrade with a secret value."`
	Secret        probe.Secret            `yaml:"secret" doc:"What {{secret}} stands for in url and send, such as the token of a login message."`
	Subprotocol   string                  `yaml:"subprotocol" doc:"Subprotocol that is asked for, such as graphql-transport-ws; the service has to agree."`
	Ping          bool                    `yaml:"ping" doc:"Ask with a ping whether the other side is alive, and time the answer. Default: yes."`
	Send          string                  `yaml:"send" doc:"Text that is sent once connected. {{secret}} in it stands for the secret."`
	Expect        []string                `yaml:"expect" doc:"Texts that a message must hold, all of them; messages before it are passed over."`
	Assert        assert.List             `yaml:"assert" doc:"What else is expected of that message, or of the first one where no text is; the status is 101."`
	MaxMessage    int64                   `yaml:"max_message" format:"bytes" min:"1KiB" max:"1MiB" doc:"Largest message that is looked at."`
	Resolver      string                  `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	TLS           httpkind.TLS            `yaml:"tls" doc:"How the certificate is verified."`
}

// Kind returns the kind "websocket".
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "websocket",
		Summary: "Opens a live connection (WebSocket), pings it and waits for the right message: whether prices, chats and order tracking stay live for customers.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: metrics(),
		Floor:   5 * time.Second,
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}

func defaults(probe.ChannelType) Config { return Config{Ping: true, MaxMessage: 64 << 10} }

// limits are for everything from the look-up of the name to the last answer that is waited for: the round trips of a
// call on a new connection, and up to two more. People feel one second as an interruption and lose track at ten (Miller
// 1968, Nielsen 1993); what is live is looked at while it connects, so half a second is excellent.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 500 * time.Millisecond, Good: 1500 * time.Millisecond, Fair: 4 * time.Second}
}
