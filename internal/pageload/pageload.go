// Package pageload measures how one page loads in a browser: its vitals, what it transfers and from whom, what goes wrong
// in it, and how it looks. It also acts on the page as a customer does.
//
// Two sources are brought together. A script in a JavaScript world of its own gathers the entries of the page's timeline;
// what a page overrides does not reach it. The browser's network events, of the page and of all frames and workers below
// it, make the books of what was transferred. Both count from the same start: that of the navigation.
//
// Whatever a page does, memory is bounded and everything that waits has a deadline. Texts and addresses that it puts into
// evidence are cut, valid UTF-8, and without user info and query values.
//
// The package takes no decision: it neither knows limits nor rates, and whoever opened the tab closes it. It does not see
// inside frames of other sites when it acts, and does not follow shared workers, which belong to no page.
//
// It may import cdp, chromium, httpx (for redaction) and the domain.
package pageload

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Blocked is the error of a request in the evidence that the operator blocks.
const Blocked = "blocked"

// Load is what one load of a page gave. Times count from the start of the navigation. What a page does by itself to get
// elsewhere, such as a meta refresh, belongs to the load; a document that an act led to begins another one.
type Load struct {
	Start    time.Time
	Duration time.Duration // until the page had settled or its time was over
	URL      string        // of the document after all redirects, as the browser has it: not redacted
	Status   int           // of the document; 0 without an answer
	Protocol string        // of the document, such as h2
	MIME     string        // media type of the document
	Settled  bool
	Redirect int    // redirects of the document, those by the page itself included
	Moves    int    // times that the page itself led to another document, such as with a script or a meta refresh
	Error    string // why there is no document, as the browser says it, such as net::ERR_CONNECTION_REFUSED
	Download bool   // the address led to a download
	Crashed  bool   // the renderer ended
	Hung     bool   // the page stopped answering
	Dialogs  int    // alert, confirm, prompt and beforeunload boxes that were answered

	Document DocumentTimes
	Vitals   Vitals
	Weight   Weight
	Content  probe.Content
	Text     string              // visible text, bounded; for expectations
	Cookies  []Cookie            // that were there before the first act, bounded
	Errors   []probe.ConsoleLine // exceptions that nobody caught, bounded; JSErrors counts all
	Console  []probe.ConsoleLine // bounded, exceptions included
	Counts   Counts
	Shifts   []probe.Shift // largest first, bounded
	Largest  *probe.Element
	Blocking []Script // that blocked the page the longest, longest first, bounded
	Mixed    []string // insecure addresses that a secure page asked for, bounded, query values removed

	Requests []probe.Request // bounded; those that failed are left out last
	Omitted  int             // requests beyond those
	Pending  []probe.Request // under way when the time was over, bounded; what is open by design is not among them

	Filmstrip []probe.Picture
}

// DocumentTimes are the phases of the document's last request, as far as they were reached, and its start: redirects come
// before it.
type DocumentTimes struct {
	Start  time.Duration
	Phases probe.Phases // Resolve to Receive, as the browser saw them
}

// Vitals are W3C and Web Vitals figures of a load. What was not measured is nil.
type Vitals struct {
	TTFB, FCP, LCP   *time.Duration
	LCPDiscover      *time.Duration // resource load delay
	LCPLoad          *time.Duration // resource load duration
	LCPRender        *time.Duration // element render delay
	CLS              *float64
	TBT              *time.Duration // sum over 50 ms of long tasks after FCP until the page settled
	INP              *time.Duration // only after a click or a key
	DOMReady, Loaded *time.Duration // ends of the events DOMContentLoaded and load
	LongTasks        int
}

// Weight is what a page transferred. Bytes are as transferred, headers included.
type Weight struct {
	Bytes    map[string]int64 // by type of probe.Request
	Requests map[string]int   // by type
	First    Party
	Third    Party
	Sites    []Site // of third parties, heaviest first, bounded
	Insecure int    // requests without TLS
}

// Party sums up the requests of one side.
type Party struct {
	Bytes    int64
	Requests int
	Failed   int // without an answer to its end, or answered with 4xx or 5xx; as in Counts
}

// Site is a registrable domain (public suffix list) with what it brought.
type Site struct {
	Name     string
	Bytes    int64
	Requests int
	Kinds    []string // types of its requests, sorted
	Hosts    []string // of it that were asked, sorted, bounded
}

// Counts counts what is bounded elsewhere.
type Counts struct {
	Requests   int // all, blocked ones included
	Failed     int // without an answer to its end; those that the page gave up or the operator blocks do not count
	HTTPErrors int // answered with 4xx or 5xx
	Blocked    int // by the operator's block list
	JSErrors   int
	Console    map[string]int // by level of probe.ConsoleLine
	Protocols  map[string]int // requests with an answer by protocol: http_1, h2, h3 or other
}

// Cookie is a cookie that a load left, without its value.
type Cookie struct {
	Name       string
	Domain     string
	ThirdParty bool
	HTTPOnly   bool
	Secure     bool
	SameSite   string
	Lifetime   time.Duration // 0: of the session
}

// Script is one long task with the script that it was spent in, where the browser tells.
type Script struct {
	URL      string // query values removed; empty: not known
	At       time.Duration
	Duration time.Duration
}
