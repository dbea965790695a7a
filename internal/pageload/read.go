package pageload

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of reading a page.
const (
	readTime  = 10 * time.Second // for a page to answer; one that does not hangs
	textLimit = 1 << 20          // characters, and bytes, of visible text
)

// look is what a page tells of itself.
type look struct {
	gathered gathered
	content  struct {
		Title    string `json:"title"`
		Heading  string `json:"heading"`
		Links    int    `json:"links"`
		Pictures int    `json:"pictures"`
		Nodes    int    `json:"nodes"`
		Text     string `json:"text"`
	}
	origin float64 // navigation start of the document, monotonic
}

// Read returns what is known of the load. It may be called more than once; the figures grow with what happened meanwhile.
// After an act, let the page settle first: the browser tells of an interaction once its outcome is on the screen. Read
// needs time of its own, up to 10 s when the page hangs. What is wrong with the page is in the Load: the error says that
// ctx or the browser has ended.
func (p *Page) Read(ctx context.Context) (*Load, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	load := &Load{Settled: p.settled}
	var seen look
	var err error
	shows := p.journal.shows()
	if shows {
		seen, err = p.look(ctx)
	}
	switch {
	case p.crashed():
		load.Crashed = true
	case p.tab.Conn().Err() != nil:
		return nil, p.tab.Conn().Err()
	case errors.Is(err, context.DeadlineExceeded):
		load.Hung = true
	case err != nil:
		return nil, err
	}
	ended := p.ended
	if ended.IsZero() {
		ended = time.Now()
	}
	page := p.journal.fill(load, seen.origin, ended)
	load.Filmstrip = p.film.pictures(page.wall)
	if !p.jarred {
		p.cookies, err = p.jar(ctx)
		busy := load.Hung && errors.Is(err, context.DeadlineExceeded) // a page that hangs keeps the browser busy
		if err != nil && !busy {
			return nil, err
		}
	}
	load.Cookies = assign(p.cookies, page.home)
	if shows && !load.Crashed && !load.Hung {
		seen.fill(load, page)
	}
	return load, nil
}

// look asks the page, for a bounded time: some is left for what the browser knows without it.
func (p *Page) look(ctx context.Context) (look, error) {
	patience := readTime
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)*3/4)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var seen look
	if err := p.ask(ctx, "() => channelwatchVitals.read()", &seen.gathered); err != nil {
		return seen, err
	}
	if err := p.ask(ctx, "limit => channelwatchHands.content(limit)", &seen.content, textLimit); err != nil {
		return seen, err
	}
	var metrics struct {
		All []struct {
			Name  string  `json:"name"`
			Value float64 `json:"value"`
		} `json:"metrics"`
	}
	if err := p.call(ctx, "Performance.getMetrics", nil, &metrics); err != nil {
		return seen, err
	}
	for _, m := range metrics.All {
		if m.Name == "NavigationStart" {
			seen.origin = m.Value
		}
	}
	return seen, nil
}

// fill adds what the page told to a load.
func (s *look) fill(load *Load, page clock) {
	until := load.Duration - page.shift
	load.Vitals = s.gathered.vitals(page.shift, float64(until)/float64(time.Millisecond))
	if l := s.gathered.Largest; l != nil && load.Vitals.LCP != nil {
		load.Largest = &probe.Element{Selector: shownText(l.Selector), URL: shownURL(l.URL)}
	}
	load.Shifts = s.gathered.largestShifts(page.shift)
	load.Blocking = s.gathered.blocking(page.shift)
	load.Text = probe.Clip(s.content.Text, textLimit)
	load.Content = probe.Content{
		Title: shownText(s.content.Title), Heading: shownText(s.content.Heading), Words: len(strings.Fields(load.Text)),
		Links: s.content.Links, Pictures: s.content.Pictures, Nodes: s.content.Nodes,
	}
}
