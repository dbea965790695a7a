package view

import (
	"math"
	"slices"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// lines asks for the score and the points lost of a level through the range.
func (a *asker) lines(l level, g grid, last rounds, matchers []string, into *[]query.Series) {
	until, ok := last[g.line]
	if !ok {
		return
	}
	names := []string{l.score(g.line), l.lost(g.line)}
	expr := "last_over_time(" + selector(names, matchers...) + "[" + shortOf(g.line.every()) + "])"
	a.over("the points lost through the range", expr, axisUntil(until, g.length, g.cell), into)
}

// exact is how far scores and points lost may be from 100 together: both are sums of some floating-point numbers.
const exact = 1e-6

// readLines returns the score and what each cause took at the same times. A time at which they do not make 100 is left
// out: an outside server had only a part of that evaluation yet.
func readLines(answer []query.Series, say sentences) (score []Point, lost []CauseOverTime) {
	type id struct{ check, dimension string }
	total := make(map[int64]float64)
	byCause := make(map[id]map[int64]float64)
	var scores []query.Point
	lost = []CauseOverTime{}
	for _, s := range oneSource(answer) {
		check, isCause := s.Labels["cause"]
		if !isCause {
			scores = s.Points
		}
		for _, p := range s.Points {
			total[p.At] += p.Value
		}
		if isCause {
			at := make(map[int64]float64, len(s.Points))
			for _, p := range s.Points {
				at[p.At] = p.Value
			}
			byCause[id{check, s.Labels["dimension"]}] = at
		}
	}
	scores = slices.DeleteFunc(slices.Clone(scores), func(p query.Point) bool { return math.Abs(total[p.At]-100) > exact })
	score = pointsOf(query.Series{Points: scores})
	for cause, taken := range byCause {
		c := CauseOverTime{Cause: Cause{Check: probe.CheckID(cause.check), Dimension: cause.dimension}, Line: make([]Point, len(scores))}
		for i, p := range scores {
			c.Line[i] = Point{At: score[i].At, Value: taken[p.At]}
			c.Points += taken[p.At] / float64(len(scores))
		}
		if c.Points > 0 {
			c.Cause = say.explain([]Cause{c.Cause})[0]
			lost = append(lost, c)
		}
	}
	slices.SortFunc(lost, func(a, b CauseOverTime) int { return compareCauses(a.Cause, b.Cause) })
	return score, lost
}
