package receipts

import (
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// The kind's own checks; those of messages are shared.
const (
	noMessages       probe.CheckID = "push_no_messages"
	tooFew           probe.CheckID = "push_too_few_messages"
	stragglers       probe.CheckID = "push_stragglers"
	unfollowed       probe.CheckID = "push_messages_unfollowed"
	heartbeatAwaited probe.CheckID = "heartbeat_awaited"
	heartbeatLate    probe.CheckID = "heartbeat_late"
	heartbeatMissing probe.CheckID = "heartbeat_missing"
)

func checks() []probe.Check {
	return append(push.Checks(push.Lost, push.Late, push.Duplicated), []probe.Check{
		{
			// Nobody was let down, and nobody was served: that says nothing about the channel.
			ID: noMessages, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no messages",
			Marketing: "No message ended since the last look, so there is nothing to rate.",
			IT:        "No reported message was confirmed or given up since the last probe; check the sender if there should be some, and set least.",
		},
		{
			ID: tooFew, Dimension: probe.Reachable, Cap: probe.Poor, Title: "too few messages",
			Marketing: "Fewer messages than agreed were sent to customers.",
			IT:        "The sender reported fewer messages than least; check whether it runs and reports, and push_receipts_rejected_total for what it reports in vain.",
		},
		{
			ID: stragglers, Dimension: probe.Correct, Cap: probe.Good, Title: "a few astray",
			Marketing: "Of many messages a few came late or not at all.",
			IT:        "Fewer messages were late or lost than share allows; see the counts, and check whether it is always the same devices.",
		},
		{
			ID: unfollowed, Dimension: probe.Reachable, Cap: probe.Good, Title: "too many to follow",
			Marketing: "So many messages were sent that we could only follow a part of them.",
			IT:        "More messages were reported than the agent keeps; look at a shorter window or interval, or let the sender report only a part.",
		},
		{
			ID: heartbeatAwaited, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no heartbeat yet",
			Marketing: "We have just begun to watch the sender of messages, and wait for its first sign of life.",
			IT:        "No heartbeat came since the agent began to wait, and none is due yet; look again after the expected time.",
		},
		{
			ID: heartbeatLate, Dimension: probe.Fast, Cap: probe.Fair, Title: "heartbeat late",
			Marketing: "The sender of messages gave its sign of life later than agreed.",
			IT:        "More than the expected time passed between two heartbeats; check the sender's schedule, load and queue.",
		},
		{
			ID: heartbeatMissing, Dimension: probe.Reachable, Cap: probe.Poor, Title: "heartbeat missing",
			Marketing: "The sender of messages gives no sign of life, so customers may get no messages.",
			IT:        "No heartbeat for more than twice the expected time; check whether the sender runs and reaches the address for receipts with its token.",
		},
	}...)
}

func metrics() []probe.Metric { return push.Metrics(messageNames()...) }

// messageNames are the metrics of the mode receipts.
func messageNames() []string {
	return []string{push.MessagesTotal, push.DeliveryDuration, push.LastDelivered, push.DuplicatesTotal, push.Outstanding}
}

// heartbeatNames are the metrics of the mode heartbeat. A heartbeat is no message: nobody took one that did not come, and
// none was lost on its way.
func heartbeatNames() []string { return []string{push.LastDelivered} }
