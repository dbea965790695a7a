package web

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// blocked is the error of a request that the operator's list of hosts kept from being sent.
const blocked = "blocked"

const (
	barsNewest = 100 // requests that a page shows of the newest load
	barsOlder  = 30  // and of each older one
)

// bars is the waterfall of the requests of a page.
type bars struct {
	Rows []requestRow
	Left int    // requests that are not shown
	Span string // how long all took
	Mark string // where the main content was shown, on the scale of the rows; empty when it was not
}

// requestRow is one bar of it. Positions and widths are in thousandths.
type requestRow struct {
	*probe.Request

	Name           string // the last part of the address, or its host
	Trouble        string // "no answer" or a status that is an error; empty when it went well
	Size, Took     string
	At             string
	Blocks, Answer string // how long it waited for a connection, and for the first byte
	Receives       string
	From           string
	BlockedWidth   string
	WaitFrom, Wide string
	Begin, Receive string
	Top, Height    string // third parties have thinner bars
}

// newBars shows at most most requests in the order in which they began: the first ones, and those that failed.
func newBars(v *probe.Visit, most int) bars {
	requests := chosen(v.Requests, most)
	end := time.Duration(v.Vitals[string(probe.LCP)] * float64(time.Second))
	for i := range requests {
		end = max(end, requestEnd(requests[i]))
	}
	b := bars{Left: len(v.Requests) - len(requests) + v.Omitted, Span: brief(end.Seconds())}
	if len(requests) == 0 || end == 0 {
		return bars{}
	}
	x := func(d time.Duration) string { return fixed(1000 * d.Seconds() / end.Seconds()) }
	if lcp, ok := v.Vitals[string(probe.LCP)]; ok {
		b.Mark = fixed(1000 * lcp / end.Seconds())
	}
	for _, r := range requests {
		wait, receive := r.Start+r.Blocked, r.Start+r.Blocked+r.Wait
		row := requestRow{
			Request: r, Name: shortName(r.URL), Trouble: trouble(r), Size: size(r.Bytes), Took: brief((requestEnd(r) - r.Start).Seconds()),
			At: brief(r.Start.Seconds()), Blocks: brief(r.Blocked.Seconds()), Answer: brief(r.Wait.Seconds()), Receives: brief(r.Receive.Seconds()),
			From: x(r.Start), BlockedWidth: x(r.Blocked), WaitFrom: x(wait), Wide: x(r.Wait), Begin: x(receive),
			Receive: fixed(max(1000*r.Receive.Seconds()/end.Seconds(), 3)), Top: "1", Height: "8",
		}
		switch {
		case r.Cached:
			row.Size = "from cache"
		case r.Error != "" && r.Bytes == 0:
			row.Size = "–"
		}
		if r.ThirdParty {
			row.Top, row.Height = "3.5", "3"
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

// chosen returns the requests to show, in the order in which they began.
func chosen(all []probe.Request, most int) []*probe.Request {
	var kept []*probe.Request
	for i := range all {
		kept = append(kept, &all[i])
	}
	byStart := func(a, b *probe.Request) int { return cmp.Compare(a.Start, b.Start) }
	slices.SortStableFunc(kept, byStart)
	if len(kept) <= most {
		return kept
	}
	failedFirst := func(a, b *probe.Request) int { return cmp.Compare(min(len(trouble(b)), 1), min(len(trouble(a)), 1)) }
	slices.SortStableFunc(kept, failedFirst)
	kept = kept[:most]
	slices.SortStableFunc(kept, byStart)
	return kept
}

// Kept reports whether the request was kept from being sent.
func (r *requestRow) Kept() bool { return r.Error == blocked }

func requestEnd(r *probe.Request) time.Duration { return r.Start + r.Blocked + r.Wait + r.Receive }

// trouble says what went wrong with a request; empty when nothing did.
func trouble(r *probe.Request) string {
	switch {
	case r.Error == blocked:
		return ""
	case r.Error != "":
		return "no answer"
	case r.Status >= 400:
		return strconv.Itoa(r.Status)
	}
	return ""
}

// shortName returns the part of an address that people tell it by.
func shortName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		return name
	}
	return strings.TrimPrefix(u.Host, "www.")
}
