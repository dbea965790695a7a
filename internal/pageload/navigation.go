package pageload

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// aborted is what the browser says of a navigation that leaves the page as it is: a download, an answer without content,
// or one that another navigation took the place of. After all others it shows a page of its own.
const aborted = "net::ERR_ABORTED"

// navigate opens the books of a document that is asked for. The first one after an act begins a chapter; one that a page
// asks for by itself belongs to the load that is under way.
func (j *journal) navigate(now time.Time, e requestWillBeSent) {
	if j.acted && j.before == nil && j.now.document != nil {
		j.before, j.now = j.now, newChapter(now)
	}
	if j.now.began == 0 {
		j.now.began, j.now.wall = e.Timestamp, e.WallTime
	}
	j.next = &document{id: e.ID, chapter: j.now, url: e.Request.URL}
}

// abandon gives a navigation up that came to nothing.
func (j *journal) abandon() {
	switch {
	case j.before != nil:
		j.now, j.before = j.before, nil
	case j.now.document == nil:
		j.now.document = j.next
	}
	j.next = nil
}

// arrive makes the document that was asked for the page's own.
func (j *journal) arrive(e frameNavigated) {
	f := e.Frame
	if f.ID != j.main || j.next == nil || (f.Loader != j.next.id && f.Unreachable == "") {
		return
	}
	c := j.next.chapter
	if c.document != nil {
		c.moves++
	}
	if j.before != nil {
		j.left, j.acted = j.before, false
	}
	c.document, c.loaded = j.next, false
	j.before, j.next = nil, nil
}

func (j *journal) loaded() { j.now.loaded = j.now.loaded || j.now.document != nil }

// notePage reports whether the event was one of the page.
func (j *journal) notePage(e cdp.Event) bool {
	switch e.Method {
	case "Page.frameNavigated":
		with(e, j.arrive)
	case "Page.loadEventFired":
		j.loaded()
	case "Page.frameStoppedLoading": // without a load event when the page gave up, such as for a navigation to nothing
		with(e, func(p frameStopped) {
			if p.Frame == j.main {
				j.loaded()
			}
		})
	case "Page.downloadWillBegin":
		j.now.download = true
	case "Page.javascriptDialogOpening":
		j.now.dialogs++
	default:
		return false
	}
	return true
}
