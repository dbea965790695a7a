package websocket

import (
	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The kind's own checks; those of names, connections, TLS and the upgrade's answer are shared.
const (
	refused     probe.CheckID = "websocket_refused"
	subprotocol probe.CheckID = "websocket_subprotocol"
	noPong      probe.CheckID = "websocket_no_pong"
	noMessage   probe.CheckID = "websocket_no_message"
	closed      probe.CheckID = "websocket_closed"
)

// The kind's own metrics.
const (
	pingSeconds   = "websocket_ping_seconds"
	answerSeconds = "websocket_message_seconds"
)

func checks() []probe.Check {
	return append([]probe.Check{
		{
			ID: refused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "live connection refused",
			Marketing: "Customers do not get a live connection: what they see stands still.",
			IT:        "The upgrade was answered with another status than 101; check path, Origin, credentials, and proxies that take upgrades away.",
		},
		{
			ID: subprotocol, Dimension: probe.Correct, Cap: probe.Fair, Title: "subprotocol not agreed",
			Marketing: "The live connection opens, but some of customers' apps will not understand the service.",
			IT:        "The service did not agree to the subprotocol that was asked for; check its list, and proxies that drop Sec-WebSocket-Protocol.",
		},
		{
			ID: noPong, Dimension: probe.Reachable, Cap: probe.Poor, Title: "no sign of life",
			Marketing: "The live connection opens, but nobody is there: what customers see stands still.",
			IT:        "A ping was not answered in time; check the application behind the proxy, its event loop and its load.",
		},
		{
			ID: noMessage, Dimension: probe.Correct, Cap: probe.Poor, Title: "message missing",
			Marketing: "Customers are connected, but the news that they wait for does not come.",
			IT:        "No message with the expected texts came in time; compare with the messages in the evidence, and check what feeds them.",
		},
		{
			ID: closed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "disconnected",
			Marketing: "The service ends customers' live connections before they are of any use.",
			IT:        "The service sent a close frame; look up its code (RFC 6455, section 7.4), and check credentials, limits and the application.",
		},
	}, assert.AssertionChecks()...)
}

func metrics() []probe.Metric {
	return append(probe.CertificateMetrics(),
		probe.Metric{Name: pingSeconds, Help: "Round trip of the last ping over the WebSocket.", Type: probe.Gauge, Momentary: true},
		probe.Metric{
			Name: answerSeconds, Help: "Time from sending, or from the open connection where nothing is sent, to the expected message.",
			Type: probe.Gauge, Momentary: true,
		})
}
