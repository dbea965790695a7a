package mqtt

import (
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// unreached is the result of a probe that could not send because a connection was missing.
func (p *prober) unreached(j *journal, err error) (probe.Result, error) {
	why, ok := errors.AsType[*failure](err)
	if !ok {
		return probe.Result{}, fmt.Errorf("connecting to the broker: %w", err)
	}
	r := j.result()
	r.Reason, r.Detail = why.reason, why.detail
	if why.reason != versionRefused {
		// A broker that speaks an older version was not measured: its messages are nobody's loss.
		r.Measurements = append(r.Measurements, ended(endedUnsent))
	}
	return r, nil
}

// conclude turns the fate of a message into a result. Arrival decides over acceptance: a message that arrived is
// delivered whatever the broker said, one that was accepted and did not arrive is lost.
func (p *prober) conclude(j *journal, s *sent) probe.Result {
	r := j.result()
	if s.accepted && p.qos > 0 {
		r.Phases.Add(probe.Accept, s.accept)
	}
	// A repeat usually comes when its own probe is over: the next one reports it.
	if n := max(0, s.copies-1) + p.inbox.takeRepeats(); n > 0 {
		r.Findings = append(r.Findings, probe.Finding{
			Check: duplicated, Detail: fmt.Sprintf("this message or one before it arrived %d times more than once", n),
		})
	}
	switch {
	case s.arrived():
		p.concludeArrived(&r, s)
	case s.refused != "":
		fail(&r, s.waited, endedRejected, rejected, "PUBLISH answered "+s.refused+", want success")
	case s.accepted:
		detail := fmt.Sprintf("published to %q and not delivered within %v%s", p.topic, rounded(s.waited), aside(s))
		fail(&r, s.waited, endedLost, lost, detail)
	default:
		detail := fmt.Sprintf("no acknowledgement and no arrival after %v%s", rounded(s.waited), aside(s))
		fail(&r, s.waited, endedUnsent, unsent, detail)
	}
	return r
}

func (p *prober) concludeArrived(r *probe.Result, s *sent) {
	r.Duration = s.first
	r.Phases.Add(probe.Deliver, s.first)
	outcome := endedDelivered
	found := func(check probe.CheckID, format string, args ...any) {
		r.Findings = append(r.Findings, probe.Finding{Check: check, Detail: fmt.Sprintf(format, args...)})
	}
	if s.first > p.deadline {
		outcome = endedLate
		found(late, "arrived after %v, want at most %v", rounded(s.first), p.deadline)
	}
	if s.garbled {
		found(corrupted, "the payload that arrived differs from the one that was sent")
	}
	if !s.accepted {
		found(unacknowledged, "arrived after %v, but not acknowledged within %v", rounded(s.first), rounded(s.waited))
	}
	arrived := s.start.Add(s.first)
	r.Measurements = append(r.Measurements, ended(outcome), probe.Measurement{
		Metric: lastDelivered, Value: float64(arrived.UnixMilli()) / 1000,
	})
}

func fail(r *probe.Result, waited time.Duration, outcome string, reason probe.Reason, detail string) {
	r.Duration, r.Reason, r.Detail = waited, reason, detail
	r.Measurements = append(r.Measurements, ended(outcome))
}

func ended(outcome string) probe.Measurement {
	return probe.Measurement{Metric: messagesTotal, Label: outcome, Value: 1}
}

// aside is what else is known of a message that did not arrive.
func aside(s *sent) string {
	text := ""
	if s.note != "" {
		text += "; broker said " + s.note
	}
	if s.broken != "" {
		text += "; " + s.broken
	}
	return text
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
