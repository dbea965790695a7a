package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

type touchpointPage struct {
	frame
	Channel, Name, Kind, URL, Every, Timeout string
	Rating                                   probe.Rating
	History                                  []historyView
	Results                                  []resultView
}

// historyView is one of the last results, as a tile.
type historyView struct {
	Rating probe.Rating
	Title  string
}

type resultView struct {
	record.Record

	Age, Took  string
	Failure    bool // kept because it was one
	Waterfall  []phaseView
	Dimensions []dimensionView
}

// phaseView is one bar of a waterfall, in hundredths of its width.
type phaseView struct {
	Phase, Took string
	From, Width string
}

type dimensionView struct {
	Name   string
	Rating probe.Rating
}

func (h *handler) touchpoint(w http.ResponseWriter, r *http.Request) {
	tp := h.find(r.PathValue("channel"), r.PathValue("touchpoint"))
	if tp == nil {
		plain(w, http.StatusNotFound, "no such touchpoint\n")
		return
	}
	now := time.Now()
	page := touchpointPage{
		frame: h.frame(tp.Title+" – Channelwatch", "../../", now), Channel: tp.Channel, Name: tp.Title,
		Kind: tp.Kind, URL: tp.Profile.URL, Every: tp.Every.String(), Timeout: tp.Timeout.String(),
	}
	page.Refresh = false // somebody reads evidence
	for i, rec := range h.records(tp, true) {
		page.Results = append(page.Results, newResultView(rec, now, i > 0))
	}
	if len(page.Results) > 0 {
		page.Rating = page.Results[0].Rating
	}
	for _, s := range h.opts.Recent.History(tp.Key()) {
		title := s.Start.Format("15:04:05") + ", " + took(s.Duration)
		if s.Cause != "" {
			check, _ := h.opts.Catalogue.Check(s.Cause)
			title += ", " + check.Title
		}
		page.History = append(page.History, historyView{s.Rating, title})
	}
	h.pages.write(w, "touchpoint", page)
}

func (h *handler) find(channel, name string) *probe.Touchpoint {
	for _, c := range h.opts.Source.Channels() {
		if c.Name != channel {
			continue
		}
		for _, tp := range c.Touchpoints {
			if tp.Name == name {
				return tp
			}
		}
	}
	return nil
}

func newResultView(rec record.Record, now time.Time, failure bool) resultView {
	v := resultView{
		Record: rec, Age: ago(now, rec.Start), Failure: failure,
		Took: took(time.Duration(rec.Duration * float64(time.Second))), Waterfall: waterfall(&rec),
	}
	for _, d := range probe.Dimensions() {
		v.Dimensions = append(v.Dimensions, dimensionView{d.String(), rec.Dimensions[d.String()]})
	}
	return v
}

// waterfall places the phases one behind the other.
func waterfall(rec *record.Record) []phaseView {
	total := rec.Duration
	for _, span := range rec.Phases.Spans() {
		total = max(total, (span.Start + span.Duration).Seconds())
	}
	if total == 0 {
		return nil
	}
	var views []phaseView
	for p, span := range rec.Phases.Spans() {
		views = append(views, phaseView{
			Phase: p.String(), Took: took(span.Duration),
			From:  fmt.Sprintf("%.2f", 100*span.Start.Seconds()/total),
			Width: fmt.Sprintf("%.2f", max(100*span.Duration.Seconds()/total, 0.5)),
		})
	}
	return views
}
