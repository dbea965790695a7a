package receipts

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// conclude turns what became of messages into a result. missing is how many too few were sent.
func (s *settings) conclude(now time.Time, t *ledger.Tally, missing int) probe.Result {
	slices.Sort(t.Delivered)
	c := conclusion{settings: s, Tally: t, r: &probe.Result{Start: now}}
	c.late, _ = slices.BinarySearch(t.Delivered, s.deadline+1)
	c.late = len(t.Delivered) - c.late
	c.ended = len(t.Delivered) + t.Lost
	// The smallest number of messages that is the share of all; the rounding of a product must not make it one more.
	c.must = int(math.Ceil(s.share*float64(c.ended) - 1e-9))
	c.count()
	c.judge(missing)
	c.r.Evidence = &probe.Evidence{Events: []probe.Event{{Text: c.since(now)}, {Text: c.counts()}}}
	return *c.r
}

// conclusion writes what became of messages into a result.
type conclusion struct {
	*settings
	*ledger.Tally
	r     *probe.Result
	ended int // messages that were confirmed or given up
	late  int // of those
	must  int // how many of those had to arrive on time
}

func (c *conclusion) found(check probe.CheckID, format string, args ...any) {
	c.r.Findings = append(c.r.Findings, *probe.Findingf(check, format, args...))
}

func (c *conclusion) measure(metric, label string, value float64) {
	c.r.Measurements = append(c.r.Measurements, probe.Measurement{Metric: metric, Label: label, Value: value})
}

// count measures everything, whatever comes of it.
func (c *conclusion) count() {
	c.r.Measurements = make([]probe.Measurement, 0, len(c.Delivered)+6)
	c.measure(push.Outstanding, "", float64(c.Outstanding))
	c.measure(push.MessagesTotal, push.EndedDelivered, float64(len(c.Delivered)-c.late))
	c.measure(push.MessagesTotal, push.EndedLate, float64(c.late))
	c.measure(push.MessagesTotal, push.EndedLost, float64(c.Lost))
	c.measure(push.DuplicatesTotal, "", float64(c.Repeated))
	if !c.LastDelivered.IsZero() {
		c.measure(push.LastDelivered, "", unix(c.LastDelivered))
	}
	for _, d := range c.Delivered {
		c.measure(push.DeliveryDuration, "", d.Seconds())
	}
}

// judge rates the messages as one: by the slowest of those that had to arrive.
func (c *conclusion) judge(missing int) {
	allowed := c.ended - c.must
	if c.Refused > 0 {
		c.found(unfollowed, "%d messages were reported beyond those that the agent keeps, and are not followed", c.Refused)
	}
	if c.Repeated > allowed {
		c.found(push.Duplicated, "%d receipts came for messages that had arrived before", c.Repeated)
	}
	switch {
	case c.ended == 0 && missing > 0:
		c.fail(tooFew, time.Since(c.r.Start), c.few(missing))
		return
	case c.ended == 0:
		c.fail(noMessages, time.Since(c.r.Start), fmt.Sprintf("no message ended since the last probe; %d outstanding", c.Outstanding))
		return
	case c.Lost > allowed:
		c.fail(push.Lost, c.window, fmt.Sprintf("%s; want at least %d of %d to arrive", c.counts(), c.must, c.ended))
		return
	}
	slowest := c.Delivered[c.must-1]
	c.r.Duration = max(slowest, 1) // a receipt can overtake its report
	c.r.Phases.Add(probe.Deliver, c.r.Duration)
	c.r.Slowest = fmt.Sprintf("%d of %d messages arrived within %v", c.must, c.ended, rounded(slowest))
	switch {
	case slowest > c.deadline:
		c.found(push.Late, "%s; want at least %d of %d within %v", c.counts(), c.must, c.ended, c.deadline)
	case c.late+c.Lost > 0:
		c.found(stragglers, "%s; at most %d of them may be late or lost", c.counts(), allowed)
	}
	if missing > 0 {
		c.found(tooFew, "%s", c.few(missing))
	}
}

func (c *conclusion) fail(reason probe.Reason, took time.Duration, detail string) {
	c.r.Reason, c.r.Duration, c.r.Detail = reason, max(took, 1), detail
}

func (c *conclusion) few(missing int) string {
	return fmt.Sprintf("%d messages were reported as sent in %v, want at least %d", c.least-missing, c.every, c.least)
}

func (c *conclusion) counts() string {
	text := fmt.Sprintf("%d of %d messages arrived, %d of them after more than %v; %d not within %v",
		len(c.Delivered), c.ended, c.late, c.deadline, c.Lost, c.window)
	if n := len(c.Delivered); n > 0 {
		text += fmt.Sprintf("; half arrived within %v, the last after %v", rounded(c.Delivered[(n-1)/2]), rounded(c.Delivered[n-1]))
	}
	return text
}

func (c *conclusion) since(now time.Time) string {
	return fmt.Sprintf("in the last %v %d messages were reported as sent; %d are outstanding",
		now.Sub(c.Since).Round(time.Second), c.Sent, c.Outstanding)
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
