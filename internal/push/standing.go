package push

import (
	"fmt"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// How long sends are withheld after a provider's answer.
const (
	credentialPause = 20 * time.Minute // APNs takes a new token no oftener, and nothing changes by asking again
	longestBackoff  = time.Hour        // of doubling, where the provider names no time
	longestObeyed   = 24 * time.Hour   // of a time that the provider names for too many messages
	longestFailing  = time.Hour        // of a time that a failing provider names: it may be back long before
)

// Standing is what a provider's answers mean for the next message of a touchpoint: send it, or withhold it and say why.
// The zero value sends. It is safe for concurrent use.
type Standing struct {
	mu      sync.Mutex
	last    Answer        // that sends are withheld for
	until   time.Time     // zero: until the configuration changes
	held    bool          // sends are withheld
	backoff time.Duration // the last wait that the provider did not name
	target  time.Time     // when the target's file was written, as far as is known
}

// Note draws the consequence of an answer that came at now. every is the touchpoint's interval.
//
// Accepted, and answers about one message only, let the next one go out, whatever they ask for. Too many: what the
// provider asks for, else doubled from the interval up to an hour. A rejected credential: 20 minutes at least. A target
// that is gone or was never there: no message until its file is written anew. A failing provider: what it or its
// documentation asks for, up to an hour, which is all that an outage can be told longer than it was.
func (s *Standing) Note(now time.Time, a Answer, every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Word != Throttled {
		s.backoff = 0
	}
	var wait time.Duration
	switch a.Word {
	case Throttled:
		if wait = min(a.RetryAfter, longestObeyed); wait <= 0 {
			s.backoff = min(max(2*s.backoff, every), longestBackoff)
			wait = s.backoff
		}
	case CredentialRejected:
		wait = max(min(a.RetryAfter, longestObeyed), credentialPause)
	case ProviderFailed:
		wait = min(a.RetryAfter, longestFailing)
	case TargetGone, TargetInvalid:
		s.last, s.held, s.until = a, true, time.Time{}
		return
	}
	s.last, s.held, s.until = a, wait > 0, now.Add(wait)
}

// TargetWritten tells when the file of the target was last written. A target that was gone is tried again when it was
// written since, even with the same content: providers say so of targets that are there, too.
func (s *Standing) TargetWritten(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !at.Equal(s.target) && (s.last.Word == TargetGone || s.last.Word == TargetInvalid) {
		s.held = false
	}
	s.target = at
}

// Withhold reports whether no message must be sent at now, and if so concludes the result of a probe that sent none: its
// reason stays that of the answer, because customers' messages meet the same one.
func (s *Standing) Withhold(now time.Time, r *probe.Result) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.held || !s.until.IsZero() && !now.Before(s.until) {
		return false
	}
	why := SkippedThrottled
	when := fmt.Sprintf("next try in %v", s.until.Sub(now).Round(time.Second))
	switch s.last.Word {
	case TargetGone, TargetInvalid:
		why, when = SkippedTarget, "none follows until its file changes"
	case CredentialRejected:
		why = SkippedCredential
	}
	r.Reason = s.last.Check()
	r.Detail = fmt.Sprintf("no message was sent: the last one was %s; %s", s.last, when)
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: SkippedTotal, Label: why, Value: 1})
	return true
}
