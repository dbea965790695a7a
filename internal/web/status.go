package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

type statusPage struct {
	frame
	Counts   []count
	Channels []channelView
}

// count is how many touchpoints have a rating.
type count struct {
	Rating probe.Rating
	N      int
}

type channelView struct {
	Name, Title, Type, OwnerIT, OwnerMarketing, Agreement string
	Rows                                                  []rowView
}

type rowView struct {
	Title, Href, Took, Age, Plain string
	Critical                      bool
	Rating                        probe.Rating
	Cause                         *record.Finding
}

func (h *handler) status(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	page := statusPage{frame: h.frame("Channelwatch", "./", now)}
	totals := make(map[probe.Rating]int)
	for _, c := range h.opts.Source.Channels() {
		view := channelView{
			Name: c.Name, Title: c.Title, Type: strings.ReplaceAll(string(c.Type), "_", " "),
			OwnerIT: c.OwnerIT, OwnerMarketing: c.OwnerMkt, Agreement: agreement(c.Objective),
		}
		for _, tp := range c.Touchpoints {
			row := h.row(tp, now)
			totals[row.Rating]++
			view.Rows = append(view.Rows, row)
		}
		page.Channels = append(page.Channels, view)
	}
	for r := probe.Excellent; ; r-- {
		if totals[r] > 0 {
			page.Counts = append(page.Counts, count{r, totals[r]})
		}
		if r == probe.Unknown {
			break
		}
	}
	h.pages.write(w, "status", page)
}

func (h *handler) row(tp *probe.Touchpoint, now time.Time) rowView {
	row := rowView{
		Title: tp.Title, Href: "./touchpoints/" + tp.Channel + "/" + tp.Name,
		Critical: tp.Tier == probe.Critical, Plain: "No result yet.", Age: "–", Took: "–",
	}
	last, ok := h.opts.Recent.Last(tp.Key())
	if !ok {
		return row
	}
	rec := record.New(h.opts.Catalogue, tp, &last.Result, last.Verdict, last.Err)
	row.Rating, row.Cause = rec.Rating, rec.Cause
	row.Took = took(last.Result.Duration)
	row.Age = fmt.Sprintf("%s, %s since %s", ago(now, last.Result.Start), rec.Rating, last.Since.Format("15:04:05"))
	row.Plain = "Nothing to complain about."
	if rec.Rating == probe.Good {
		row.Plain = "Good; a little more speed or care makes it excellent."
		if len(rec.Findings) > 0 {
			row.Plain = rec.Findings[0].Marketing
		}
	}
	return row
}

// agreement says in words what both owners signed.
func agreement(o probe.Objective) string {
	if o.Score == 0 {
		return "No agreement yet."
	}
	text := fmt.Sprintf("Agreed: score %g over %g days", o.Score, o.Window.Hours()/24)
	if !o.Review.IsZero() {
		text += ", to be reviewed on " + o.Review.Format("2006-01-02")
	}
	return text + "."
}
