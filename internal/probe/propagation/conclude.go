package propagation

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxShown bounds what a detail shows of a foreign text, in bytes.
const maxShown = 200

// judge reports whether an answer shows the marker, or why not, and whether it could not even be read.
func (s *readySink) judge(response *httpx.Response, marker string) (seen, bad bool, why string) {
	switch {
	case response.Reason != "":
		return false, true, response.Detail
	case response.Status == http.StatusNotFound:
		return false, false, "status 404" // what is created by the write is not there before
	case !isGood(response):
		return false, true, fmt.Sprintf("status %d, want 2xx", response.Status)
	case s.path == nil:
		return bytes.Contains(response.Body, []byte(marker)), false, fmt.Sprintf("%d bytes without the marker", len(response.Body))
	}
	document, err := assert.ParseDocument(response.Body)
	if err != nil {
		return false, true, probe.Clip(err.Error(), maxShown)
	}
	text, err := s.path.Text(document)
	if err != nil {
		return false, false, "the path " + err.Error()
	}
	return strings.Contains(text, marker), false, fmt.Sprintf("the path selects %q", probe.Clip(text, maxShown))
}

// conclusion turns what became of a marker into a result.
type conclusion struct {
	*settings
	result  probe.Result
	written *httpx.Response
	ends    []end           // of the sinks; nil when the write was not taken
	cleaned *httpx.Response // nil without cleanup
}

// begin is when the connection for the write stood.
func (c *conclusion) begin() time.Time { return c.written.Start.Add(c.lead()) }

// lead is what opening the connection took.
func (c *conclusion) lead() time.Duration {
	var lead time.Duration
	for _, p := range []probe.Phase{probe.Resolve, probe.Connect, probe.TLS} {
		d, _ := c.written.Phases.Get(p)
		lead += d
	}
	return lead
}

func (c *conclusion) found(check probe.CheckID, format string, args ...any) {
	c.result.Findings = append(c.result.Findings, *probe.Findingf(check, format, args...))
}

func (c *conclusion) measure(metric, label string, value float64) {
	c.result.Measurements = append(c.result.Measurements, probe.Measurement{Metric: metric, Label: label, Value: value})
}

func (c *conclusion) conclude() probe.Result {
	r := &c.result
	r.Duration = c.written.Duration
	r.Evidence = &probe.Evidence{Exchanges: c.written.Exchanges}
	c.measure(pollSeconds, "", c.poll.Seconds())
	switch {
	case c.written.Reason != "":
		r.Reason, r.Detail = c.written.Reason, c.written.Detail
	case c.ends == nil:
		r.Reason, r.Detail = writeRefused, fmt.Sprintf("status %d, want 2xx", c.written.Status)
	default:
		r.Phases.Add(probe.Accept, c.written.Duration-c.lead())
		c.concludeSinks()
	}
	c.concludeCleanup()
	return *r
}

// concludeSinks adds what became of the marker at each sink. The result takes as long as the slowest.
func (c *conclusion) concludeSinks() {
	r, slowest, all := &c.result, 0, true
	for i := range c.ends {
		e := &c.ends[i]
		c.concludeSink(c.sinks[i].name, e)
		all = all && e.seen
		if e.after > c.ends[slowest].after {
			slowest = i
		}
	}
	r.Duration = c.ends[slowest].after
	if !all {
		return
	}
	r.Phases.Add(probe.Deliver, r.Duration)
	r.Detail = fmt.Sprintf("seen at %d sinks, at %s after %v", len(c.ends), c.sinks[slowest].name, rounded(r.Duration))
	r.Slowest = fmt.Sprintf("%s showed it last, after %v", c.sinks[slowest].name, rounded(r.Duration))
}

func (c *conclusion) concludeSink(name string, e *end) {
	evidence, verb := c.result.Evidence, "not seen within"
	if e.last != nil {
		evidence.Exchanges = append(evidence.Exchanges, e.last.Exchanges...)
	}
	switch {
	case e.seen:
		verb = "seen after"
		c.measure(durationSeconds, name, e.after.Seconds())
		if e.after > c.deadline {
			c.measure(lateTotal, name, 1)
			c.found(late, "%s: seen after %v, want at most %v", name, rounded(e.after), c.deadline)
		}
	case e.bad:
		c.measure(lostTotal, name, 1)
		c.found(unread, "%s: not seen within %v; the last of %d answers: %s", name, rounded(e.after), e.looks, e.why)
	default:
		c.measure(lostTotal, name, 1)
		c.found(lost, "%s: not seen within %v; the last of %d answers: %s", name, rounded(e.after), e.looks, e.why)
	}
	evidence.Events = append(evidence.Events, probe.Event{
		At: c.lead() + e.after, Text: fmt.Sprintf("%s: %s %v and %d looks, one every %v", name, verb, rounded(e.after), e.looks, c.poll),
	})
}

func (c *conclusion) concludeCleanup() {
	if c.cleaned == nil {
		return
	}
	c.result.Evidence.Exchanges = append(c.result.Evidence.Exchanges, c.cleaned.Exchanges...)
	switch {
	case c.cleaned.Reason != "":
		c.found(cleanupFailed, "cleanup: %s", c.cleaned.Detail)
	case !isGood(c.cleaned):
		c.found(cleanupFailed, "cleanup: status %d, want 2xx", c.cleaned.Status)
	default:
		return
	}
	c.measure(cleanupTotal, "", 1)
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
