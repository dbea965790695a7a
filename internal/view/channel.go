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
	field               []query.Series
	reports             reports
}

// channelPage asks for everything about one channel.
func channelPage(ctx context.Context, engine query.Engine, last rounds, channel string, r Range) (*ChannelPage, error) {
	q := parts{rows: rows{rounds: last, grid: r.grid()}}
	if err := q.ask(ctx, engine, channel); err != nil {
		return nil, err
	}
	known, say := readInfo(q.info), readSentences(q.sentences)
	if _, ok := known.channels[channel]; !ok {
		return nil, ErrNotFound
	}
	at := last[recent]
	p := &ChannelPage{Channel: q.channels(known, say)[0], At: at, Range: r, From: at.Add(-q.grid.length)}
	p.Windows = readWindows(q.windows, subject{channel: channel}, readCoverage(q.measured))
	p.Dimensions = q.dimensions(channel)
	p.Touchpoints = q.touchpoints(known, say)
	p.Score, p.Lost = readLines(q.lines, say)
	present := readFigures(q.now, recent)
	p.Incidents = findIncidents(at, known, present, q.ratings.tracks(q.grid))
	q.reports.explain(p.Incidents, q.grid, at, known, say, present)
	p.Field = readFields(q.field, "", func(name string) Touchpoint { return known.touchpoints[subject{channel, name}] })
	p.Hosts = readHosts(known.hosts[channel], q.grid, q.pressure, q.saturated)
	return p, nil
}

func (q *parts) ask(ctx context.Context, engine query.Engine, channel string) error {
	a := ask(ctx, engine)
	at, only, g := q.rounds[recent], is("channel", channel), q.grid
	a.info(at, append(channelInfo(), touchpointInfo()...), only, &q.info)
	a.agreements(at, only, &q.agreements)
	a.sentences(at, &q.sentences)
	a.coverage(at, only, &q.measured)
	q.windows = map[window]*[]query.Series{recent: &q.now, hourly: {}, daily: &q.day, weekly: {}, monthly: &q.month}
	for w, into := range q.windows {
		names := channels.names(w)
		if w == recent || w == daily {
			names = append(names, touchpoints.names(w)...)
		}
		if w == recent {
			names = append(names, dimensionRated().fine)
		}
		if recorded, ok := q.rounds[w]; ok {
			a.figures(w, recorded, names, only, into)
		}
	}
	a.ratings(g, []rated{channels.rated(), touchpoints.rated(), dimensionRated()}, only, at, &q.ratings)
	a.spark(g, q.rounds, only, &q.spark)
	a.lines(channels, g, q.rounds, only, &q.lines)
	a.speed(g, only, at, &q.speed)
	a.hosts(g, channel, at, &q.pressure, &q.saturated)
	a.field(at, only, &q.field)
	a.reports(g, only, axisUntil(at, g.length, g.grain()), &q.reports)
	return a.wait()
}

// speed asks what one in ten probes of an hour took longer than.
func (a *asker) speed(g grid, matchers []string, until time.Time, into *[]query.Series) {
	expr := "last_over_time(" + selector([]string{"touchpoint:channelwatch_probe_duration_seconds:p90_1h"}, matchers...) +
		"[" + shortOf(2*recent.every()) + "])"
	a.over("the speed", expr, axisUntil(until, g.length, g.speed), into)
}

// dimensions returns the rating of each dimension by the last results, and through the range.
func (q *parts) dimensions(channel string) []Dimension {
	present := make(map[string]probe.Rating)
	for _, s := range oneSource(q.now) {
		if s.Labels["__name__"] == dimensionRated().fine {
			present[s.Labels["dimension"]] = rating(value(s))
		}
	}
	at, tracks := q.rounds[recent], q.ratings.tracks(q.grid)
	all := make([]Dimension, 0, probe.NumDimensions)
	for _, d := range probe.Dimensions() {
		dimension := Dimension{Name: d.String(), Rating: present[d.String()]}
		if t, ok := tracks[trackOf{subject{channel: channel}, d.String()}]; ok {
			dimension.Timeline = t.now(at, dimension.Rating).begun(q.grid, at).spans(q.grid.cell, at.Add(-q.grid.length), at)
		}
		all = append(all, dimension)
	}
	return all
}

// touchpoints returns the rows of touchpoints, worst first.
func (q *parts) touchpoints(known info, say sentences) []Touchpoint {
	at := q.rounds[recent]
	now, today := readFigures(q.now, recent), readFigures(q.day, daily)
	tracks, speeds := q.ratings.tracks(q.grid), bySubject(q.speed)
	measured := readCoverage(q.measured)
	all := make([]Touchpoint, 0, len(known.touchpoints))
	for s, tp := range known.touchpoints {
		if tp.Kind == "" {
			continue // its agent has stopped exporting it
		}
		t, recorded := tracks[trackOf{subject: s}]
		t = t.now(at, now[s].ratingOr(probe.Unknown)).begun(q.grid, at)
		young := (recorded || now[s] != nil) && t.young(at) // lines may lag behind figures
		tp.figures(now[s], measured.judge(s.channel, today[s]), young, say)
		if recorded {
			tp.timeline(t, q.grid, at)
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

// figures sets what the rules recorded of the touchpoint; each of the figures may be nil. young says that less than the
// shortest window has been recorded.
func (tp *Touchpoint) figures(now, today *figures, young bool, say sentences) {
	if now != nil {
		tp.Rating, tp.Now = now.rating, now.score
	}
	if today != nil {
		tp.Day = today.score
	}
	of := telling(now, today)
	var causes []Cause
	tp.Words.Gap, causes = of.words(young, say)
	tp.Words.Cause = of.causeWords(causes, tp.Rating)
	if of == now && len(causes) > 0 {
		tp.Cause = &causes[0]
	}
}

// timeline sets what follows from how the touchpoint was rated through the range.
func (tp *Touchpoint) timeline(t track, g grid, at time.Time) {
	tp.Timeline = t.spans(g.cell, at.Add(-g.length), at)
	if since, atLeast := t.since(); !since.IsZero() {
		tp.Words.Since = sinceWords(sideOf(tp.Rating), since, at, atLeast)
	}
}

// readWindows returns the recorded windows of a subject, shortest first.
func readWindows(answers map[window]*[]query.Series, of subject, measured coverage) []Score {
	all := []Score{}
	for _, w := range windows() {
		if f := measured.judge(of.channel, readFigures(*answers[w], w)[of]); f != nil && f.score != nil {
			all = append(all, *f.score)
		}
	}
	return all
}
