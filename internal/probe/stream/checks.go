package stream

import (
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// The kind's own checks; those of names, connections, TLS and messages are shared.
const (
	refused   probe.CheckID = "stream_refused"
	malformed probe.CheckID = "stream_malformed"
)

func checks() []probe.Check {
	return append([]probe.Check{
		{
			ID: refused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "subscription refused",
			Marketing: "Customers' apps are not allowed to sign up for these messages.",
			IT:        "The receiver's request was answered with another status than 200, or 101 for WebSocket; check address, permissions and proxies on the way.",
		},
		{
			ID: malformed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "no event stream",
			Marketing: "The messaging service answers with something that customers' apps cannot read.",
			IT:        "The receiver's address answered without an event stream of the configured form; check address, preset and proxies that take upgrades away.",
		},
	}, push.Checks(
		push.Rejected, push.Unsent, push.Lost, push.Late, push.Duplicated, push.Corrupted, push.Unacknowledged, push.Disconnected,
		push.RateLimited, push.BadCredential, push.Failing, push.Ending,
	)...)
}

// names returns the metrics that every touchpoint of the kind exports.
func names() []string {
	return append(push.Names(true), push.ReceiverUp, push.ReceiverReconnects, push.SkippedTotal)
}

func metrics() []probe.Metric {
	return append(probe.CertificateMetrics(), push.Metrics(append(names(), push.CredentialOK, push.CredentialExpiry)...)...)
}
