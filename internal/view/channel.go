package view

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// parts are the answers that make the page of a channel.
type parts struct {
	rows
	windows             map[window]*[]query.Series
	lines, speed        []query.Series
	pressure, saturated []query.Series
	reports             reports
	dimensionNow        map[string]probe.Rating
	dimensionTracks     map[string]query.Series
}

// channelPage asks for everything about one channel.
func channelPage(ctx context.Context, engine query.Engine, channel string, r Range) (*ChannelPage, error) {
	last, err := askRounds(ctx, engine)
	if err != nil {
		return nil, err
	}
	q := parts{rows: rows{rounds: last, grid: r.grid()}}
	if err := q.ask(ctx, engine, channel); err != nil {
		return nil, err
	}
	known, say := readInfo(q.info), readSentences(q.sentences)
	if _, ok := known.channels[channel]; !ok {
		return nil, ErrNotFound
	}
	at := last[recent]
	q.splitDimensions()
	p := &ChannelPage{Channel: q.channels(known, say)[0], At: at, Range: r, From: at.Add(-q.grid.length)}
	p.Windows = readWindows(q.windows, last, subject{channel: channel})
	p.Dimensions = q.dimensions(at)
	p.Touchpoints = q.touchpoints(known, say)
	p.Score, p.Lost = readLines(q.lines, say)
	present := readFigures(q.now, recent, at)
	p.Incidents = findIncidents(q.grid, at, known, present, bySubject(q.tracks))
	q.reports.explain(p.Incidents, q.grid, at, known, say, present)
	p.Hosts = readHosts(known.hosts[channel], q.grid, q.pressure, q.saturated)
	return p, nil
}

func (q *parts) ask(ctx context.Context, engine query.Engine, channel string) error {
	a := ask(ctx, engine)
	at, only, g := q.rounds[recent], is("channel", channel), q.grid
	a.info(at, append(channelInfo(), touchpointInfo()...), only, &q.info)
	a.agreements(at, only, &q.agreements)
	a.sentences(at, &q.sentences)
	q.windows = map[window]*[]query.Series{recent: &q.now, hourly: {}, daily: &q.day, weekly: {}, monthly: &q.month}
	for w, into := range q.windows {
		names := channels.names(w)
		if w == recent || w == daily {
			names = append(names, touchpoints.names(w)...)
		}
		if w == recent {
			names = append(names, dimensionNow)
		}
		if recorded, ok := q.rounds[w]; ok {
			a.figures(w, recorded, names, only, into)
		}
	}
	a.tracks(g, []string{g.ratingNames(channels), g.ratingNames(touchpoints), g.dimensionName()}, only, at, &q.tracks)
	a.spark(g, q.rounds, only, &q.spark)
	a.lines(channels, g, q.rounds, only, &q.lines)
	a.speed(g, only, at, &q.speed)
	a.hosts(g, channel, at, &q.pressure, &q.saturated)
	a.reports(g, only, axisUntil(at, g.length, g.grain()), &q.reports)
	return a.wait()
}

// dimensionNow is the rating of the dimensions of a channel by the last results.
const dimensionNow = "channel_dimension:channelwatch_dimension_rating:min"

// speed asks how long one in ten customers waits for longer.
func (a *asker) speed(g grid, matchers []string, until time.Time, into *[]query.Series) {
	expr := "last_over_time(" + selector([]string{"touchpoint:channelwatch_probe_duration_seconds:p90_1h"}, matchers...) +
		"[" + shortOf(2*recent.every()) + "])"
	a.over("the speed", expr, axisUntil(until, g.length, g.speed), into)
}

// splitDimensions sorts series of dimensions from those of the channel itself.
func (q *parts) splitDimensions() {
	q.dimensionNow, q.dimensionTracks = make(map[string]probe.Rating), make(map[string]query.Series)
	of := func(s query.Series) bool { return s.Labels["dimension"] != "" }
	for _, s := range oneSource(q.tracks) {
		if of(s) {
			q.dimensionTracks[s.Labels["dimension"]] = s
		}
	}
	q.tracks = slices.DeleteFunc(q.tracks, of)
	for _, s := range oneSource(q.now) {
		if s.Labels["__name__"] == dimensionNow {
			q.dimensionNow[s.Labels["dimension"]] = rating(value(s))
		}
	}
}

func (q *parts) dimensions(at time.Time) []Dimension {
	all := make([]Dimension, 0, probe.NumDimensions)
	for _, d := range probe.Dimensions() {
		dimension := Dimension{Name: d.String(), Rating: q.dimensionNow[d.String()]}
		if line, ok := q.dimensionTracks[d.String()]; ok {
			t := q.grid.trackOf(line, at, dimension.Rating)
			dimension.Timeline = t.spans(q.grid.cell, at.Add(-q.grid.length), at)
		}
		all = append(all, dimension)
	}
	return all
}

// touchpoints returns the rows of touchpoints, worst first.
func (q *parts) touchpoints(known info, say sentences) []Touchpoint {
	at := q.rounds[recent]
	now, today := readFigures(q.now, recent, at), readFigures(q.day, daily, q.rounds[daily])
	tracks, speeds := bySubject(q.tracks), bySubject(q.speed)
	all := make([]Touchpoint, 0, len(known.touchpoints))
	for s, tp := range known.touchpoints {
		if tp.Kind == "" {
			continue // its agent has stopped exporting it
		}
		tp.figures(now[s], today[s], say)
		if line, ok := tracks[s]; ok {
			tp.timeline(q.grid.trackOf(line, at, tp.Rating), q.grid, at)
		}
		tp.Speed = pointsOf(speeds[s])
		all = append(all, tp)
	}
	slices.SortFunc(all, func(a, b Touchpoint) int {
		return cmp.Or(cmp.Compare(urgency(a.Rating), urgency(b.Rating)), cmp.Compare(lowness(a.Now), lowness(b.Now)),
			cmp.Compare(a.Title, b.Title), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// figures sets what the rules recorded of the touchpoint; each of the figures may be nil.
func (tp *Touchpoint) figures(now, today *figures, say sentences) {
	var causes []Cause
	if now != nil {
		tp.Rating, tp.Now, causes = now.rating, now.score, say.explain(now.lost)
	}
	of := tp.Now
	if today != nil {
		tp.Day = today.score
		if of == nil || len(causes) == 0 {
			of, causes = tp.Day, say.explain(today.lost)
		}
	}
	if len(causes) > 0 && now != nil && len(now.lost) > 0 {
		tp.Cause = &causes[0]
	}
	tp.Words.Gap, tp.Words.Cause = gapWords(of, causes), causeWords(causes)
}

// timeline sets what follows from how the touchpoint was rated through the range.
func (tp *Touchpoint) timeline(t track, g grid, at time.Time) {
	tp.Timeline = t.spans(g.cell, at.Add(-g.length), at)
	if since, atLeast := t.since(); !since.IsZero() {
		tp.Words.Since = sinceWords(sideOf(tp.Rating), since, at, atLeast)
	}
}

// readWindows returns the recorded windows of a subject, shortest first.
func readWindows(answers map[window]*[]query.Series, last rounds, of subject) []Score {
	all := []Score{}
	for _, w := range windows() {
		if f := readFigures(*answers[w], w, last[w])[of]; f != nil && f.score != nil {
			all = append(all, *f.score)
		}
	}
	return all
}
