package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
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
	OnlyWhenDue                          bool // never probed in between
	Rating                               probe.Rating
	History                              []historyItem
	Results                              []resultRow
	Recorded                             *view.TouchpointPage // nil without scores
	From                                 time.Time            // start of the time axis
	Pictures                             []*chart
	Lost                                 *chart
	Latest                               *visitView // the last load of a page in a browser
	Vitals                               []vitalRow // recorded, where there is no load here
	Parity                               *parity    // the same page on other devices
	Field                                *fieldTable
	Messages                             *messagesView // of a touchpoint that sends some
	Probed                               *resultRow    // the result of a probe that a reader asked for
	ProbedGone                           bool          // it is no longer kept
	Refused                              string        // why there is none
}

// ChannelLink returns a link to the page of the touchpoint's channel.
func (p *touchpointPage) ChannelLink() string { return p.frame.Channel(p.Channel) }

// ProbeLink returns where to ask for a probe: the page itself, so that loading it again asks for none.
func (p *touchpointPage) ProbeLink() string { return p.Touchpoint(p.Channel, p.Name) }

// RecordedWhy returns the sentence for the reader about what costs most, or about why nothing could be measured; empty when
// there is none.
func (p *touchpointPage) RecordedWhy() string {
	why := p.Pick(p.Recorded.Words.Cause)
	if why == "" && p.Rating == probe.Unknown && len(p.Results) > 0 && p.Results[0].Rating == probe.Unknown && p.Results[0].Cause != nil {
		cause := p.Results[0].Cause
		why = p.Pick(view.Sides{Marketing: cause.Marketing, IT: cause.IT})
	}
	return why
}

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
	Steps      []stepRow // of a journey
	Dimensions []dimensionRow
	Visit      *visitView
	Above      bool // whether the pictures and figures of the visit stand above
}

// phaseRow is one bar of a waterfall, in hundredths of its width.
type phaseRow struct {
	Phase, Words string // Words say what happens in it, for phases that their name does not explain
	Took         string
	From, Width  string
}

type dimensionRow struct {
	Name   string
	Rating probe.Rating
}

// PhaseWords returns the phases that need an explanation.
func (r *resultRow) PhaseWords() []phaseRow {
	return slices.DeleteFunc(slices.Clone(r.Waterfall), func(p phaseRow) bool { return p.Words == "" })
}

// Beside returns the evidence beside loads of pages; nil when there is none.
func (r *resultRow) Beside() *probe.Evidence {
	if e := r.Evidence; e != nil && (len(e.Exchanges) > 0 || len(e.Events) > 0) {
		return e
	}
	return nil
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
	tp := h.find(channel, name)
	if tp != nil {
		h.addResults(page, tp)
	}
	h.addRecorded(r.Context(), page)
	h.addParity(page, tp)
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
	page.Here, page.CanProbe, page.OnlyWhenDue = true, h.opts.Probe != nil && !tp.OnlyWhenDue, tp.OnlyWhenDue
	page.Heading, page.Kind, page.URL, page.Tier = tp.Title, tp.Kind, tp.Profile.URL, string(tp.Tier)
	page.Every, page.Timeout = spelled(tp.Every), spelled(tp.Timeout)
	for i, rec := range h.records(tp, true) {
		row := newResultRow(&rec, &page.frame, i > 0)
		row.Newest = i == 1 && page.Results[0].Rating >= probe.Good
		row.Open = page.IT && (i == 0 || row.Newest)
		most := barsOlder
		if i == 0 || row.Newest {
			most = barsNewest
		}
		if row.Visit = page.newVisit(&rec, tp.Limits, most); i == 0 {
			page.Latest, row.Above = row.Visit, row.Visit != nil
		}
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
	page.Field = newField(recorded.Field)
	page.Messages = page.newMessages(recorded)
	if page.Latest == nil || page.Latest.Note != "" {
		page.Vitals = recordedVitals(&page.frame, recorded)
	}
	page.addCharts(recorded)
}

// addCharts draws how it went. Of a page in a browser its vitals say more about speed than one line does, and of messages how
// long they took to arrive.
func (p *touchpointPage) addCharts(recorded *view.TouchpointPage) {
	delivery := deliveryChart(recorded, p.From)
	charts := append([]*chart{scoreChart(recorded.Score, p.From, recorded.At), delivery}, loadCharts(recorded, p.From)...)
	if title := speedTitle(recorded); title != "" {
		charts = append(charts, speedChart(&recorded.Touchpoint, "speed", title, p.From, recorded.At))
	}
	if recorded.Messages == nil { // whose phases begin together: acceptance and arrival are not one after the other
		charts = append(charts, phaseChart(recorded.Phases, p.From, recorded.At))
	}
	for _, c := range charts {
		if c != nil {
			p.Pictures = append(p.Pictures, c)
		}
	}
	p.Charts = len(p.Pictures) > 0
}

// speedTitle is empty where how long probes last says nothing, or other charts say more.
func speedTitle(recorded *view.TouchpointPage) string {
	switch m := recorded.Messages; {
	case m != nil && m.Seen != nil && !*m.Seen:
		return "How long the messaging service takes to accept"
	case m != nil, recorded.Kind == ownSender, recorded.Loads != nil && len(recorded.Loads.Vitals) > 0:
		return ""
	}
	return "How long answers take"
}

func newResultRow(rec *record.Record, f *frame, failure bool) resultRow {
	row := resultRow{
		Record: *rec, Age: ago(f.Now, rec.Start), Failure: failure, Took: seconds(rec.Duration), Waterfall: waterfall(rec, f),
	}
	if rec.Evidence != nil {
		row.Steps = newSteps(rec.Evidence.Steps)
	}
	for _, d := range probe.Dimensions() {
		row.Dimensions = append(row.Dimensions, dimensionRow{d.String(), rec.Dimensions[d.String()]})
	}
	return row
}

// phaseWords says what happens in a phase of a page in a browser; its name alone tells nobody.
func phaseWords(p probe.Phase) view.Sides {
	switch p {
	case probe.Discover:
		return view.Sides{Marketing: "until the browser knew of the main content", IT: "first byte to request of the largest content (load delay)"}
	case probe.Load:
		return view.Sides{Marketing: "until the main content had arrived", IT: "request of the largest content to its last byte (load duration)"}
	case probe.Render:
		return view.Sides{Marketing: "until it was on the screen", IT: "last byte to paint (element render delay)"}
	case probe.Accept:
		return view.Sides{Marketing: "until the messaging service had taken the message", IT: "sending to the provider's acceptance"}
	case probe.Deliver:
		return view.Sides{Marketing: "until the message had arrived", IT: "sending to the arrival; it begins with accept"}
	}
	return view.Sides{}
}

// begins returns when a phase began. A message is on its way to who takes it and to who gets it at once.
func begins(p probe.Phase, s probe.Span) time.Duration {
	if p == probe.Deliver {
		return 0
	}
	return s.Start
}

// waterfall places the phases one behind the other.
func waterfall(rec *record.Record, f *frame) []phaseRow {
	total := rec.Duration
	for p, span := range rec.Phases.Spans() {
		total = max(total, (begins(p, span) + span.Duration).Seconds())
	}
	if total == 0 {
		return nil
	}
	var rows []phaseRow
	for p, span := range rec.Phases.Spans() {
		rows = append(rows, phaseRow{
			Phase: p.String(), Words: f.Pick(phaseWords(p)), Took: took(span.Duration),
			From:  fmt.Sprintf("%.2f", 100*begins(p, span).Seconds()/total),
			Width: fmt.Sprintf("%.2f", max(100*span.Duration.Seconds()/total, 0.5)),
		})
	}
	return rows
}
