package webhook

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// conclude turns what became of all messages into the result, which takes as long as the slowest.
func (r *round) conclude() probe.Result {
	c := conclusion{round: r, result: probe.Result{Start: r.start, Evidence: &probe.Evidence{Events: r.events}}}
	slowest := r.messages[0]
	for i, m := range r.messages {
		c.result.Evidence.Exchanges = append(c.result.Evidence.Exchanges, m.response.Exchanges...)
		if c.message(i, m); c.took(m) > c.took(slowest) {
			slowest = m
		}
	}
	c.together()
	c.result.Duration = max(1, c.took(slowest))
	if c.result.Reason != "" || slowest.copies == 0 {
		return c.result
	}
	c.result.Phases.Add(probe.Accept, slowest.response.Duration-lead(slowest.response))
	c.result.Phases.Add(probe.Deliver, c.result.Duration)
	c.result.Detail = fmt.Sprintf("%d webhooks came, the slowest after %v", len(r.order), rounded(c.result.Duration))
	c.result.Slowest = fmt.Sprintf("the webhook came after %v, the answer to its request after %v", rounded(c.result.Duration), rounded(slowest.response.Duration))
	return c.result
}

// conclusion writes a round into a result.
type conclusion struct {
	*round
	result probe.Result
}

func (c *conclusion) found(check probe.CheckID, format string, args ...any) {
	c.result.Findings = append(c.result.Findings, *probe.Findingf(check, format, args...))
}

func (c *conclusion) measure(metric, label string, value float64) {
	c.result.Measurements = append(c.result.Measurements, probe.Measurement{Metric: metric, Label: label, Value: value})
}

// took returns how long a message took, or was waited for.
func (c *conclusion) took(m *message) time.Duration {
	switch {
	case m.copies > 0:
		return max(0, m.after-m.begin.Sub(c.start))
	case !taken(m.response):
		return m.response.Duration
	}
	return c.waited
}

func (c *conclusion) message(i int, m *message) {
	took := c.took(m)
	switch {
	case m.copies == 0 && !taken(m.response):
		c.refused(m)
		return
	case m.copies == 0 && c.waited == 0:
		return // a request after it was refused, and nobody waited for this one
	case m.copies == 0:
		c.measure(messagesTotal, endedLost, 1)
		c.found(lost, "webhook %d of %d did not come within %v%s", i+1, c.count, rounded(took), c.suspects())
		return
	}
	outcome := endedDelivered
	if took > c.Deadline {
		outcome = endedLate
		c.found(late, "webhook %d of %d came after %v, want at most %v", i+1, c.count, rounded(took), c.Deadline)
	}
	c.measure(messagesTotal, outcome, 1)
	c.measure(durationSeconds, "", took.Seconds())
	c.measure(lastDelivered, "", float64(c.start.Add(m.after).UnixMilli())/1000)
	if m.flaw != nil {
		why := causeOfSignature
		if m.flaw.Check == badTime {
			why = causeOfTime
		}
		c.measure(unverifiedTotal, why, 1)
		c.found(m.flaw.Check, "webhook %d of %d: %s", i+1, c.count, m.flaw.Detail)
	}
}

// suspects says that webhooks came meanwhile of which nobody knows whether they were those that are missing.
func (c *conclusion) suspects() string {
	n := c.hook.Broken() - c.broken
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d came that were cut off or larger than 64 KiB", n)
}

// refused is for a request that was not taken, which ends the round.
func (c *conclusion) refused(m *message) {
	c.measure(messagesTotal, endedUnsent, 1)
	c.result.Reason, c.result.Detail = m.response.Reason, m.response.Detail
	if m.response.Reason == "" {
		c.result.Reason, c.result.Detail = triggerRefused, fmt.Sprintf("status %d, want 2xx", m.response.Status)
	}
}

// together notes what only several messages show.
func (c *conclusion) together() {
	copies := c.repeats
	for _, m := range c.messages {
		copies += max(0, m.copies-1)
	}
	if copies > 0 {
		c.measure(duplicatesTotal, "", float64(copies))
		c.found(duplicated, "these webhooks or those of the probe before came %d times more than once", copies)
	}
	overtaken, latest := 0, -1
	for _, i := range c.order {
		if i < latest {
			overtaken++
		}
		latest = max(latest, i)
	}
	if overtaken > 0 {
		c.measure(disorderedTotal, "", float64(overtaken))
		c.found(disordered, "%d of %d webhooks came after one of a later request", overtaken, len(c.order))
	}
	if c.belated > 0 {
		c.found(late, "%d webhooks of earlier probes came after they had been given up", c.belated)
	}
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
