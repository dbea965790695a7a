package pageload

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// noteSocket reports whether the event was one of a WebSocket. The browser tells of them in words of their own, and not how
// many bytes they carry.
func (j *journal) noteSocket(now time.Time, e cdp.Event) bool {
	switch e.Method {
	case "Network.webSocketCreated":
		with(e, func(p webSocketCreated) {
			var sent requestWillBeSent
			sent.ID, sent.Type, sent.Request.URL, sent.Request.Method = p.ID, "WebSocket", p.URL, "GET"
			sent.Timestamp = j.now.began
			j.sent(now, e.Session, sent)
		})
	case "Network.webSocketWillSendHandshakeRequest":
		with(e, func(p webSocketHandshake) { j.sign(now, e.Session, p.ID, func(r *record) { r.began = p.Timestamp }) })
	case "Network.webSocketHandshakeResponseReceived":
		with(e, func(p webSocketHandshake) {
			j.sign(now, e.Session, p.ID, func(r *record) { r.Status, r.ended = p.Response.Status, p.Timestamp })
		})
	case "Network.webSocketClosed":
		with(e, func(p webSocketHandshake) { j.sign(now, e.Session, p.ID, func(r *record) { j.hangUp(p, r) }) })
	default:
		return false
	}
	return true
}

// hangUp closes a WebSocket. One that nobody answered has failed, for which the browser has no name.
func (j *journal) hangUp(e webSocketHandshake, r *record) {
	ended := r.ended
	if r.Status == 0 {
		r.Error, ended = "net::ERR_FAILED", e.Timestamp
		r.fails(&r.chapter.counts.Failed)
	}
	j.close(e.ID, r, ended)
}
