package push

import "github.com/channelwatch/channelwatch/internal/probe"

// Names of the metrics of messages.
const (
	MessagesTotal          = "push_messages_total"
	UnacknowledgedTotal    = "push_unacknowledged_deliveries_total"
	AcceptDuration         = "push_accept_duration_seconds"
	DeliveryDuration       = "push_delivery_duration_seconds"
	ProviderResponsesTotal = "push_provider_responses_total"
	LastAccepted           = "push_last_accepted_timestamp_seconds"
	LastDelivered          = "push_last_delivered_timestamp_seconds"
	DuplicatesTotal        = "push_duplicates_total"
	CorruptedTotal         = "push_corrupted_total"
	ReceiverUp             = "push_receiver_up"
	ReceiverReconnects     = "push_receiver_reconnects_total"
	SkippedTotal           = "push_skipped_total"
	Outstanding            = "push_outstanding_messages"
	CredentialOK           = "push_credential_ok"
	CredentialExpiry       = "push_credential_expiry_timestamp_seconds"
	TargetValid            = "push_target_valid"
	TargetRefreshed        = "push_target_refreshed_timestamp_seconds"
)

// The ways in which a message can end. Every message ends in exactly one.
const (
	EndedDelivered = "delivered"
	EndedLate      = "late"
	EndedCorrupted = "corrupted" // arrived, and not as it was sent
	EndedLost      = "lost"
	EndedRejected  = "rejected"
	EndedUnsent    = "unsent"
	EndedUnseen    = "unseen" // accepted where nobody can see it arrive
)

// Why a message was withheld on purpose.
const (
	SkippedThrottled  = "throttled"
	SkippedCredential = "credential"
	SkippedTarget     = "target_invalid"
)

// What a credential's expiry is of.
const (
	ExpiryClientCert  = "tls_client"
	ExpiryServerCert  = "tls_server"
	ExpiryAccessToken = "access_token"
)

// metricTable returns all metrics of messages.
func metricTable() []probe.Metric {
	return []probe.Metric{
		{
			Name: MessagesTotal, Type: probe.Counter,
			Help:  "Messages by how they ended: delivered by the deadline, late, corrupted, lost, rejected by the provider, unsent, or unseen: accepted where nobody can see them arrive.",
			Label: "outcome", Values: []string{EndedDelivered, EndedLate, EndedCorrupted, EndedLost, EndedRejected, EndedUnsent, EndedUnseen},
		},
		{
			Name: AcceptDuration, Type: probe.Histogram,
			Help:    "Time from sending a message until the provider took it.",
			Buckets: []float64{0.01, 0.05, 0.25, 1, 5, 20},
		},
		{
			Name: DeliveryDuration, Type: probe.Histogram,
			Help:    "Time from sending a message until it arrived, late ones included. With receipts it is until the receipt came: an upper bound. Lost and corrupted ones are not in it.",
			Buckets: []float64{0.005, 0.05, 0.25, 1, 5, 20, 30, 60, 300, 1800},
		},
		{
			Name: ProviderResponsesTotal, Type: probe.Counter, Unrated: true,
			Help:  "What providers answered to messages, in words that hold for all of them; none: there was no answer.",
			Label: "answer", Values: Words(),
		},
		{Name: UnacknowledgedTotal, Type: probe.Counter, Help: "Messages that arrived although no acceptance was seen."},
		{Name: LastAccepted, Type: probe.Gauge, Help: "Unix time at which a provider last took a message."},
		{Name: LastDelivered, Type: probe.Gauge, Help: "Unix time at which a message last arrived as it was sent, on time or late."},
		{Name: DuplicatesTotal, Type: probe.Counter, Unrated: true, Help: "Arrivals of messages that had arrived before."},
		{Name: CorruptedTotal, Type: probe.Counter, Help: "Arrivals with other content than was sent, or that could not be decrypted."},
		{Name: ReceiverUp, Type: probe.Gauge, Unrated: true, Help: "Whether the agent's own receiver was ready when a message was last due: 1 or 0."},
		{Name: ReceiverReconnects, Type: probe.Counter, Unrated: true, Help: "How often the agent's own receiver had to connect again."},
		{
			Name: SkippedTotal, Type: probe.Counter, Unrated: true,
			Help:  "Messages withheld on purpose: the provider asked to wait, rejects the credential, or says that the target is gone.",
			Label: "why", Values: []string{SkippedThrottled, SkippedCredential, SkippedTarget},
		},
		{Name: Outstanding, Type: probe.Gauge, Unrated: true, Help: "Messages that were sent and are neither confirmed nor given up."},
		{Name: CredentialOK, Type: probe.Gauge, Unrated: true, Help: "The provider's last verdict on the credential: 1 taken, 0 rejected; absent until there is one."},
		{
			Name: CredentialExpiry, Type: probe.Gauge, Unrated: true,
			Help:  "Unix time at which a credential ends. Keys without an end, such as those of APNs and VAPID, have none.",
			Label: "what", Values: []string{ExpiryClientCert, ExpiryServerCert, ExpiryAccessToken},
		},
		{Name: TargetValid, Type: probe.Gauge, Unrated: true, Help: "Whether the provider knows the device or subscription that messages go to: 1, or 0 once it said no."},
		{Name: TargetRefreshed, Type: probe.Gauge, Unrated: true, Help: "Unix time at which the file with the device's token or subscription was last written."},
	}
}

// Metrics returns the named metrics, for a kind to declare, in the order of this package.
func Metrics(names ...string) []probe.Metric {
	var out []probe.Metric
	for _, m := range metricTable() {
		for _, name := range names {
			if m.Name == name {
				out = append(out, m)
			}
		}
	}
	return out
}

// Names returns the metrics that Conclude measures: those of arrivals where somebody sees them.
func Names(watched bool) []string {
	names := []string{MessagesTotal, AcceptDuration, ProviderResponsesTotal, LastAccepted}
	if watched {
		names = append(names, DeliveryDuration, UnacknowledgedTotal, LastDelivered, DuplicatesTotal, CorruptedTotal)
	}
	return names
}
