// Package tcp is the kind that opens a TCP connection as a customer's device does and, where it is told to, exchanges a
// few bytes on it: what the server says first, what is sent, what comes back. Marketers care because everything that is
// not a page, such as mail, payment terminals and partners' gateways, begins with a connection.
//
// It imports packages probe and httpx. It keeps no connection between probes, sends nothing that it was not told to, and
// reads no more than 64 KiB.
package tcp

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a tcp touchpoint is told below "with".
type Config struct {
	Address  string `yaml:"address" required:"true" doc:"Where to connect to, as host:port."`
	Banner   string `yaml:"banner" format:"regex" doc:"Regular expression (RE2) that must match what the server says before anything is sent. Default: it is not waited for."`
	Send     string `yaml:"send" doc:"Text that is sent as it stands, such as \"PING\\r\\n\". No credentials: it is shown. Default: nothing."`
	Expect   string `yaml:"expect" format:"regex" doc:"Regular expression (RE2) that must match what the server says after that. Default: it is not waited for."`
	Resolver string `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
}

// unexpected is the kind's own check; those of names and connections are shared.
const unexpected probe.CheckID = "tcp_unexpected_answer"

// Kind returns the kind.
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "tcp",
		Summary: "Opens a TCP connection and, if told to, exchanges a few bytes: whether a service that is no website is there for customers.",
		Sample:  sample,
		Checks: []probe.Check{{
			ID: unexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "unexpected answer",
			Marketing: "The service is there, but does not answer as it should.",
			IT:        "What the port said does not match the configured expression; see the detail, and check what listens there.",
		}},
		// Each probe opens a connection that many servers write a line of log about and hold a worker for.
		Floor:   5 * time.Second,
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, func(probe.ChannelType) Config { return Config{} },
		func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}

// limits are for one round trip and a name lookup, whoever waits: 100 ms reach across a continent, 300 ms around the
// world. A second is when a lost SYN is sent again (RFC 6298 section 2.1): what takes longer has lost packets.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 100 * time.Millisecond, Good: 300 * time.Millisecond, Fair: time.Second}
}
