package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/view"
)

// touchpointPage is everything about one touchpoint: what the agent that probes it remembers, and what was recorded.
type touchpointPage struct {
	frame
	Channel, ChannelTitle, Name, Heading string
	Kind, URL, Every, Timeout, Tier      string
	Here                                 bool // whether this agent probes it
	CanProbe                             bool
	Rating                               probe.Rating
	History                              []historyItem
	Results                              []resultRow
	Recorded                             *view.TouchpointPage // nil without scores
	From                                 time.Time            // start of the time axis
	Pictures                             []*chart
	Lost                                 *chart
	Probed                               *resultRow // the result of a probe that a reader asked for
	ProbedGone                           bool       // it is no longer kept
	Refused                              string     // why there is none
}

// ChannelLink returns a link to the page of the touchpoint's channel.
func (p *touchpointPage) ChannelLink() string { return p.frame.Channel(p.Channel) }

// ProbeLink returns where to ask for a probe: the page itself, so that loading it again asks for none.
func (p *touchpointPage) ProbeLink() string { return p.Touchpoint(p.Channel, p.Name) }

// RecordedWhy returns the sentence for the reader about what costs most; empty when there is none.
func (p *touchpointPage) RecordedWhy() string { return p.Pick(p.Recorded.Words.Cause) }

// SoFarOf is SoFar of one of the recorded windows.
func (p *touchpointPage) SoFarOf(s view.Score) string { return p.SoFar(&s) }

// List returns the timeline for those who do not see it.
func (p *touchpointPage) List() spanList {
	return newSpanList(p.Heading, &p.frame, p.Recorded.Timeline)
}

// historyItem is one of the last results, as a tile.
type historyItem struct {
	Rating probe.Rating
	Title  string
}

// resultRow is a result as the pages show it.
type resultRow struct {
	record.Record

	Age, Took  string
	Failure    bool // kept because it was one
	Open       bool // whether the evidence is open
	Newest     bool // the newest failure, after a result that was none
	Waterfall  []phaseRow
	Dimensions []dimensionRow
}

// phaseRow is one bar of a waterfall, in hundredths of its width.
type phaseRow struct {
	Phase, Took string
	From, Width string
}

type dimensionRow struct {
	Name   string
	Rating probe.Rating
}

func (h *handler) touchpoint(w http.ResponseWriter, r *http.Request) {
	page, ok := h.newTouchpointPage(w, r)
	if !ok {
		h.notThere(w, r, page.frame, "There is no such touchpoint, or nothing was recorded about it yet.")
		return
	}
	h.page(w, r, http.StatusOK, "touchpoint", page)
}

// newTouchpointPage gathers what is known about the touchpoint of a request; false when nothing is.
func (h *handler) newTouchpointPage(w http.ResponseWriter, r *http.Request) (*touchpointPage, bool) {
	channel, name := r.PathValue("channel"), r.PathValue("touchpoint")
	page := &touchpointPage{frame: h.frame(w, r, "channels", name, 2), Channel: channel, ChannelTitle: channel, Name: name, Heading: name}
	page.Refresh = 0 // somebody reads evidence
	if tp := h.find(channel, name); tp != nil {
		h.addResults(page, tp)
	}
	h.addRecorded(r.Context(), page)
	h.addProbed(r, page)
	if page.Title = page.Heading; page.Probed != nil {
		page.Title = "Probed: " + view.Word(page.Probed.Rating) + " – " + page.Heading
	}
	for _, c := range h.opts.Source.Channels() {
		if c.Name == channel {
			page.ChannelTitle = c.Title
		}
	}
	return page, page.Here || page.Recorded != nil
}

// addResults adds what this agent remembers.
func (h *handler) addResults(page *touchpointPage, tp *probe.Touchpoint) {
	page.Here, page.CanProbe = true, h.opts.Probe != nil
	page.Heading, page.Kind, page.URL, page.Tier = tp.Title, tp.Kind, tp.Profile.URL, string(tp.Tier)
	page.Every, page.Timeout = tp.Every.String(), tp.Timeout.String()
	for i, rec := range h.records(tp, true) {
		row := newResultRow(rec, page.Now, i > 0)
		row.Newest = i == 1 && page.Results[0].Rating >= probe.Good
		row.Open = page.IT && (i == 0 || row.Newest)
		page.Results = append(page.Results, row)
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
		page.History = append(page.History, historyItem{s.Rating, title})
	}
}

// addRecorded adds what the recorded series say. Where they say nothing the page shows the results alone.
func (h *handler) addRecorded(ctx context.Context, page *touchpointPage) {
	why, ready := h.opts.scores()
	if !ready {
		page.Why = why
		return
	}
	ctx, cancel := context.WithTimeout(ctx, viewDeadline)
	defer cancel()
	recorded, err := h.opts.Views.Touchpoint(ctx, page.Channel, page.Name, page.Range)
	if err == nil && page.tooYoung(recorded.At, recorded.Timeline) {
		recorded, err = h.opts.Views.Touchpoint(ctx, page.Channel, page.Name, page.Range)
	}
	if err != nil {
		if page.Why = "Nothing was recorded about this touchpoint yet."; !errors.Is(err, view.ErrNotFound) {
			page.Why = unreadable(err)
		}
		return
	}
	page.addNotice(why)
	page.Recorded, page.Rating = recorded, recorded.Rating
	if !page.Here {
		page.Heading, page.Kind, page.Tier = recorded.Title, recorded.Kind, recorded.Tier
	}
	page.From = page.start(recorded.From, recorded.At)
	page.Lost = lostChart(recorded.Lost, recorded.Score, page.From, recorded.At)
	for _, c := range []*chart{
		scoreChart(recorded.Score, page.From, recorded.At),
		speedChart(&recorded.Touchpoint, "speed", "How long answers take", page.From, recorded.At),
		phaseChart(recorded.Phases, page.From, recorded.At),
	} {
		if c != nil {
			page.Pictures = append(page.Pictures, c)
		}
	}
	page.Charts = len(page.Pictures) > 0
}

func newResultRow(rec record.Record, now time.Time, failure bool) resultRow {
	row := resultRow{
		Record: rec, Age: ago(now, rec.Start), Failure: failure, Took: seconds(rec.Duration), Waterfall: waterfall(&rec),
	}
	for _, d := range probe.Dimensions() {
		row.Dimensions = append(row.Dimensions, dimensionRow{d.String(), rec.Dimensions[d.String()]})
	}
	return row
}

// waterfall places the phases one behind the other.
func waterfall(rec *record.Record) []phaseRow {
	total := rec.Duration
	for _, span := range rec.Phases.Spans() {
		total = max(total, (span.Start + span.Duration).Seconds())
	}
	if total == 0 {
		return nil
	}
	var rows []phaseRow
	for p, span := range rec.Phases.Spans() {
		rows = append(rows, phaseRow{
			Phase: p.String(), Took: took(span.Duration),
			From:  fmt.Sprintf("%.2f", 100*span.Start.Seconds()/total),
			Width: fmt.Sprintf("%.2f", max(100*span.Duration.Seconds()/total, 0.5)),
		})
	}
	return rows
}
