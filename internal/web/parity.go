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

// parity compares the same page on different devices.
type parity struct {
	Sides []paritySide
	Rows  []parityRow
	Words []string // what differs, in sentences
	Blind bool     // whether another agent probes one of the sides: what its page says is not known here
}

// paritySide is the page on one device. What is not known is nil.
type paritySide struct {
	channel, touchpoint string

	Title, Type, Link string // of its channel
	Rating            probe.Rating
	here              bool   // whether this agent probes it
	trouble           string // why the last look saw no page, in two to four words; empty when it saw one
	taken             time.Time
	seconds, bytes    *float64
	requests          *float64
	status            int
	url               string
	content           *probe.Content
}

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
		sides = h.paritySides(tp.Pair)
	}
	if page.Recorded != nil {
		for i := range page.Recorded.Pair {
			sides = mergeSide(sides, &page.Recorded.Pair[i])
		}
	}
	if len(sides) < 2 {
		return
	}
	for i := range sides {
		sides[i].Link = page.Touchpoint(sides[i].channel, sides[i].touchpoint)
	}
	page.Parity = newParity(sides, page.Now)
}

// paritySides returns the sides that this agent probes, in the order of the configuration.
func (h *handler) paritySides(pair string) []paritySide {
	var sides []paritySide
	for _, c := range h.opts.Source.Channels() {
		for _, tp := range c.Touchpoints {
			if tp.Pair == pair {
				side := paritySide{channel: c.Name, touchpoint: tp.Name, Title: c.Title, Type: string(c.Type), here: true}
				if last, ok := h.opts.Recent.Last(tp.Key()); ok {
					side.read(&last)
					if side.seconds == nil {
						check, _ := h.opts.Catalogue.Check(last.Verdict.Cause)
						side.trouble = check.Title
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

// mergeSide adds a recorded side, or what was recorded of one that has no result here yet.
func mergeSide(sides []paritySide, r *view.PairSide) []paritySide {
	i := slices.IndexFunc(sides, func(s paritySide) bool { return s.channel == r.Channel && s.touchpoint == r.Touchpoint })
	if i < 0 {
		i = len(sides)
		sides = append(sides, paritySide{channel: r.Channel, touchpoint: r.Touchpoint, Title: r.ChannelTitle, Type: r.ChannelType})
	}
	if s := &sides[i]; s.taken.IsZero() {
		s.Rating, s.seconds, s.bytes, s.requests = r.Rating, r.Seconds, r.Bytes, r.Requests
	}
	return sides
}

func newParity(sides []paritySide, now time.Time) *parity {
	p := &parity{Sides: sides, Words: differences(sides)}
	p.Blind = slices.ContainsFunc(sides, func(s paritySide) bool { return !s.here })
	number := func(name string, of func(*paritySide) *float64, text func(float64) string, far func(a, b float64) bool) {
		p.row(name, func(s *paritySide) string {
			if v := of(s); v != nil {
				return text(*v)
			}
			return ""
		}, anyFar(sides, of, far))
	}
	number("Main content after", func(s *paritySide) *float64 { return s.seconds }, brief, farInTime)
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
	word("Title", contentWord(func(c *probe.Content) string { return c.Title }))
	word("Heading", contentWord(func(c *probe.Content) string { return c.Heading }))
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
