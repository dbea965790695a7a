package mqtt

import "github.com/channelwatch/channelwatch/internal/probe"

// The kind's own checks; those of name, connection and TLS are shared.
const (
	refused        probe.CheckID = "mqtt_refused"
	notAuthorized  probe.CheckID = "mqtt_not_authorized"
	versionRefused probe.CheckID = "mqtt_version_refused"
	malformed      probe.CheckID = "mqtt_malformed"
	subRefused     probe.CheckID = "mqtt_subscribe_refused"
	disconnected   probe.CheckID = "mqtt_disconnected"
	rejected       probe.CheckID = "publish_rejected"
	unsent         probe.CheckID = "message_unsent"
	lost           probe.CheckID = "message_lost"
	late           probe.CheckID = "message_late"
	duplicated     probe.CheckID = "message_duplicated"
	corrupted      probe.CheckID = "message_corrupted"
	unacknowledged probe.CheckID = "message_unacknowledged"
)

//nolint:funlen // a table
func checks() []probe.Check {
	return []probe.Check{
		{
			ID: refused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "broker refuses",
			Marketing: "The messaging service turns everybody away, so no messages reach customers.",
			IT:        "The broker answered CONNECT with a refusal; see its reason code in the detail (MQTT 5, section 3.2.2.2) and the broker's log.",
		},
		{
			ID: notAuthorized, Dimension: probe.Reachable, Cap: probe.Poor, Title: "login refused",
			Marketing: "The messaging service rejects our login, so messages from this account do not reach customers.",
			IT:        "CONNACK 0x86, 0x87 or 0x8C: check user name, password or client certificate, and the broker's access list.",
		},
		{
			// The broker may serve customers well in an older version: this is not a verdict on the channel.
			ID: versionRefused, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "MQTT 5 refused",
			Marketing: "We could not measure this: the messaging service does not speak the version of our check.",
			IT:        "The broker refuses protocol version 5; check whether this or another of its listeners can speak it.",
		},
		{
			ID: malformed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "no MQTT on this port",
			Marketing: "The messaging service answers with something that customers' apps cannot read.",
			IT:        "What came back is not a valid MQTT 5 packet of at most 64 KiB; check port, listener and load balancer.",
		},
		{
			ID: subRefused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "subscription refused",
			Marketing: "Customers' apps are not allowed to sign up for these messages.",
			IT:        "The broker answered SUBSCRIBE with a refusal; check its access list for reading this topic.",
		},
		{
			ID: disconnected, Dimension: probe.Reachable, Cap: probe.Good, Title: "was disconnected",
			Marketing: "The messaging service hung up on a waiting customer, who had to connect again.",
			IT:        "A held connection ended since the last probe; check for restarts, idle timeouts of proxies and other clients with the same id.",
		},
		{
			ID: rejected, Dimension: probe.Reachable, Cap: probe.Poor, Title: "message rejected",
			Marketing: "The messaging service does not take our messages, so customers get none.",
			IT:        "The broker answered PUBLISH with a refusal; see its reason code in the detail, and check quota, access list, QoS and size.",
		},
		{
			ID: unsent, Dimension: probe.Reachable, Cap: probe.Poor, Title: "message not taken",
			Marketing: "The messaging service did not take a message in time, so customers did not get it.",
			IT:        "No acknowledgement and no arrival within the window; check whether the broker hangs, and firewalls that drop idle connections.",
		},
		{
			ID: lost, Dimension: probe.Correct, Cap: probe.Poor, Title: "message lost",
			Marketing: "A message was sent and accepted, and never arrived: customers miss it.",
			IT:        "Published without an error but not delivered within the window; check bridge, queue limits and access list of the subscriber.",
		},
		{
			ID: late, Dimension: probe.Fast, Cap: probe.Fair, Title: "message late",
			Marketing: "A message reached customers later than agreed.",
			IT:        "Delivered after the deadline but within the window; check broker queues, bridges and consumers.",
		},
		{
			ID: duplicated, Dimension: probe.Correct, Cap: probe.Fair, Title: "message twice",
			Marketing: "Customers got the same message more than once.",
			IT:        "One publication arrived more than once; check bridges for loops and overlapping subscriptions.",
		},
		{
			ID: corrupted, Dimension: probe.Correct, Cap: probe.Poor, Title: "message garbled",
			Marketing: "A message reached customers with other content than was sent.",
			IT:        "The payload that arrived differs from the one published under the same correlation data; check bridges and rewriting rules.",
		},
		{
			ID: unacknowledged, Dimension: probe.Reachable, Cap: probe.Good, Title: "not confirmed",
			Marketing: "The message arrived, but the sender was not told so, and may send it twice.",
			IT:        "Delivered without PUBACK or PUBCOMP before the deadline; check the broker's load and its queue towards publishers.",
		},
	}
}

// Names of the kind's metrics and of the ways in which a message can end. Every message ends in exactly one.
const (
	messagesTotal = "push_messages_total"
	lastDelivered = "push_last_delivered_timestamp_seconds"

	endedDelivered = "delivered"
	endedLate      = "late"
	endedLost      = "lost"
	endedRejected  = "rejected"
	endedUnsent    = "unsent"
)

// metrics leaves out delivery and acceptance times: the common duration and the phases hold them.
func metrics() []probe.Metric {
	return append(probe.CertificateMetrics(), []probe.Metric{
		{
			Name: messagesTotal, Type: probe.Counter,
			Help:  "Messages by how they ended: delivered by the deadline, late, lost, rejected by the provider, or unsent.",
			Label: "outcome", Values: []string{endedDelivered, endedLate, endedLost, endedRejected, endedUnsent},
		},
		{
			Name: lastDelivered, Type: probe.Gauge,
			Help: "Unix time at which a message last arrived, on time or late.",
		},
	}...)
}
