package view

import (
	"context"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// touchpointPage asks for what the recorded series know of one touchpoint.
func touchpointPage(ctx context.Context, engine query.Engine, last rounds, channel, name string, r Range) (*TouchpointPage, error) {
	q, phases := parts{rows: rows{rounds: last, grid: r.grid()}}, []query.Series{}
	var messages heard
	at, g := last[recent], q.grid
	only := append(is("channel", channel), is("touchpoint", name)...)
	a := ask(ctx, engine)
	a.info(at, append(channelInfo(), touchpointInfo()...), is("channel", channel), &q.info)
	a.sentences(at, &q.sentences)
	a.coverage(at, is("channel", channel), &q.measured)
	q.windows = map[window]*[]query.Series{recent: &q.now, hourly: {}, daily: &q.day, weekly: {}, monthly: &q.month}
	for w, into := range q.windows {
		if recorded, ok := last[w]; ok {
			a.figures(w, recorded, touchpoints.names(w), only, into)
		}
	}
	a.ratings(g, []rated{touchpoints.rated()}, only, at, &q.ratings)
	a.lines(touchpoints, g, last, only, &q.lines)
	a.speed(g, only, at, &q.speed)
	a.phases(g, only, at, &phases)
	a.messages(at, only, &messages)
	if err := a.wait(); err != nil {
		return nil, err
	}
	known, say := readInfo(q.info), readSentences(q.sentences)
	s := subject{channel, name}
	tps := q.touchpoints(known, say)
	i := slices.IndexFunc(tps, func(tp Touchpoint) bool { return tp.Name == name })
	if i < 0 {
		return nil, ErrNotFound
	}
	p := &TouchpointPage{Touchpoint: tps[i], ChannelTitle: known.channels[channel].Title, At: at, Range: r, From: at.Add(-g.length)}
	p.Windows = readWindows(q.windows, s, readCoverage(q.measured))
	p.Score, p.Lost = readLines(q.lines, say)
	p.Phases = readPhases(phases)
	p.Queries = queriesOfInterest(only)
	if p.Kind == browserKind {
		return p, p.addBrowser(ctx, engine, g, only)
	}
	return p, p.addMessages(ctx, engine, g, only, messages)
}

// phases asks for the mean time of each phase.
func (a *asker) phases(g grid, matchers []string, until time.Time, into *[]query.Series) {
	expr := "last_over_time(" + selector([]string{"touchpoint_phase:channelwatch_probe_phase_seconds:mean1h"}, matchers...) +
		"[" + shortOf(2*recent.every()) + "])"
	a.over("the phases", expr, axisUntil(until, g.length, g.speed), into)
}

// readPhases returns the phases in the order in which they happen.
func readPhases(answer []query.Series) []PhaseOverTime {
	var all []PhaseOverTime
	answer = oneSource(answer)
	for p := range probe.NumPhases {
		for _, s := range answer {
			if s.Labels["phase"] == p.String() {
				all = append(all, PhaseOverTime{Phase: p.String(), Line: pointsOf(s)})
			}
		}
	}
	return all
}

// queriesOfInterest returns expressions that show more of the touchpoint in Prometheus or Grafana.
func queriesOfInterest(only []string) []QueryOfInterest {
	on := func(name string) string { return selector([]string{name}, only...) }
	return []QueryOfInterest{
		{"Score over 5 minutes", on(touchpoints.score(recent))},
		{"Points lost by cause", on(touchpoints.lost(recent))},
		{"Rating of the last result", on("channelwatch_touchpoint_rating")},
		{"Results by rating and cause", "sum by (rating, dimension, cause) (increase(" + on("channelwatch_experience_total") + "[1h]))"},
		{"Time that one in ten customers waits for longer", on("touchpoint:channelwatch_probe_duration_seconds:p90_1h")},
		{"Mean time by phase", on("touchpoint_phase:channelwatch_probe_phase_seconds:mean1h")},
		{"Second looks at poor results", "sum by (confirmed) (increase(" + on("channelwatch_rechecks_total") + "[1h]))"},
	}
}
