package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// overviewPage is the first page: all channels.
type overviewPage struct {
	frame
	From, At time.Time // of the timelines
	Summary  summary
	Rows     []channelRow
	Gaps     bool   // whether a score is missing
	None     string // why there are no rows
}

// summary counts the channels, for the sentence on top.
type summary struct {
	All, Good int
	Low       []channelRow // fair or poor
	Unknown   []channelRow // could not be measured
}

func (h *handler) overview(w http.ResponseWriter, r *http.Request) {
	f := h.frame(w, r, "channels", "Channels", 0)
	o, why := h.readOverview(r.Context(), f.Range)
	if o != nil && f.tooYoung(o.At, timelines(o)...) {
		o, why = h.readOverview(r.Context(), f.Range)
	}
	if o == nil {
		h.status(w, r, f, why)
		return
	}
	f.addNotice(why)
	f.addNotice(silence(o))
	page := newOverviewPage(&f, o)
	page.None = "Nothing has been recorded yet."
	if len(h.opts.Source.Channels()) == 0 {
		page.None = "No channels are known: this agent's configuration names none, and nothing was recorded."
	}
	h.page(w, r, http.StatusOK, "overview", page)
}

// readOverview returns the overview, or nil and why there is none.
func (h *handler) readOverview(ctx context.Context, back view.Range) (o *view.Overview, why string) {
	why, ready := h.opts.scores()
	if !ready {
		return nil, why
	}
	ctx, cancel := context.WithTimeout(ctx, viewDeadline)
	defer cancel()
	o, err := h.opts.Views.Overview(ctx, back)
	if err != nil {
		return nil, unreadable(err)
	}
	return o, why
}

// quietAge is how long nothing may be recorded before pages say so. The rules record every 30 seconds.
const quietAge = 3 * time.Minute

// silence is the sentence for scores that are no longer new: the page is fresh, what it shows is not. It is empty when all is
// well.
func silence(o *view.Overview) string {
	newest := newest(o)
	if newest.IsZero() || o.At.Sub(newest) < quietAge {
		return ""
	}
	return fmt.Sprintf("Nothing was recorded in the last %s: what you see is from %s.", view.Lasting(o.At.Sub(newest)), newest.Local().Format("15:04 MST"))
}

// newest returns when the newest score was recorded; zero when there is none.
func newest(o *view.Overview) time.Time {
	var newest time.Time
	for i := range o.Channels {
		if now := o.Channels[i].Now; now != nil && now.At.After(newest) {
			newest = now.At
		}
	}
	return newest
}

// tab is what is seen in the tab of a page that is kept open, before its title.
func (s *summary) tab() string {
	switch low, unknown := len(s.Low), len(s.Unknown); {
	case low > 0 && unknown > 0:
		return fmt.Sprintf("%d not good, %d unknown – ", low, unknown)
	case low > 0:
		return fmt.Sprintf("%d not good – ", low)
	case unknown > 0:
		return fmt.Sprintf("%d unknown – ", unknown)
	}
	return ""
}

// unreadable is the sentence for scores that could not be read.
func unreadable(err error) string {
	return "The scores cannot be read just now, so what you see are the last results: " + err.Error() + "."
}

func newOverviewPage(f *frame, o *view.Overview) *overviewPage {
	page := &overviewPage{frame: *f, From: f.start(o.From, o.At), At: o.At}
	for i := range o.Channels {
		row := channelRow{&o.Channels[i], &page.frame, page.From, o.At, false}
		page.Rows = append(page.Rows, row)
		page.Gaps = page.Gaps || row.Now == nil || row.Day == nil || row.Month == nil
		page.Summary.All++
		switch {
		case low(row.Rating):
			page.Summary.Low = append(page.Summary.Low, row)
		case row.Rating == probe.Unknown:
			page.Summary.Unknown = append(page.Summary.Unknown, row)
		default:
			page.Summary.Good++
		}
	}
	if !f.Public {
		page.Title = page.Summary.tab() + f.Title
	}
	return page
}
