package push

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Word is what a provider's answer means, whichever provider: a closed list, and the values of a label.
type Word string

// The words. Codes and reasons of providers are in the detail and in the evidence.
const (
	Unanswered         Word = "none"                // no answer
	Accepted           Word = "accepted"            // the provider has the message; that proves no arrival
	Throttled          Word = "throttled"           // 429 and the like: too many
	CredentialRejected Word = "credential_rejected" // 401, 403 and the like: who sends is not allowed to
	TargetGone         Word = "target_gone"         // 404, 410 and the like: the device or browser is gone for good
	TargetInvalid      Word = "target_invalid"      // no such device here: a wrong token, or another environment's
	MessageInvalid     Word = "message_invalid"     // the message itself is not taken
	ProviderFailed     Word = "provider_failed"     // 5xx: the provider's own trouble
	Other              Word = "other"               // an answer that no documentation knows
)

// Words returns all words.
func Words() []string {
	return []string{
		string(Accepted), string(Throttled), string(CredentialRejected), string(TargetGone), string(TargetInvalid), string(MessageInvalid),
		string(ProviderFailed), string(Other), string(Unanswered),
	}
}

// Answer is what a provider said to one message.
type Answer struct {
	Word       Word
	Code       int           // status, or a protocol's own code; 0 for none
	Said       string        // the provider's reason, such as "UNREGISTERED": cut, printable, without secrets; may be empty
	Hint       string        // what the reason may come from, for people; may be empty
	RetryAfter time.Duration // the provider asks, or its documentation says, to wait so long at least; 0 for nothing
}

// String is for people.
func (a Answer) String() string {
	text := "answered"
	if a.Code != 0 {
		text += fmt.Sprintf(" %d", a.Code)
	}
	if a.Said != "" {
		text += " " + a.Said
	}
	if a.Hint != "" {
		text += " (" + a.Hint + ")"
	}
	return text
}

// Check returns the reason of a message that was answered so, which is not Accepted.
func (a Answer) Check() probe.Reason {
	switch a.Word {
	case Throttled:
		return RateLimited
	case CredentialRejected:
		return BadCredential
	case TargetGone, TargetInvalid:
		return Gone
	case ProviderFailed:
		return Failing
	}
	return Rejected
}
