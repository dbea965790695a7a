package web

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/view"
)

// parity compares the same page on different devices. What is compared is of one kind: recorded figures of all sides, which are those of
// the API and the dashboards, or the last results of all.
type parity struct {
	Sides   []paritySide
	Rows    []parityRow
	Words   []string // what differs, in sentences
	Blind   bool     // whether another agent probes one of the sides: what its page says is not known here
	wait    string   // what customers wait for: a page in a browser shows its main content, any other touchpoint answers
	heading string   // of the row that says how long
	of      string   // which loads it is of; empty for the last ones
}

// paritySide is the page on one device. What is not known is nil.
type paritySide struct {
	channel, touchpoint, kind string

	Title, Type, Link string // of its channel
	Rating            probe.Rating
	here              bool   // whether this agent probes it
	trouble           string // why the last look saw no page, in a sentence; empty when it saw one
	taken             time.Time
	seconds, bytes    *float64
	requests          *float64
	status            int
	url               string
	content           *probe.Content
}

// browserKind is the kind of touchpoints that a browser loads.
const browserKind = "browser"

// parityRow is one fact of every side.
type parityRow struct {
	Name    string
	Cells   []string
	Differs bool
}

// addParity compares the page of a touchpoint with the same page elsewhere; tp is nil when another agent probes it.
func (h *handler) addParity(page *touchpointPage, tp *probe.Touchpoint) {
	var sides []paritySide
	if tp != nil && tp.Pair != "" {
		sides = h.paritySides(tp.Pair, &page.frame)
	}
	recorded := false
	if page.Recorded != nil {
		sides, recorded = mergeSides(sides, page.Recorded.Pair)
	}
	if len(sides) < 2 {
		return
	}
	for i := range sides {
		sides[i].Link = page.Touchpoint(sides[i].channel, sides[i].touchpoint)
	}
	page.Parity = newParity(sides, recorded, page.Now)
}

// paritySides returns the sides that this agent probes, in the order of the configuration.
func (h *handler) paritySides(pair string, f *frame) []paritySide {
	var sides []paritySide
	for _, c := range h.opts.Source.Channels() {
		for _, tp := range c.Touchpoints {
			if tp.Pair == pair {
				side := paritySide{channel: c.Name, touchpoint: tp.Name, kind: tp.Kind, Title: c.Title, Type: string(c.Type), here: true}
				if last, ok := h.opts.Recent.Last(tp.Key()); ok {
					side.read(&last)
					if side.seconds == nil {
						check, _ := h.opts.Catalogue.Check(last.Verdict.Cause)
						side.trouble = f.Pick(view.Sides{Marketing: check.Marketing, IT: check.IT})
					}
				}
				sides = append(sides, side)
			}
		}
	}
	return sides
}

// read takes what the last result saw of the page.
func (s *paritySide) read(e *recent.Entry) {
	s.Rating, s.taken = e.Verdict.Rating, e.Result.Start
	if e.Result.Reason == "" && e.Verdict.Rating != probe.Unknown {
		s.seconds = new(e.Result.Duration.Seconds())
	}
	for _, m := range e.Result.Measurements {
		switch m.Metric {
		case "page_load_bytes":
			s.bytes = plus(s.bytes, m.Value)
		case "page_load_requests":
			s.requests = plus(s.requests, m.Value)
		}
	}
	if visit := e.Result.Evidence.Counted(); visit != nil {
		s.status, s.url, s.content = visit.Status, visit.URL, &visit.Content
	}
}

func plus(sum *float64, v float64) *float64 {
	if sum != nil {
		v += *sum
	}
	return &v
}

// mergeSides adds the sides that other agents probe. Where the figures of all sides were recorded, or where the last result of one is not
// here, recorded figures take the place of those of last results: the figures of a side alone say nothing about the other.
func mergeSides(sides []paritySide, all []view.PairSide) (merged []paritySide, recorded bool) {
	index := func(r view.PairSide) int {
		return slices.IndexFunc(sides, func(s paritySide) bool { return s.channel == r.Channel && s.touchpoint == r.Touchpoint })
	}
	recorded = len(all) > 1 && !slices.ContainsFunc(all, func(r view.PairSide) bool { return r.Seconds == nil && index(r) >= 0 })
	for _, r := range all {
		if index(r) < 0 {
			recorded = true
			sides = append(sides, paritySide{channel: r.Channel, touchpoint: r.Touchpoint, kind: browserKind, Title: r.ChannelTitle, Type: r.ChannelType})
		}
	}
	if !recorded {
		return sides, false
	}
	for i := range sides {
		sides[i].Rating, sides[i].seconds = probe.Unknown, nil
	}
	for _, r := range all {
		s := &sides[index(r)]
		s.Rating, s.seconds = r.Rating, r.Seconds
		if !s.here { // both are of the last load
			s.bytes, s.requests = r.Bytes, r.Requests
		}
	}
	return sides, true
}

// compareWaits decides what the sides' waits are called. How long one kind of touchpoint takes says nothing about another kind.
func (p *parity) compareWaits(recorded bool) {
	p.wait, p.heading = "the main content", "Main content after"
	if recorded {
		p.of = ", in three of four loads of the last hour"
		return
	}
	for i := range p.Sides[1:] {
		if p.Sides[i+1].kind != p.Sides[0].kind {
			for j := range p.Sides {
				p.Sides[j].seconds = nil
			}
			return
		}
	}
	if p.Sides[0].kind != browserKind {
		p.wait, p.heading = "the answer", "Answers after"
	}
}

func newParity(sides []paritySide, recorded bool, now time.Time) *parity {
	p := &parity{Sides: sides}
	p.compareWaits(recorded)
	p.Words = p.differences()
	p.Blind = slices.ContainsFunc(sides, func(s paritySide) bool { return !s.here })
	number := func(name string, of func(*paritySide) *float64, text func(float64) string, far func(a, b float64) bool) {
		p.row(name, func(s *paritySide) string {
			if v := of(s); v != nil {
				return text(*v)
			}
			return ""
		}, anyFar(sides, of, far))
	}
	number(p.heading+p.of, func(s *paritySide) *float64 { return s.seconds }, brief, farInTime)
	number("Loads", func(s *paritySide) *float64 { return s.bytes }, func(v float64) string { return size(int64(v)) }, farInSize)
	number("Requests", func(s *paritySide) *float64 { return s.requests }, func(v float64) string { return strconv.Itoa(int(v)) }, farInSize)
	word := func(name string, of func(*paritySide) string) { p.row(name, of, differ(sides, of)) }
	word("Answers with", func(s *paritySide) string {
		if s.status == 0 {
			return ""
		}
		return fmt.Sprintf("status %d", s.status)
	})
	p.row("Ends at", func(s *paritySide) string { return s.url }, differ(sides, func(s *paritySide) string { return hostless(s.url) }))
	word("Title", contentWord(func(c *probe.Content) string { return bare(c.Title) }))
	word("Heading", contentWord(func(c *probe.Content) string { return bare(c.Heading) }))
	for _, of := range []struct {
		name  string
		count func(*probe.Content) int
	}{
		{"Words", func(c *probe.Content) int { return c.Words }},
		{"Links", func(c *probe.Content) int { return c.Links }},
		{"Pictures", func(c *probe.Content) int { return c.Pictures }},
	} {
		number(of.name, contentCount(of.count), func(v float64) string { return strconv.Itoa(int(v)) }, farInContent)
	}
	p.row("Last result", func(s *paritySide) string {
		if s.taken.IsZero() {
			return ""
		}
		return ago(now, s.taken)
	}, false)
	return p
}

// row adds a fact that at least one side knows.
func (p *parity) row(name string, of func(*paritySide) string, differs bool) {
	row := parityRow{Name: name, Differs: differs}
	known := false
	for i := range p.Sides {
		text := of(&p.Sides[i])
		known = known || text != ""
		row.Cells = append(row.Cells, text)
	}
	if known {
		p.Rows = append(p.Rows, row)
	}
}
