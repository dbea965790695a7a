package webhook

import "github.com/channelwatch/channelwatch/internal/probe"

// The kind's own checks.
const (
	triggerRefused probe.CheckID = "webhook_trigger_refused"
	lost           probe.CheckID = "webhook_lost"
	late           probe.CheckID = "webhook_late"
	duplicated     probe.CheckID = "webhook_duplicated"
	disordered     probe.CheckID = "webhook_disordered"
	badSignature   probe.CheckID = "webhook_signature_wrong"
	badTime        probe.CheckID = "webhook_time_wrong"
)

// Names of the kind's own metrics.
const (
	messagesTotal    = "webhook_messages_total"
	durationSeconds  = "webhook_duration_seconds"
	duplicatesTotal  = "webhook_duplicates_total"
	disorderedTotal  = "webhook_disordered_total"
	unverifiedTotal  = "webhook_unverified_total"
	lastDelivered    = "webhook_last_delivered_timestamp_seconds"
	endedDelivered   = "delivered"
	endedLate        = "late"
	endedLost        = "lost"
	endedUnsent      = "unsent"
	causeOfSignature = "signature"
	causeOfTime      = "time"
)

func checks() []probe.Check {
	return []probe.Check{
		{
			ID: triggerRefused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "request not taken",
			Marketing: "The other system does not take what customers ask of it.",
			IT:        "The request that should set off a webhook was not answered with 2xx; check its status, the credentials and the body.",
		},
		{
			ID: lost, Dimension: probe.Correct, Cap: probe.Poor, Title: "webhook lost",
			Marketing: "Something happened and we were not told: customers who paid may get nothing.",
			IT:        "No webhook with the marker came within the window; check the subscription and its address, the sender's log, and the reverse proxy.",
		},
		{
			ID: late, Dimension: probe.Fast, Cap: probe.Fair, Title: "webhook late",
			Marketing: "We are told later than agreed, so customers wait for their confirmation.",
			IT:        "The webhook came after the deadline; check the sender's queue and its retries.",
		},
		{
			ID: duplicated, Dimension: probe.Correct, Cap: probe.Good, Title: "webhook twice",
			Marketing: "We are told the same thing twice, which must not be done twice.",
			IT:        "A webhook came more than once; senders retry what was not answered in time, so see that receivers know what they have had.",
		},
		{
			ID: disordered, Dimension: probe.Correct, Cap: probe.Good, Title: "webhooks overtake",
			Marketing: "We are told things in another order than they happened.",
			IT:        "A webhook came after one of a later request; check that receivers rely on what webhooks say, not on their order.",
		},
		{
			ID: badSignature, Dimension: probe.Trusted, Cap: probe.Poor, Title: "signature wrong",
			Marketing: "Systems that look closely refuse what we are told, because anybody could have said it.",
			IT:        "The signature is missing or does not fit body and key; check the key, the scheme, and proxies that rewrite bodies.",
		},
		{
			ID: badTime, Dimension: probe.Trusted, Cap: probe.Poor, Title: "webhook out of time",
			Marketing: "Systems that look closely refuse what we are told, because it may be an old message.",
			IT:        "The signed time is further from the agent's than tolerated; check both clocks, and retries that keep their first time.",
		},
	}
}

func metrics() []probe.Metric {
	return []probe.Metric{
		{
			Name: messagesTotal, Type: probe.Counter,
			Help:  "Requests by what came of their webhooks: delivered by the deadline, late, lost, or unsent: the request was not taken.",
			Label: "outcome", Values: []string{endedDelivered, endedLate, endedLost, endedUnsent},
		},
		{
			Name: durationSeconds, Type: probe.Histogram,
			Help:    "Time from the request until its webhook was in, late ones included. Lost ones are not in it.",
			Buckets: []float64{0.05, 0.25, 1, 5, 20, 60, 300},
		},
		{Name: duplicatesTotal, Type: probe.Counter, Help: "Webhooks that had come before."},
		{Name: disorderedTotal, Type: probe.Counter, Help: "Webhooks that came after one of a later request."},
		{
			Name: unverifiedTotal, Type: probe.Counter, Label: "why", Values: []string{causeOfSignature, causeOfTime},
			Help: "Webhooks that receivers should refuse: their signature is wrong, or their time is not near.",
		},
		{Name: lastDelivered, Type: probe.Gauge, Help: "Unix time at which a webhook last came, on time or late."},
	}
}

// names returns the metrics of every touchpoint.
func names() []string {
	return []string{messagesTotal, durationSeconds, duplicatesTotal, disorderedTotal, unverifiedTotal, lastDelivered}
}
