package mqtt

import (
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// The kind's own checks. Those of name, connection and TLS are shared by all kinds, those of messages by push kinds.
const (
	refused        probe.CheckID = "mqtt_refused"
	versionRefused probe.CheckID = "mqtt_version_refused"
	malformed      probe.CheckID = "mqtt_malformed"
	subRefused     probe.CheckID = "mqtt_subscribe_refused"
)

func checks() []probe.Check {
	return append([]probe.Check{
		{
			ID: refused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "broker refuses",
			Marketing: "The messaging service turns everybody away, so no messages reach customers.",
			IT:        "The broker answered CONNECT with a refusal; see its code in the detail (MQTT 5, section 3.2.2.2; 3.1.1, section 3.2.2.3) and its log.",
		},
		{
			// The broker may serve customers well in another version: this is not a verdict on the channel.
			ID: versionRefused, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "version refused",
			Marketing: "We could not measure this: the messaging service does not speak the version of our check.",
			IT:        "The broker refuses this version of MQTT; set version to the other one, or check whether another of its listeners can speak it.",
		},
		{
			ID: malformed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "no MQTT on this port",
			Marketing: "The messaging service answers with something that customers' apps cannot read.",
			IT:        "What came back is not a valid MQTT packet of at most 64 KiB; check port, listener and load balancer.",
		},
		{
			ID: subRefused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "subscription refused",
			Marketing: "Customers' apps are not allowed to sign up for these messages.",
			IT:        "The broker answered SUBSCRIBE with a refusal; check its access list for reading this topic.",
		},
	}, push.Checks(
		push.Rejected, push.RateLimited, push.BadCredential, push.Unsent, push.Lost, push.Late, push.Duplicated, push.Corrupted,
		push.Unacknowledged, push.Disconnected, push.Ending,
	)...)
}

// metricNames returns what every touchpoint of the kind measures; secure ones have certificates, identified ones log in.
func metricNames(secure, identified bool) []string {
	names := append(push.Names(true), push.ReceiverUp, push.ReceiverReconnects)
	if identified {
		names = append(names, push.CredentialOK, push.SkippedTotal)
	}
	if secure {
		names = append(names, push.CredentialExpiry, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return names
}

func metrics() []probe.Metric {
	return append(probe.CertificateMetrics(), push.Metrics(metricNames(true, true)...)...)
}
