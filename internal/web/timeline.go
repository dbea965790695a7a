package web

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// The strip of a timeline is drawn in a box of 1000 by 24 that is stretched to the width of the page.
const (
	stripWidth  = 1000.0
	stripHeight = 24.0
)

// barHeight makes trouble stick out without its colour: the worse, the taller.
func barHeight(r probe.Rating) float64 {
	switch r {
	case probe.Poor:
		return stripHeight
	case probe.Fair:
		return 17
	case probe.Unknown:
		return 5
	}
	return 9
}

// timeline draws the ratings of a channel from one time to another. Stretches below good tell their time when they are
// pointed at; the rest is one path for each colour, so that a page of 60 channels stays small. It is hidden from screen
// readers: a list beside it says the same.
func timeline(spans []view.Span, from, until time.Time) template.HTML {
	paths := make(map[probe.Rating]*strings.Builder)
	var low, b strings.Builder
	b.WriteString(`<svg class="strip" viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true" focusable="false">`)
	for _, s := range spans {
		x, width, ok := place(s.From, s.Until, from, until)
		if !ok {
			continue
		}
		height := barHeight(s.Rating)
		if s.Rating == probe.Poor || s.Rating == probe.Fair {
			low.WriteString(`<rect class="` + s.Rating.String() + `" x="` + fixed(x) + `" y="` + fixed(stripHeight-height) +
				`" width="` + fixed(width) + `" height="` + fixed(height) + `"><title>` + view.Word(s.Rating) + ", " +
				s.From.Local().Format("Mon 15:04") + "–" + s.Until.Local().Format("15:04") + "</title></rect>")
			continue
		}
		path := paths[s.Rating]
		if path == nil {
			path = &strings.Builder{}
			paths[s.Rating] = path
		}
		path.WriteString("M" + fixed(x) + " " + fixed(stripHeight-height) + "h" + fixed(width) + "v" + fixed(height) + "h-" + fixed(width) + "z")
	}
	for _, r := range []probe.Rating{probe.Excellent, probe.Good, probe.Unknown} {
		if path := paths[r]; path != nil {
			b.WriteString(`<path class="` + r.String() + `" d="` + path.String() + `"/>`)
		}
	}
	b.WriteString(low.String())
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}

// pressure draws when a host was under pressure.
func pressure(spans []view.Stretch, from, until time.Time) template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="strip" viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true" focusable="false"><path class="base" d="M0 23h1000v1h-1000z"/>`)
	for _, s := range spans {
		if x, width, ok := place(s.From, s.Until, from, until); ok {
			b.WriteString(`<rect class="pressure" x="` + fixed(x) + `" y="6" width="` + fixed(width) + `" height="18"/>`)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}

// place returns where a stretch lies in a strip; false when it lies outside. The shortest trouble still has a width that
// can be seen.
func place(begin, end, from, until time.Time) (x, width float64, ok bool) {
	total := until.Sub(from).Seconds()
	if total <= 0 {
		return 0, 0, false
	}
	left := max(begin.Sub(from).Seconds()/total, 0) * stripWidth
	right := min(end.Sub(from).Seconds()/total, 1) * stripWidth
	if right <= left {
		return 0, 0, false
	}
	return min(left, stripWidth-1.5), max(right-left, 1.5), true
}

// fixed prints a coordinate; a tenth of a thousandth of the width is finer than any screen.
func fixed(v float64) string {
	text := strconv.FormatFloat(v, 'f', 1, 64)
	return strings.TrimSuffix(text, ".0")
}

// tick is a mark of a time axis.
type tick struct {
	at    time.Time
	label string
	as    string // how the scripts print it
}

// ticks returns the marks of an axis: whole hours and days of the agent's zone.
func ticks(from, until time.Time) []tick {
	step, layout, as := 10*time.Minute, "15:04", "hm"
	switch total := until.Sub(from); {
	case total > 15*24*time.Hour:
		step, layout, as = 4*24*time.Hour, "2 Jan", "day"
	case total > 2*24*time.Hour:
		step, layout, as = 24*time.Hour, "Mon 2", "weekday"
	case total > 2*time.Hour:
		step = 3 * time.Hour
	case total <= 20*time.Minute:
		step = 2 * time.Minute
	}
	local := from.Local()
	at := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.Local)
	var marks []tick
	for ; at.Before(until); at = next(at, step) {
		if at.After(from) {
			marks = append(marks, tick{at, at.Format(layout), as})
		}
	}
	return marks
}

// next is a step later; days are as long as the zone makes them.
func next(at time.Time, step time.Duration) time.Time {
	if days := int(step / (24 * time.Hour)); days > 0 {
		return at.AddDate(0, 0, days)
	}
	return at.Add(step)
}

// axis draws the marks of a time axis under strips of the same width.
func axis(from, until time.Time) template.HTML {
	total := until.Sub(from).Seconds()
	var b strings.Builder
	b.WriteString(`<svg class="axis" aria-hidden="true" focusable="false" data-from="` + from.UTC().Format(time.RFC3339) + `" data-until="` +
		until.UTC().Format(time.RFC3339) + `">`)
	for i, t := range ticks(from, until) {
		x := 100 * t.at.Sub(from).Seconds() / total
		if x < 2 || x > 98 {
			continue // it would reach out of the picture
		}
		class := ""
		if i%2 == 1 {
			class = ` class="odd"` // left out where the page is narrow
		}
		b.WriteString(`<g` + class + `><line x1="` + fixed(x) + `%" x2="` + fixed(x) + `%" y1="0" y2="5"/><text x="` + fixed(x) +
			`%" y="17" text-anchor="middle" data-time="` + t.at.UTC().Format(time.RFC3339) + `" data-as="` + t.as + `">` + t.label + `</text></g>`)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}
