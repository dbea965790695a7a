package pageload

import (
	"net/url"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// record is one request of a chapter, or one hop of it when it is redirected.
type record struct {
	probe.Request

	chapter  *chapter
	session  cdp.SessionID // that told of it last
	party    *Party        // whose sums it belongs to
	began    float64       // monotonic, as are the others
	ended    float64       // 0 while it is under way
	timing   *wireTiming
	document bool // of the main frame, hops included
	shown    bool // in the evidence
	failed   bool
	lasting  bool // is not meant to end, so that nobody waits for it
}

// kind returns the type of probe.Request for a resource type of the protocol.
func kind(wire string) string {
	switch wire {
	case "Document", "Script", "Stylesheet", "Image", "Font", "Media":
		return strings.ToLower(wire)
	case "XHR", "Fetch", "EventSource":
		return "fetch"
	}
	return "other"
}

// protocolOf returns the key of Counts.Protocols for what the browser calls a protocol.
func protocolOf(wire string) string {
	switch {
	case strings.HasPrefix(wire, "http/1"), wire == "http/0.9":
		return "http_1"
	case wire == "h2", wire == "h3":
		return wire
	}
	return "other"
}

// begin opens a request in a chapter. Nil for what does not leave the browser, and for what the operator blocks.
func (c *chapter) begin(e requestWillBeSent, session cdp.SessionID, document bool, blocked func(host string) bool) *record {
	u, err := url.Parse(e.Request.URL)
	if err != nil || !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme) {
		return nil
	}
	r := &record{
		Request: probe.Request{
			URL: shownURL(e.Request.URL), Method: probe.Clip(e.Request.Method, maxWord), Type: kind(e.Type),
			Site: probe.Clip(site(u.Hostname()), maxWord),
		},
		chapter: c, session: session, began: e.Timestamp, document: document,
		// Of a worker's script it is not known yet whether somebody will tell how it ended.
		lasting: e.Type == "EventSource" || e.Type == "WebSocket" || e.Type == "Script" && e.Loader == "" && e.Frame != "",
	}
	c.counts.Requests++
	c.show(r)
	if blocked(u.Hostname()) {
		r.Error = Blocked
		c.counts.Blocked++
		return nil
	}
	c.count(r, strings.ToLower(u.Hostname()))
	if u.Scheme == "http" || u.Scheme == "ws" {
		c.insecure++
	}
	if m := e.Request.MixedContent; m != "" && m != "none" && len(c.mixed) < maxMixed {
		c.mixed = append(c.mixed, r.URL)
	}
	return r
}

// show puts a request into the evidence while there is room. One that failed takes the place of one that did not.
func (c *chapter) show(r *record) {
	if r.shown {
		return
	}
	if len(c.shown) >= maxRequests {
		last := lastWhole(c.shown)
		if !r.failed || last < 0 {
			return
		}
		c.shown[last].shown = false
		c.shown = slices.Delete(c.shown, last, last+1)
	}
	r.shown = true
	c.shown = append(c.shown, r)
}

// lastWhole returns the last of the requests that did not fail, but for those of the document; -1 when there is none.
func lastWhole(all []*record) int {
	for i, r := range slices.Backward(all) {
		if !r.failed && !r.document {
			return i
		}
	}
	return -1
}

// fails counts a request as one that failed, in a sum of its own too.
func (r *record) fails(sum *int) {
	*sum++
	r.failed = true
	r.party.Failed++
	r.chapter.show(r)
}

// count adds a request to the sums of its type and site.
func (c *chapter) count(r *record, host string) {
	c.requests[r.Type]++
	r.party = &c.hops
	if !r.document {
		sum := c.sum(r.Site)
		sum.kinds[r.Type] = true
		if len(sum.hosts) < maxHosts {
			sum.hosts[probe.Clip(host, maxHostName)] = true
		}
		r.party = &sum.Party
	}
	r.party.Requests++
}

// answer notes the head of an answer.
func (r *record) answer(a *wireResponse) {
	r.Status, r.Protocol, r.MIME = a.Status, probe.Clip(a.Protocol, maxWord), probe.Clip(a.MIME, maxWord)
	r.timing = a.Timing
	if a.Status >= 400 {
		r.fails(&r.chapter.counts.HTTPErrors)
	}
	if r.Cached = r.Cached || a.FromDiskCache || a.FromServiceWorker; r.Cached {
		r.transferred(-r.Bytes)
		return
	}
	r.chapter.counts.Protocols[protocolOf(a.Protocol)]++
	r.transferred(wireBytes(a.Bytes))
}

// transferred adds to the bytes of a request and to all sums that it belongs to. What a cache or a service worker gave was
// not transferred: a worker's own requests are told of separately.
func (r *record) transferred(n int64) {
	if r.Cached && n > 0 {
		return
	}
	r.Bytes += n
	r.party.Bytes += n
	r.chapter.bytes[r.Type] += n
}

// fail notes why a request has no answer, or none to the end. What the page itself gave up is no failure, and neither is
// what it does not use because the answer is an error: that has been counted.
func (r *record) fail(e loadingFailed) {
	if r.Status >= 400 {
		return
	}
	r.Error = probe.Clip(e.Error, maxWord)
	if e.Blocked != "" {
		r.Error = probe.Clip(e.Error+" ("+e.Blocked+")", maxWord)
	}
	if !e.Canceled || e.Blocked != "" {
		r.fails(&r.chapter.counts.Failed)
	}
}

// bar returns the request with its times, which count from origin.
func (r *record) bar(origin float64, home string) probe.Request {
	bar := r.Request
	bar.ThirdParty = !r.document && r.Site != home
	bar.Start = seconds(r.began - origin)
	if t := r.timing; t != nil && t.RequestTime > 0 && !r.Cached {
		sent, first := t.RequestTime+t.SendStart/1e3, t.RequestTime+t.ReceiveHeaderEnd/1e3
		bar.Blocked, bar.Wait = seconds(sent-r.began), seconds(first-sent)
		if r.ended > 0 {
			bar.Receive = seconds(r.ended - first)
		}
	} else if r.ended > 0 {
		bar.Wait = seconds(r.ended - r.began)
	}
	return bar
}
