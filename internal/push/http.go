package push

import (
	"net/http"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// HTTPReply says how sending a message by one HTTP exchange ended. read says what a complete answer means.
//
// A message is on its way when its connection stands: what opening it took is the lead.
func HTTPReply(resp *httpx.Response, read func(*httpx.Response) Answer) Reply {
	r := Reply{After: resp.Duration, Answer: Answer{Word: Unanswered}}
	for _, p := range []probe.Phase{probe.Resolve, probe.Connect, probe.TLS} {
		d, _ := resp.Phases.Get(p)
		r.Lead += d
	}
	_, sent := resp.Phases.Get(probe.Send)
	r.Never = !sent
	if resp.Reason != "" {
		r.Reason, r.Detail = resp.Reason, resp.Detail
		return r
	}
	r.Answer = read(resp)
	r.Answer.Code = resp.Status
	return r
}

// RetryAfter returns how long a provider asks to wait (RFC 9110, section 10.2.3): a number of seconds, or a date. It is 0
// when the header has none, or nothing that makes sense.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
