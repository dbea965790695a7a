// Package stream is the kind that asks of web push feeds what a push channel is for: a message published now, does it
// arrive, and how late? It publishes over HTTP or WebSocket, and receives as Server-Sent Events, newline-delimited JSON
// or WebSocket messages, on a stream that it holds between probes as customers' devices do.
//
// The text "channelwatch probe" with a random id is put where the configured body has a placeholder. Whatever event has
// that id in it is the message: services wrap messages in forms of their own. A message that was cached or belongs to
// somebody else cannot have a fresh id. Nothing is resumed: Last-Event-ID (HTML, section 9.2) is not sent, because what
// a service has kept back for a stream that broke says nothing about how it delivers. A stream that ended is opened once,
// by the next probe, which says so. A stream counts as open when its header is in, for ntfy when the open event is: a
// service that begins to deliver only after that loses the first message for its customers too.
//
// It imports probe, push, httpx, httpkind and coder/websocket only. It knows no service but ntfy.
package stream

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a stream touchpoint is told below "with".
type Config struct {
	Preset        string                  `yaml:"preset" enum:"plain,ntfy" doc:"ntfy: url is a topic of an ntfy server, and all else is known; plain: any other service."`
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Where messages are published: https:// (or http://) by POST, wss:// (or ws://) by WebSocket. {{secret}} in it stands for the secret."`
	ReceiveURL    string                  `yaml:"receive_url" format:"url" doc:"Where messages arrive, for ntfy its topic; the same as url when it is left out. {{secret}} in it stands for the secret."`
	Receive       string                  `yaml:"receive" enum:"sse,ndjson,websocket" doc:"How messages arrive: Server-Sent Events, a line of JSON each, or WebSocket. Default: ndjson for ntfy, else websocket for wss:// and sse for https://."`
	Body          string                  `yaml:"body" doc:"What is published; {{message}} in it stands for the text of the message, which has a random id."`
	Arrives       string                  `yaml:"arrives" doc:"What must arrive, with {{message}} in it. Default: for ntfy the body, else anything around the message."`
	Subscribe     string                  `yaml:"subscribe" doc:"Text that a WebSocket receiver sends first, for services that want to be told what to deliver. {{secret}} in it stands for the secret."`
	Headers       map[string]string       `yaml:"headers" doc:"Request headers of publishing. Credentials belong into secret_headers."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers with a secret value, for publishing and receiving."`
	Token         probe.Secret            `yaml:"token" doc:"Bearer token, for publishing and receiving."`
	Username      string                  `yaml:"username" doc:"User name of basic authentication, for publishing and receiving."`
	Password      probe.Secret            `yaml:"password" doc:"Password of basic authentication; everybody on the machine must not be able to read its file."`
	Secret        probe.Secret            `yaml:"secret" doc:"What {{secret}} stands for in url, receive_url and subscribe, such as the name of a topic that only its readers know."`
	TLS           httpkind.TLS            `yaml:"tls" doc:"How certificates are verified."`
	Deadline      time.Duration           `yaml:"deadline" doc:"A message that arrives later is late; 5s, or the window where that is shorter, when it is left out."`
	Window        time.Duration           `yaml:"window" doc:"A message that has not arrived by then is lost; four fifths of the timeout when it is left out."`
}

// Kind returns the kind "stream".
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "stream",
		Summary: "Sends a message through a web feed (Server-Sent Events, WebSocket, ntfy) and waits for it: whether live messages reach customers, and how late.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: metrics(),
		Floor:   5 * time.Second,
		Every:   30 * time.Second,
		Timeout: 25 * time.Second,
		Limits:  limits,
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}

func defaults(probe.ChannelType) Config { return Config{Preset: presetPlain, Body: placeMessage} }

// limits are for the time from sending to arrival, and those of all kinds that hold a receiver of their own. A service's
// own share of it is milliseconds, so up to a second is all network, and still feels instant to somebody who has just
// ordered. Five seconds is what people wait for a one-time code before they ask for another. Twenty is the default
// window: whatever arrives at all is at least fair.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: time.Second, Good: 5 * time.Second, Fair: 20 * time.Second}
}
