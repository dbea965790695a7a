package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// maxCauses is how many causes a chart tells apart; the rest is drawn together.
const maxCauses = 6

// lostChart shows what took points. It is nil when nothing did.
func lostChart(lost []view.CauseOverTime, score []view.Point, from, until time.Time) *chart {
	c := &chart{ID: "lost", Title: "Points lost, by cause", Unit: "points", Stacked: true, From: from, Until: until, beside: score}
	var rest map[time.Time]float64
	for i := range lost {
		if i < maxCauses {
			c.Series = append(c.Series, series{lost[i].Title, fmt.Sprintf("cause%d", i+1), lost[i].Line})
			continue
		}
		if rest == nil {
			rest = make(map[time.Time]float64)
		}
		for _, p := range lost[i].Line {
			rest[p.At] += p.Value
		}
	}
	if rest != nil {
		c.Series = append(c.Series, series{"everything else", "cause7", sorted(rest)})
	}
	highest := 0.0
	for _, p := range score {
		highest = max(highest, 100-p.Value)
	}
	if highest == 0 {
		return nil
	}
	c.Top = max(roundTop(highest), 10)
	return c
}

func sorted(values map[time.Time]float64) []view.Point {
	points := make([]view.Point, 0, len(values))
	for at, value := range values {
		points = append(points, view.Point{At: at, Value: value})
	}
	slices.SortFunc(points, func(a, b view.Point) int { return a.At.Compare(b.At) })
	return points
}

// speedChart shows how long one in ten probes took at least, against the limits of the ratings. It is nil when
// nothing was recorded.
func speedChart(t *view.Touchpoint, id, title string, from, until time.Time) *chart {
	if len(t.Speed) == 0 {
		return nil
	}
	c := &chart{
		ID: id, Title: title, Unit: "seconds", From: from, Until: until,
		Series: []series{{"one in ten took longer than", "speed", t.Speed}},
	}
	highest := 0.0
	for _, p := range t.Speed {
		highest = max(highest, p.Value)
	}
	if t.Limits != nil {
		c.Limits = []limit{upTo("excellent", t.Limits.Excellent), upTo("good", t.Limits.Good), upTo("fair", t.Limits.Fair)}
		highest = max(highest, t.Limits.Good)
	}
	c.Top = roundTop(highest * 1.1)
	return c
}

func upTo(word string, v float64) limit {
	return limit{word + " ≤ " + strconv.FormatFloat(v, 'g', 3, 64) + " s", v}
}

// phaseChart shows where the time goes. It is nil when nothing was recorded.
func phaseChart(phases []view.PhaseOverTime, from, until time.Time) *chart {
	if len(phases) == 0 {
		return nil
	}
	c := &chart{ID: "phases", Title: "Where the time goes", Unit: "seconds", Stacked: true, From: from, Until: until}
	sums := make(map[time.Time]float64)
	for i, p := range phases {
		c.Series = append(c.Series, series{p.Phase, fmt.Sprintf("cause%d", i%7+1), p.Line})
		for _, point := range p.Line {
			sums[point.At] += point.Value
		}
	}
	highest := 0.0
	for _, v := range sums {
		highest = max(highest, v)
	}
	c.Top = roundTop(highest)
	return c
}

// scoreChart shows a score over time.
func scoreChart(score []view.Point, from, until time.Time) *chart {
	if len(score) == 0 {
		return nil
	}
	return &chart{
		ID: "score", Title: "Score", Unit: "points", From: from, Until: until, Top: 100,
		Series: []series{{"score", "score", score}}, Limits: []limit{{"excellent ≥ 90", 90}, {"good ≥ 75", 75}, {"fair ≥ 50", 50}},
	}
}

// roundTop returns the next round number that is not below v, for the top of an axis.
func roundTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 2, 4, 5, 10} {
		if factor*unit >= v*(1-1e-9) {
			return factor * unit
		}
	}
	return 10 * unit
}
