package receipts

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// concludeBeats turns the heartbeats of a sender into a result, whose duration is the time since the last one.
func (s *settings) concludeBeats(now time.Time, b *ledger.Beats) probe.Result {
	silence := b.Silence.Round(time.Second)
	r := probe.Result{Start: now, Duration: max(b.Silence, 1)}
	last := "none came since the agent began to wait"
	if !b.Last.IsZero() {
		last = "the last one came"
		r.Measurements = append(r.Measurements, probe.Measurement{Metric: push.LastDelivered, Value: unix(b.Last)})
	}
	r.Slowest = fmt.Sprintf("%s %v ago", last, silence)
	switch {
	case b.Last.IsZero() && b.Silence <= s.expect:
		r.Reason, r.Detail = heartbeatAwaited, fmt.Sprintf("%s %v ago, the first is due within %v", last, silence, s.expect)
	case b.Silence > 2*s.expect:
		r.Reason, r.Detail = heartbeatMissing, fmt.Sprintf("%s %v ago, want one every %v at least", last, silence, s.expect)
	case b.Silence > s.expect:
		r.Findings = append(r.Findings, *probe.Findingf(heartbeatLate, "%s %v ago, want one every %v at least", last, silence, s.expect))
	}
	r.Findings = append(r.Findings, s.past(b, r.Reason)...)
	r.Evidence = &probe.Evidence{Events: []probe.Event{
		{Text: fmt.Sprintf("since the last probe %d heartbeats came on time and %d late, and %d did not come; %s", b.OnTime, b.Late, b.Lost, r.Slowest)},
	}}
	return r
}

// past finds what was wrong since the last probe and is over.
func (s *settings) past(b *ledger.Beats, reason probe.Reason) []probe.Finding {
	if reason != "" || b.Silence > s.expect {
		return nil
	}
	switch {
	case b.Lost > 0:
		return []probe.Finding{*probe.Findingf(heartbeatMissing, "%d heartbeats did not come, want one every %v at least; they come again", b.Lost, s.expect)}
	case b.Late > 0:
		return []probe.Finding{*probe.Findingf(heartbeatLate, "%d heartbeats came late, want one every %v at least", b.Late, s.expect)}
	}
	return nil
}
