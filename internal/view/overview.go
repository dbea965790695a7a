package view

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// rows are the answers that make channels into rows of the overview.
type rows struct {
	rounds rounds
	grid   grid

	info, agreements, sentences []query.Series
	measured                    []query.Series
	now, day, month             []query.Series
	ratings                     ratings
	spark                       []query.Series
}

// overview asks for all channels.
func overview(ctx context.Context, engine query.Engine, last rounds, r Range) (*Overview, error) {
	a := ask(ctx, engine)
	q := rows{rounds: last, grid: r.grid()}
	at := last[recent]
	a.info(at, channelInfo(), nil, &q.info)
	a.agreements(at, nil, &q.agreements)
	a.sentences(at, &q.sentences)
	a.coverage(at, nil, &q.measured)
	for w, into := range map[window]*[]query.Series{recent: &q.now, daily: &q.day, monthly: &q.month} {
		if recorded, ok := last[w]; ok {
			a.figures(w, recorded, channels.names(w), nil, into)
		}
	}
	a.ratings(q.grid, []rated{channels.rated()}, nil, at, &q.ratings)
	a.spark(q.grid, last, nil, &q.spark)
	if err := a.wait(); err != nil {
		return nil, err
	}
	o := &Overview{At: at, Range: r, From: at.Add(-q.grid.length), Channels: q.channels(readInfo(q.info), readSentences(q.sentences))}
	slices.SortFunc(o.Channels, func(a, b Channel) int {
		return cmp.Or(cmp.Compare(urgency(a.Rating), urgency(b.Rating)), cmp.Compare(lowness(a.Now), lowness(b.Now)),
			cmp.Compare(a.Title, b.Title), cmp.Compare(a.Name, b.Name))
	})
	return o, nil
}

// spark asks for the small lines of scores. On the shortest range they show 5 minutes, else an hour.
func (a *asker) spark(g grid, last rounds, matchers []string, into *[]query.Series) {
	w := hourly
	if g.length <= time.Hour {
		w = recent
	}
	if until, ok := last[w]; ok {
		expr := "last_over_time(" + selector([]string{channels.score(w)}, matchers...) + "[" + shortOf(w.every()) + "])"
		a.over("the scores through the range", expr, axisUntil(until, g.length, g.spark), into)
	}
}

// urgency orders ratings for a page that leads with trouble: worst first. What nobody can tell about comes before what is
// good, as somebody has to look.
func urgency(r probe.Rating) int {
	if r == probe.Unknown {
		return 2*int(probe.Fair) + 1
	}
	return 2 * int(r)
}

// lowness orders what has the same rating; what was not measured comes last.
func lowness(s *Score) float64 {
	if s == nil {
		return math.Inf(1)
	}
	return s.Score
}

// channels joins the answers.
func (q *rows) channels(known info, say sentences) []Channel {
	at := q.rounds[recent]
	now := readFigures(q.now, recent)
	today := readFigures(q.day, daily)
	month := readFigures(q.month, monthly)
	agreements := readAgreements(q.agreements, known.objectives, at)
	tracks, sparks := q.ratings.tracks(q.grid), bySubject(q.spark)
	measured := readCoverage(q.measured)
	all := make([]Channel, 0, len(known.channels))
	for name, c := range known.channels {
		s := subject{channel: name}
		t, recorded := tracks[trackOf{subject: s}]
		t = t.now(at, now[s].ratingOr(probe.Unknown)).begun(q.grid, at)
		young := (recorded || now[s] != nil) && t.young(at) // lines may lag behind figures
		c.figures(now[s], measured.judge(name, today[s]), measured.judge(name, month[s]), young, say)
		if agreed, ok := agreements[name]; ok {
			c.Agreement = agreed
		} else {
			c.Agreement.State = NoAgreement
		}
		c.Agreement.Words = c.Agreement.words()
		if recorded {
			c.timeline(t, q.grid, at)
		}
		c.Spark = pointsOf(sparks[s])
		all = append(all, c)
	}
	return all
}

// figures sets what the rules recorded of the channel; each of the figures may be nil. young says that less than the
// shortest window has been recorded.
func (c *Channel) figures(now, today, month *figures, young bool, say sentences) {
	if now != nil {
		c.Rating, c.Now = now.rating, now.score
	}
	if today != nil {
		c.Day = today.score
	}
	if month != nil {
		c.Month = month.score
	}
	of := telling(now, today)
	c.Words.Gap, c.Causes = of.words(young, say)
	c.Words.Cause = of.causeWords(c.Causes, c.Rating)
	if len(c.Causes) > 0 {
		c.CausesOf = string(of.window)
	}
	if c.Orphan {
		c.Words.Gap = "No agent probes it."
	}
}

// timeline sets what follows from how the channel was rated through the range.
func (c *Channel) timeline(t track, g grid, at time.Time) {
	c.Timeline = t.spans(g.cell, at.Add(-g.length), at)
	if since, atLeast := t.since(); !since.IsZero() {
		c.Since, c.SinceAtLeast = &since, atLeast
		c.Words.Since = sinceWords(sideOf(c.Rating), since, at, atLeast)
	}
}

// bySubject sorts lines of one name by subject.
func bySubject(answer []query.Series) map[subject]query.Series {
	all := make(map[subject]query.Series, len(answer))
	for _, s := range oneSource(answer) {
		all[subjectOf(s)] = s
	}
	return all
}

// pointsOf returns the points of a line.
func pointsOf(s query.Series) []Point {
	points := make([]Point, len(s.Points))
	for i, p := range s.Points {
		points[i] = Point{At: p.Time().UTC(), Value: p.Value}
	}
	return points
}
