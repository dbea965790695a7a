package pageload

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// journal keeps the books of a page: what the browser's events tell of the load that is under way. It is bounded whatever
// a page does, and safe for concurrent use.
type journal struct {
	main    string                 // frame
	blocked func(host string) bool // by the operator
	moved   chan struct{}          // has a token when something happened

	mu     sync.Mutex
	under  map[string]*record // way, by request
	now    *chapter
	before *chapter  // to go back to when a navigation comes to nothing
	left   *chapter  // of the document before the one of now
	next   *document // that is being navigated to
	acted  bool      // a click or text came since the document of now
}

// document is the one in the main frame, from the wish to its end. Its id is that of its request and of its loader.
type document struct {
	id      string
	chapter *chapter
	url     string
	record  *record
	cause   string // why there is none
}

func newJournal(main string, blocked func(string) bool) *journal {
	if blocked == nil {
		blocked = func(string) bool { return false }
	}
	return &journal{
		main: main, blocked: blocked, moved: make(chan struct{}, 1),
		under: map[string]*record{}, now: newChapter(time.Now()),
	}
}

// shows reports whether there is a document.
func (j *journal) shows() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now.document != nil && j.now.document.cause == ""
}

// turn opens a new chapter: the browser is about to be sent to another address.
func (j *journal) turn(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.left, j.now, j.before, j.next, j.acted = j.now, newChapter(now), nil, nil, false
	clear(j.under)
}

// act notes that the page is about to be acted on.
func (j *journal) act(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acted, j.now.touched = true, now
}

// note takes an event down. Events that it does not know, and those that make no sense, change nothing.
func (j *journal) note(now time.Time, e cdp.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.noteNetwork(now, e) && !j.noteConsole(e) && !j.notePage(e) {
		return
	}
	select {
	case j.moved <- struct{}{}:
	default:
	}
}

// noteNetwork reports whether the event was one of the network.
func (j *journal) noteNetwork(now time.Time, e cdp.Event) bool {
	switch e.Method {
	case "Network.requestWillBeSent":
		with(e, func(p requestWillBeSent) { j.sent(now, e.Session, p) })
	case "Network.responseReceived":
		with(e, func(p responseReceived) { j.sign(now, e.Session, p.ID, func(r *record) { r.answer(&p.Response) }) })
	case "Network.dataReceived":
		with(e, func(p dataReceived) {
			j.sign(now, e.Session, p.ID, func(r *record) { r.transferred(wireBytes(p.Bytes)) })
		})
	case "Network.requestServedFromCache":
		with(e, func(p requestID) { j.sign(now, e.Session, p.ID, func(r *record) { r.Cached = true }) })
	case "Network.loadingFinished":
		with(e, func(p loadingFinished) {
			j.sign(now, e.Session, p.ID, func(r *record) { j.finish(p.ID, r, p.Timestamp, p.Bytes) })
		})
	case "Network.loadingFailed":
		with(e, func(p loadingFailed) { j.failed(now, e.Session, p) })
	case "Target.attachedToTarget":
		with(e, func(p targetEvent) { j.follow(p.Target.ID) })
	case "Target.detachedFromTarget":
		with(e, func(p targetDetached) { j.leave(p.Session) })
	default:
		return j.noteSocket(now, e)
	}
	return true
}

// with decodes what an event says and does nothing when it makes no sense.
func with[T any](e cdp.Event, do func(T)) {
	var params T
	if json.Unmarshal(e.Params, &params) == nil {
		do(params)
	}
}

// sign finds the request that a sign of life belongs to.
func (j *journal) sign(now time.Time, session cdp.SessionID, id string, do func(*record)) {
	r := j.under[id]
	if r == nil {
		return
	}
	r.session = session
	if !r.lasting {
		r.chapter.touched = now
	}
	do(r)
}

func (j *journal) sent(now time.Time, session cdp.SessionID, e requestWillBeSent) {
	document := e.Frame == j.main && e.Type == "Document" && e.ID == e.Loader
	if r := j.under[e.ID]; r != nil {
		j.hop(r, e)
	}
	if document && e.Redirect == nil {
		j.navigate(now, e)
	}
	c := j.chapterOf(e.Loader)
	r := c.begin(e, session, document, j.blocked)
	if document && j.next != nil && j.next.id == e.ID {
		j.next.url, j.next.record = e.Request.URL, r
	}
	if r == nil {
		return
	}
	if len(j.under) >= maxOpen {
		c.overflow = true
		return
	}
	j.under[e.ID] = r
	if !r.lasting {
		c.open++
		c.touched = now
	}
}

// hop closes a request that goes on elsewhere.
func (j *journal) hop(r *record, e requestWillBeSent) {
	if e.Redirect == nil {
		j.close(e.ID, r, e.Timestamp)
		return
	}
	r.answer(e.Redirect)
	j.finish(e.ID, r, e.Timestamp, e.Redirect.Bytes)
	if r.document {
		r.chapter.redirects++
	}
}

// chapterOf returns the chapter of a document's requests: what a page still sends while the next one is on its way
// belongs to the former.
func (j *journal) chapterOf(loader string) *chapter {
	for _, c := range []*chapter{j.before, j.left} {
		if c != nil && c.document != nil && c.document.id == loader {
			return c
		}
	}
	return j.now
}

// finish closes a request. What it transferred is known for good only then.
func (j *journal) finish(id string, r *record, at, total float64) {
	if total > 0 {
		r.transferred(wireBytes(total) - r.Bytes)
	}
	j.close(id, r, at)
}

func (j *journal) close(id string, r *record, at float64) {
	r.ended = at
	delete(j.under, id)
	if !r.lasting {
		r.chapter.open--
	}
}

func (j *journal) failed(now time.Time, session cdp.SessionID, e loadingFailed) {
	j.sign(now, session, e.ID, func(r *record) {
		r.fail(e)
		j.close(e.ID, r, e.Timestamp)
	})
	if j.next != nil && j.next.id == e.ID {
		j.next.cause = e.Error
		if e.Error == aborted {
			j.abandon()
		}
	}
}

// follow has the script of a worker waited for: the worker's session, which came just now, tells how it ends. The
// request of such a script has the id of the worker.
func (j *journal) follow(worker string) {
	if r := j.under[worker]; r != nil && r.lasting {
		r.lasting = false
		r.chapter.open++
	}
}

// leave closes what a frame or worker that has gone was still waiting for: nobody will tell how it ended.
func (j *journal) leave(session cdp.SessionID) {
	for id, r := range j.under {
		if r.session == session {
			j.close(id, r, 0)
		}
	}
}
