package web

import (
	"html/template"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// spark draws the line of a score, on the same scale for every channel: 0 to 100, with the bands of excellent and good
// marked. Where nothing was measured the line has a hole.
func spark(points []view.Point, from, until time.Time) template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="spark" viewBox="0 -4 1000 108" preserveAspectRatio="none" aria-hidden="true" focusable="false">` +
		`<path class="band" d="M0 10h1000M0 25h1000M0 50h1000"/><path class="line" d="`)
	b.WriteString(linePath(points, from, until, 100))
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}

// linePath returns the path of a line in a box of 1000 by 100 whose top is at most. A hole of more than two and a half
// usual steps breaks it.
func linePath(points []view.Point, from, until time.Time, top float64) string {
	total := until.Sub(from).Seconds()
	if total <= 0 || top <= 0 {
		return ""
	}
	step := usualStep(points)
	var b strings.Builder
	for i, p := range points {
		x := 1000 * p.At.Sub(from).Seconds() / total
		y := 100 - 100*min(max(p.Value/top, 0), 1)
		command := "L"
		if i == 0 || p.At.Sub(points[i-1].At) > step*5/2 {
			command = "M"
		}
		b.WriteString(command + fixed(x) + " " + fixed(y))
		last := i == len(points)-1 || points[i+1].At.Sub(p.At) > step*5/2
		if command == "M" && last {
			b.WriteString("h-8") // a point alone is drawn as a dash
		}
	}
	return b.String()
}

// usualStep returns the shortest time between two points.
func usualStep(points []view.Point) time.Duration {
	var step time.Duration
	for i := 1; i < len(points); i++ {
		if d := points[i].At.Sub(points[i-1].At); step == 0 || d < step {
			step = d
		}
	}
	return step
}
