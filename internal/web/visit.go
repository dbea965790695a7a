package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/view"
)

const (
	maxConsole = 30 // lines of a console that a page shows
	maxShifts  = 8  // moves of a layout
	maxSites   = 15 // sites of others
)

// visitView is one load of a page by a browser, as the pages show it.
type visitView struct {
	*probe.Visit

	At         time.Time
	Vitals     []vitalRow
	Screenshot *pictureView
	Film       []pictureView
	Runs       []string // of all loads of the result, when there are several
	Facts      []fact
	Types      []weightRow // heaviest first
	Sites      []weightRow // of others, heaviest first
	SitesTitle string
	SitesMore  int
	Bars       bars
	Lines      []probe.ConsoleLine
	LinesMore  int
	Moves      []probe.Shift
	Summary    string // what it loaded, in a line
	Note       string // why the load has no figures; empty when it has
}

// pictureView is a picture that a browser took.
type pictureView struct {
	*probe.Picture

	Link  string
	Title string // of the page that it shows
	Led   bool   // whether that is where the steps led, and not the page that was measured
}

// Took says when the picture was taken, since the start of the load.
func (p *pictureView) Took() string { return brief(p.At.Seconds()) }

// Tall reports whether the screenshot is higher than wide, as that of a phone.
func (v *visitView) Tall() bool {
	return v.Screenshot != nil && v.Screenshot.Height > v.Screenshot.Width
}

// fact is one thing to know about a load.
type fact struct{ Name, Value string }

// weightRow is a part of what a page loads.
type weightRow struct {
	Name, Kinds string
	Requests    int
	Bytes       int64
	Width       string // of a bar, in hundredths
}

// openedVisit is a load with whether its details are open.
type openedVisit struct {
	Visit *visitView
	Open  bool
}

func openVisit(v *visitView, open bool) openedVisit { return openedVisit{v, open} }

// weights is a table of what a page loads, with its words.
type weights struct {
	Title, Of string
	Rows      []weightRow
}

func newWeights(title, of string, rows []weightRow) weights { return weights{title, of, rows} }

// newVisit returns the load that a result has its figures of, or the last that was tried; nil when there is none. most is how
// many requests it shows at most.
func (p *touchpointPage) newVisit(rec *record.Record, limits probe.Limits, most int) *visitView {
	visit := rec.Evidence.Counted()
	if visit == nil {
		return nil
	}
	v := &visitView{Visit: visit, At: rec.Start, Screenshot: p.screenshot(rec.Evidence)}
	switch {
	case rec.Rating == probe.Unknown && rec.Cause != nil:
		v.Note = p.Pick(view.Sides{Marketing: rec.Cause.Marketing, IT: rec.Cause.IT})
	case len(visit.Vitals) == 0:
		v.Note = "This load has no figures: the page did not come up as it should."
	default:
		v.Vitals, v.Runs = vitalRows(&p.frame, visit.Vitals, limits.Bounds(), visit.Largest), runs(rec.Evidence.Visits)
	}
	for j := range visit.Filmstrip {
		if shot := &visit.Filmstrip[j]; shot.ID != "" {
			v.Film = append(v.Film, pictureView{Picture: shot, Link: p.pictureLink(p.Channel, p.Name, shot.ID)})
		}
	}
	figures := newFigures(rec)
	v.Types = figures.byType()
	if v.Types == nil {
		v.Types = byType(visit.Requests)
	}
	v.Sites, v.SitesMore = bySite(visit.Requests)
	if v.SitesTitle = "Third parties"; visit.Omitted > 0 {
		v.SitesTitle += fmt.Sprintf(", of the first %d requests", len(visit.Requests))
	}
	v.Bars = newBars(visit, most)
	v.Lines = visit.Console[:min(len(visit.Console), maxConsole)]
	v.LinesMore = max(len(visit.Console), int(figures.sum("page_console_messages"))) - len(v.Lines)
	v.Moves = visit.Shifts[:min(len(visit.Shifts), maxShifts)]
	v.addFacts(figures)
	return v
}

// screenshot returns what the page looked like that the run ended with; nil when no picture of it is kept.
func (p *touchpointPage) screenshot(e *probe.Evidence) *pictureView {
	shown := e.Pictured()
	if shown == nil || shown.Screenshot.ID == "" {
		return nil
	}
	return &pictureView{
		Picture: shown.Screenshot, Link: p.pictureLink(p.Channel, p.Name, shown.Screenshot.ID), Title: bare(shown.Content.Title), Led: shown != e.Counted(),
	}
}

// runs says how fast each of several loads was; nil for one. Where the steps of a run led is not another load.
func runs(visits []probe.Visit) []string {
	var all []string
	for i := range visits {
		if i > 0 && visits[i].Run == visits[i-1].Run {
			continue
		}
		text := "no figures"
		if lcp, ok := visits[i].Vitals[string(probe.LCP)]; ok {
			text = brief(lcp)
		}
		if visits[i].Published {
			text += " (shown)"
		}
		all = append(all, text)
	}
	if len(all) == 1 {
		return nil
	}
	return all
}

// byType sums requests up by what they asked for.
func byType(requests []probe.Request) []weightRow {
	return weigh(requests, func(r *probe.Request) string { return r.Type })
}

// bySite sums the requests to others up by site; more counts those that are left out.
func bySite(requests []probe.Request) (rows []weightRow, more int) {
	rows = weigh(requests, func(r *probe.Request) string {
		if !r.ThirdParty {
			return ""
		}
		return r.Site
	})
	kept := min(len(rows), maxSites)
	return rows[:kept], len(rows) - kept
}

// byType returns what was counted of all requests by what they asked for, the heaviest first; nil when nothing was.
func (f loadFigures) byType() []weightRow {
	var rows []weightRow
	for key, n := range f {
		if key[0] == "page_load_requests" && n > 0 {
			bytes, _ := f.of("page_load_bytes", key[1])
			rows = append(rows, weightRow{Name: key[1], Kinds: key[1], Requests: int(n), Bytes: bytes})
		}
	}
	return byWeight(rows)
}

// weigh sums requests up by name, the heaviest first. Those without a name, and those that
// were not sent, are left out.
func weigh(requests []probe.Request, name func(*probe.Request) string) []weightRow {
	sums, kinds := make(map[string]*weightRow), make(map[string]map[string]bool)
	for i := range requests {
		r := &requests[i]
		n := name(r)
		if n == "" || r.Error == blocked {
			continue
		}
		if sums[n] == nil {
			sums[n], kinds[n] = &weightRow{Name: n}, make(map[string]bool)
		}
		sums[n].Bytes += r.Bytes
		sums[n].Requests++
		kinds[n][r.Type] = true
	}
	rows := make([]weightRow, 0, len(sums))
	for n, row := range sums {
		row.Kinds = strings.Join(slices.Sorted(maps.Keys(kinds[n])), ", ")
		rows = append(rows, *row)
	}
	return byWeight(rows)
}

// byWeight sorts rows, the heaviest first, and gives each its bar.
func byWeight(rows []weightRow) []weightRow {
	heaviest := int64(1)
	for i := range rows {
		heaviest = max(heaviest, rows[i].Bytes)
	}
	slices.SortFunc(rows, func(a, b weightRow) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	for i := range rows {
		rows[i].Width = fixed(max(100*float64(rows[i].Bytes)/float64(heaviest), 1))
	}
	return rows
}

// counted prints a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// size prints bytes with the unit that reads best, of 1000s.
func size(n int64) string {
	switch v := float64(n); {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case v < 9950:
		return trimmed(v/1e3, 1) + " kB"
	case v < 999_500:
		return trimmed(v/1e3, 0) + " kB"
	case v < 9_995_000:
		return trimmed(v/1e6, 2) + " MB"
	default:
		return trimmed(v/1e6, 1) + " MB"
	}
}
