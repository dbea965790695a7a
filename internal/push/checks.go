package push

import "github.com/channelwatch/channelwatch/internal/probe"

// The checks of messages.
const (
	Rejected       probe.CheckID = "message_rejected"
	Unsent         probe.CheckID = "message_unsent"
	Lost           probe.CheckID = "message_lost"
	Late           probe.CheckID = "message_late"
	Duplicated     probe.CheckID = "message_duplicated"
	Corrupted      probe.CheckID = "message_corrupted"
	Unacknowledged probe.CheckID = "message_unacknowledged"
	Unseen         probe.CheckID = "delivery_unseen"
	Disconnected   probe.CheckID = "receiver_disconnected"
	RateLimited    probe.CheckID = "push_rate_limited"
	BadCredential  probe.CheckID = "push_credential_rejected"
	Gone           probe.CheckID = "push_target_gone"
	Failing        probe.CheckID = "push_provider_failed"
	Stale          probe.CheckID = "push_target_stale"
	Ending         probe.CheckID = "push_credential_ending"
)

// Checks returns the checks of messages with the given ids, for a kind to declare, in the order of this package.
func Checks(ids ...probe.CheckID) []probe.Check {
	var out []probe.Check
	for _, c := range checkTable() {
		for _, id := range ids {
			if c.ID == id {
				out = append(out, c)
			}
		}
	}
	return out
}

// Outcomes returns the ids of the checks that Conclude can find: those of arrivals where somebody can see them, else
// that nobody does.
func Outcomes(watched, unwatched bool) []probe.CheckID {
	ids := []probe.CheckID{Rejected, Unsent, RateLimited, BadCredential, Gone, Failing}
	if watched {
		ids = append(ids, Lost, Late, Duplicated, Corrupted, Unacknowledged)
	}
	if unwatched {
		ids = append(ids, Unseen)
	}
	return ids
}

//nolint:funlen // a table
func checkTable() []probe.Check {
	return []probe.Check{
		{
			ID: Rejected, Dimension: probe.Reachable, Cap: probe.Poor, Title: "message rejected",
			Marketing: "The messaging service does not take our messages, so customers get none.",
			IT:        "The provider answered with a refusal; see its code and reason in the detail, and check quota, permissions, size and fields of the message.",
		},
		{
			ID: Unsent, Dimension: probe.Reachable, Cap: probe.Poor, Title: "message not taken",
			Marketing: "The messaging service did not take a message in time, so customers did not get it.",
			IT:        "No acknowledgement and no arrival within the window; check whether the provider hangs, and firewalls that drop idle connections.",
		},
		{
			ID: Lost, Dimension: probe.Correct, Cap: probe.Poor, Title: "message lost",
			Marketing: "A message was sent and accepted, and never arrived: customers miss it.",
			IT:        "Accepted but not delivered within the window; check bridges and queue limits on the way, and that the receiving device is on, connected and allowed to receive.",
		},
		{
			ID: Late, Dimension: probe.Fast, Cap: probe.Fair, Title: "message late",
			Marketing: "A message reached customers later than agreed.",
			IT:        "Delivered after the deadline but within the window; check queues, priorities, bridges and consumers.",
		},
		{
			ID: Duplicated, Dimension: probe.Correct, Cap: probe.Fair, Title: "message twice",
			Marketing: "Customers got the same message more than once.",
			IT:        "One message arrived more than once; check bridges for loops, retries of senders and overlapping subscriptions.",
		},
		{
			ID: Corrupted, Dimension: probe.Correct, Cap: probe.Poor, Title: "message garbled",
			Marketing: "A message arrived changed or unreadable: customers see something else than was sent, or nothing.",
			IT:        "What arrived differs from what was sent, or cannot be decrypted; check rewriting on the way, and keys of the subscription.",
		},
		{
			ID: Unacknowledged, Dimension: probe.Reachable, Cap: probe.Good, Title: "not confirmed",
			Marketing: "The message arrived, but the sender was not told so, and may send it twice.",
			IT:        "Delivered without the provider's acknowledgement before the deadline; check the provider's load and its queue towards senders.",
		},
		{
			ID: Unseen, Dimension: probe.Correct, Cap: probe.Good, Title: "arrival not seen",
			Marketing: "The messaging service took our message, but nobody saw it arrive.",
			IT:        "Acceptance is all that this touchpoint can see, and providers accept what never arrives; set up a receiver with receipts to rate delivery.",
		},
		{
			ID: Disconnected, Dimension: probe.Reachable, Cap: probe.Good, Title: "was disconnected",
			Marketing: "The messaging service hung up on a waiting customer, who had to connect again.",
			IT:        "A held connection ended since the last probe; check for restarts, idle timeouts of proxies and other clients with the same id.",
		},
		{
			ID: RateLimited, Dimension: probe.Reachable, Cap: probe.Poor, Title: "too many messages",
			Marketing: "The messaging service slows us down: messages wait or are turned away.",
			IT:        "The provider answered that there are too many messages; check the quota and who uses it. The probe waits as long as the provider asks.",
		},
		{
			ID: BadCredential, Dimension: probe.Reachable, Cap: probe.Poor, Title: "sender not accepted",
			Marketing: "The messaging service does not accept us as the sender, so customers get no messages.",
			IT:        "The provider rejects name, key, token or permission; see its reason in the detail, and check user name, key, team, project, clock and what they may be used for.",
		},
		{
			ID: Gone, Dimension: probe.Correct, Cap: probe.Unknown, Title: "test device gone",
			Marketing: "Our test device is no longer registered, so we cannot see whether customers get messages.",
			IT:        "The provider does not know the target's token or subscription, or not in this environment; look at its reason, register the canary anew and replace its file.",
		},
		{
			ID: Failing, Dimension: probe.Reachable, Cap: probe.Poor, Title: "provider fails",
			Marketing: "The messaging service has trouble of its own, so messages do not reach customers.",
			IT:        "The provider answered with an error of its own (5xx); see its status page. The probe waits as its documentation asks.",
		},
		{
			ID: Stale, Dimension: probe.Trusted, Cap: probe.Good, Title: "test device stale",
			Marketing: "Our test device has not checked in for a long time; soon we cannot see whether messages arrive.",
			IT:        "The target's token is a month old, which providers count as stale; check that the canary is on, open its app or browser, and replace the file.",
		},
		{
			ID: Ending, Dimension: probe.Trusted, Cap: probe.Good, Title: "login ends soon",
			Marketing: "The certificate that our test logs in with ends soon; then we cannot see whether messages arrive.",
			IT:        "Less than an eighth of the client certificate's lifetime is left; renew it and replace its file, and see whether customers' senders have one of the same age.",
		},
	}
}
