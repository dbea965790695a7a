package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

// statusPage is what the first page shows while there are no scores: the last result of every touchpoint.
type statusPage struct {
	frame
	Counts   []count
	Channels []channelStatus
}

// count is how many touchpoints have a rating.
type count struct {
	Rating probe.Rating
	N      int
}

type channelStatus struct {
	Name, Title, Type, OwnerIT, OwnerMarketing, Agreement string
	Rows                                                  []touchpointStatus
}

type touchpointStatus struct {
	Title, Href, Took, Age, Plain string
	Critical                      bool
	Rating                        probe.Rating
	Cause                         *record.Finding
}

func (h *handler) status(w http.ResponseWriter, r *http.Request, f frame, why string) {
	f.Why = why
	page := &statusPage{frame: f}
	totals := make(map[probe.Rating]int)
	for _, c := range h.opts.Source.Channels() {
		status := channelStatus{
			Name: c.Name, Title: c.Title, Type: string(c.Type),
			OwnerIT: c.OwnerIT, OwnerMarketing: c.OwnerMkt, Agreement: agreed(c.Objective),
		}
		for _, tp := range c.Touchpoints {
			row := h.touchpointStatus(tp, &page.frame)
			totals[row.Rating]++
			status.Rows = append(status.Rows, row)
		}
		page.Channels = append(page.Channels, status)
	}
	for r := probe.Excellent; ; r-- {
		if totals[r] > 0 {
			page.Counts = append(page.Counts, count{r, totals[r]})
		}
		if r == probe.Unknown {
			break
		}
	}
	h.page(w, r, http.StatusOK, "status", page)
}

func (h *handler) touchpointStatus(tp *probe.Touchpoint, f *frame) touchpointStatus {
	row := touchpointStatus{
		Title: tp.Title, Href: f.Touchpoint(tp.Channel, tp.Name),
		Critical: tp.Tier == probe.Critical, Plain: "No result yet.", Age: "–", Took: "–",
	}
	last, ok := h.opts.Recent.Last(tp.Key())
	if !ok {
		return row
	}
	rec := record.New(h.opts.Catalogue, tp, &last.Result, last.Verdict, last.Err)
	row.Rating, row.Cause = rec.Rating, rec.Cause
	row.Took = took(last.Result.Duration)
	row.Age = fmt.Sprintf("%s, %s since %s", ago(f.Now, last.Result.Start), rec.Rating, last.Since.Format("15:04:05"))
	row.Plain = "Nothing to complain about."
	if rec.Rating == probe.Good {
		row.Plain = h.keepsGood(&rec)
	}
	return row
}

// keepsGood says why a good result is not excellent. What is only worth knowing does not keep it from that.
func (h *handler) keepsGood(rec *record.Record) string {
	for _, f := range rec.Findings {
		if check, _ := h.opts.Catalogue.Check(f.Check); check.Cap == probe.Good {
			return f.Marketing
		}
	}
	return "Good; a little more speed or care makes it excellent."
}

// agreed says in words what both owners signed.
func agreed(o probe.Objective) string {
	if o.Score == 0 {
		return "No agreement yet."
	}
	text := fmt.Sprintf("Agreed: score %g over %g days", o.Score, o.Window.Hours()/24)
	if !o.Review.IsZero() {
		text += ", to be reviewed on " + o.Review.Format(time.DateOnly)
	}
	return text + "."
}
