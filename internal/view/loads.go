package view

import (
	"context"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// browserKind is the kind of touchpoints that a browser loads.
const browserKind = "browser"

// leastMean is the least that a mean of what was measured every few minutes is taken over.
const leastMean = 5 * time.Minute

// addBrowser adds to the page of a touchpoint what only browsers measure.
func (p *TouchpointPage) addBrowser(ctx context.Context, engine query.Engine, g grid, only []string) error {
	var vitals, weight, infos, figures, field []query.Series
	a := ask(ctx, engine)
	a.vitals(g, only, p.At, &vitals)
	a.weight(g, only, p.At, &weight)
	a.pair(p.At, only, &infos, &figures)
	a.field(p.At, is("channel", p.Channel), &field)
	if err := a.wait(); err != nil {
		return err
	}
	p.Queries = append(p.Queries,
		QueryOfInterest{"Vitals that one in four loads took longer than", selector([]string{"touchpoint_vital:channelwatch_web_vital_seconds:p75_1h"}, only...)},
		QueryOfInterest{"Bytes of the last load by party", selector([]string{"channelwatch_page_party_bytes"}, only...)},
	)
	p.Loads = readLoads(vitals, weight)
	p.Pair = readPair(infos, figures)
	p.Field = readFields(field, p.Name, func(string) Touchpoint { return p.Touchpoint })
	return nil
}

// vitals asks for the figures that are times, through the range.
func (a *asker) vitals(g grid, only []string, until time.Time, into *[]query.Series) {
	expr := "last_over_time(" + selector([]string{"touchpoint_vital:channelwatch_web_vital_seconds:p75_1h"}, only...) +
		"[" + shortOf(2*hourly.every()) + "])"
	a.over("the vitals", expr, axisUntil(until, g.length, g.speed), into)
}

// weight asks for what a page loads, and from how many sites of others. The mean of no name is taken, so that they are
// asked for one by one.
func (a *asker) weight(g grid, only []string, until time.Time, into *[]query.Series) {
	mean := func(name string) string {
		return "avg_over_time(" + selector([]string{name}, only...) + "[" + promDuration(max(g.speed, leastMean)) + "])"
	}
	expr := mean("channelwatch_page_party_bytes") + " or " + mean("channelwatch_page_third_party_sites")
	a.over("the weight of the page", expr, axisUntil(until, g.length, g.speed), into)
}

// readLoads returns nil when nothing was recorded.
func readLoads(vitals, weight []query.Series) *Loads {
	l := &Loads{}
	vitals, weight = oneSource(vitals), oneSource(weight)
	for _, vital := range []probe.Vital{probe.LCP, probe.FCP, probe.TTFB} {
		for _, s := range vitals {
			if s.Labels["vital"] == string(vital) {
				l.Vitals = append(l.Vitals, VitalOverTime{vital, pointsOf(s)})
			}
		}
	}
	for _, party := range []string{"first", "third", ""} {
		for _, s := range weight {
			switch {
			case s.Labels["party"] != party:
			case party == "":
				l.Sites = pointsOf(s)
			default:
				l.Parties = append(l.Parties, PartyOverTime{party, pointsOf(s)})
			}
		}
	}
	if l.Vitals == nil && l.Parties == nil && l.Sites == nil {
		return nil
	}
	return l
}
