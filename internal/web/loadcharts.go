package web

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// loadCharts show how a page loaded in a browser: when customers saw something, what it weighed and who brought that.
func loadCharts(p *view.TouchpointPage, from time.Time) []*chart {
	if p.Loads == nil {
		return nil
	}
	return []*chart{vitalsChart(p, from), weightChart(p.Loads, from, p.At), sitesChart(p.Loads, from, p.At)}
}

// vitalsChart shows what one in four loads took longer than, against the limits of the main content. It is nil when nothing
// was recorded.
func vitalsChart(p *view.TouchpointPage, from time.Time) *chart {
	if len(p.Loads.Vitals) == 0 {
		return nil
	}
	c := &chart{ID: "vitals", Title: "When customers see something", Unit: "seconds", From: from, Until: p.At}
	var lines []view.Point
	for i, v := range p.Loads.Vitals {
		c.Series = append(c.Series, series{vitalLabel(v.Vital), fmt.Sprintf("vital%d", i+1), v.Line})
		lines = append(lines, v.Line...)
	}
	highest := highestOf(lines)
	if p.Limits != nil {
		c.Limits = []limit{upTo("excellent", p.Limits.Excellent), upTo("good", p.Limits.Good), upTo("fair", p.Limits.Fair)}
		highest = max(highest, p.Limits.Good)
	}
	c.Top = roundTop(highest * 1.1)
	return c
}

func vitalLabel(vital probe.Vital) string {
	switch vital {
	case probe.LCP:
		return "main content (LCP)"
	case probe.FCP:
		return "first sign of life (FCP)"
	}
	return "first byte (TTFB)"
}

// weightChart shows what the page's own site and those of others bring. It is nil when nothing was recorded.
func weightChart(l *view.Loads, from, until time.Time) *chart {
	if len(l.Parties) == 0 {
		return nil
	}
	c := &chart{ID: "weight", Title: "What the page weighs, by who brings it", Unit: "bytes", Stacked: true, From: from, Until: until}
	sums := make(map[time.Time]float64)
	for _, p := range l.Parties {
		s := series{"own site", "cause7", p.Line}
		if p.Party == "third" {
			s.Label, s.Class = "third parties", "cause1"
		}
		c.Series = append(c.Series, s)
		for _, point := range p.Line {
			sums[point.At] += point.Value
		}
	}
	c.Top = roundTop(highestOf(sorted(sums)))
	return c
}

// sitesChart shows from how many sites of others a page loads. It is nil when nothing was recorded.
func sitesChart(l *view.Loads, from, until time.Time) *chart {
	if len(l.Sites) == 0 {
		return nil
	}
	return &chart{
		ID: "sites", Title: "Sites of third parties", Unit: "count", From: from, Until: until, Top: max(roundTop(highestOf(l.Sites)), 4),
		Series: []series{{"sites", "vital1", l.Sites}},
	}
}

func highestOf(points []view.Point) float64 {
	highest := 0.0
	for _, p := range points {
		highest = max(highest, p.Value)
	}
	return highest
}
