package web

import (
	"fmt"
	"net/http"
	"time"
)

const (
	maxStreams    = 64               // pages that are told of updates at one time; the others ask by themselves
	lookEvery     = time.Second      // between two looks for something new
	updateAtMost  = 5 * time.Second  // between two updates of one page
	heartbeat     = 15 * time.Second // between two signs of life
	writeDeadline = 10 * time.Second // for a reader that does not read
)

// streams tells open pages that there is something new, by server-sent events. The pages then fetch themselves again: what
// they show comes through one door only.
type streams struct {
	updates func() uint64
	closing <-chan struct{} // closed when the server shuts down: streams would hold it up otherwise
	places  chan struct{}   // holds one token for each open stream
}

func newStreams(updates func() uint64, closing <-chan struct{}) *streams {
	return &streams{updates: updates, closing: closing, places: make(chan struct{}, maxStreams)}
}

// ServeHTTP streams until the reader goes or the server shuts down.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		w.Header().Set("Retry-After", "60")
		plain(w, http.StatusServiceUnavailable, "too many pages listen already; ask again by yourself\n")
		return
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold the events back
	send := func(text string) bool {
		// The server's own deadline for writing counts from the request: it would end the stream.
		if out.SetWriteDeadline(time.Now().Add(writeDeadline)) != nil {
			return false
		}
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		if out.Flush() != nil {
			return false
		}
		return out.SetWriteDeadline(time.Time{}) == nil // over HTTP/2 it would end a stream that only waits
	}
	s.stream(r, send)
}

// stream sends an event for what is new and a sign of life when nothing is, until sending fails or there is an end.
func (s *streams) stream(r *http.Request, send func(string) bool) {
	known := s.updates()
	if !send(fmt.Sprintf("retry: 5000\nevent: hello\nid: %d\ndata: %d\n\n", known, known)) {
		return
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	said := time.Now()
	updated := said.Add(-updateAtMost)
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		case now := <-look.C:
			text := ""
			if revision := s.updates(); revision != known && now.Sub(updated) >= updateAtMost {
				known, updated = revision, now
				text = fmt.Sprintf("event: update\nid: %d\ndata: %d\n\n", revision, revision)
			} else if now.Sub(said) >= heartbeat {
				text = "event: beat\ndata: still here\n\n"
			}
			if text == "" {
				continue
			}
			said = now
			if !send(text) {
				return
			}
		}
	}
}
