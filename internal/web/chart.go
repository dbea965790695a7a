package web

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// chart is a picture of lines or of stacked areas over time. It is drawn twice from the same numbers: as a picture in the
// page, and by the scripts, which let it be read with a pointer.
type chart struct {
	ID, Title   string
	Unit        string // "points" or "seconds"
	Stacked     bool
	From, Until time.Time
	Top         float64 // of the vertical axis
	Series      []series
	Limits      []limit
}

// series is one line. Class names its colour.
type series struct {
	Label  string       `json:"label"`
	Class  string       `json:"class"`
	Points []view.Point `json:"-"`
}

// limit is a horizontal line that was agreed.
type limit struct {
	Label string  `json:"label"` // such as "good ≤ 1.8 s"
	Value float64 `json:"v"`
}

// chartData is what the scripts get. A missing value is null.
type chartData struct {
	Unit    string       `json:"unit"`
	Stacked bool         `json:"stacked,omitempty"`
	From    int64        `json:"from"` // Unix seconds
	Until   int64        `json:"until"`
	Top     float64      `json:"top"`
	Series  []series     `json:"series"`
	Limits  []limit      `json:"limits,omitempty"`
	Times   []int64      `json:"t"`
	Values  [][]*float64 `json:"v"`
}

// Data returns the numbers of the chart on one list of times.
func (c *chart) Data() chartData {
	d := chartData{
		Unit: c.Unit, Stacked: c.Stacked, From: c.From.Unix(), Until: c.Until.Unix(), Top: c.Top, Series: c.Series, Limits: c.Limits,
		Times: c.times(), Values: make([][]*float64, len(c.Series)),
	}
	index := make(map[int64]int, len(d.Times))
	for i, t := range d.Times {
		index[t] = i
	}
	for i := range c.Series {
		d.Values[i] = make([]*float64, len(d.Times))
		for _, p := range c.Series[i].Points {
			value := math.Round(p.Value*1e4) / 1e4
			d.Values[i][index[p.At.Unix()]] = &value
		}
	}
	return d
}

// times returns every time at which a series has a value, ascending. In a hole stands a time without values, so that no line
// is drawn across it.
func (c *chart) times() []int64 {
	times := []int64{}
	for i := range c.Series {
		for _, p := range c.Series[i].Points {
			times = append(times, p.At.Unix())
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	step := shortest(times)
	for i := len(times) - 1; i > 0; i-- {
		if 2*(times[i]-times[i-1]) > 5*step {
			times = slices.Insert(times, i, times[i-1]+step)
		}
	}
	return times
}

// shortest returns the shortest step between ascending times; 0 when there are none.
func shortest(times []int64) int64 {
	step := int64(0)
	for i := 1; i < len(times); i++ {
		if d := times[i] - times[i-1]; step == 0 || d < step {
			step = d
		}
	}
	return step
}

// Empty reports whether there is nothing to draw.
func (c *chart) Empty() bool { return len(c.times()) == 0 }

// Marks returns what stands at the vertical axis, from the top.
func (c *chart) Marks() []string { return []string{c.mark(c.Top), c.mark(c.Top / 2), c.mark(0)} }

func (c *chart) mark(v float64) string {
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if c.Unit == "seconds" && v > 0 {
		return text + " s"
	}
	return text
}

// Picture draws the chart in a box of 1000 by 100.
func (c *chart) Picture() template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="plot" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">` +
		`<path class="grid" d="M0 .5h1000M0 50h1000M0 99.5h1000"/>`)
	if c.Stacked {
		c.stack(&b)
	} else {
		for _, s := range c.Series {
			b.WriteString(`<path class="line ` + s.Class + `" d="` + linePath(s.Points, c.From, c.Until, c.Top) + `"/>`)
		}
	}
	for _, l := range c.Limits {
		if l.Value <= c.Top {
			y := fixed(100 - 100*l.Value/c.Top)
			b.WriteString(`<path class="limit" d="M0 ` + y + `h1000"/>`)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and classes of ours
}

// stack draws a column for every time, the first series at the bottom.
func (c *chart) stack(b *strings.Builder) {
	d := c.Data()
	total := c.Until.Sub(c.From).Seconds()
	width := columnWidth(d.Times, total)
	base := make([]float64, len(d.Times))
	for i, s := range c.Series {
		b.WriteString(`<path class="area ` + s.Class + `" d="`)
		for j, value := range d.Values[i] {
			if value == nil || *value <= 0 {
				continue
			}
			x := 1000 * float64(d.Times[j]-d.From) / total
			height := 100 * *value / c.Top
			b.WriteString("M" + fixed(max(x-width, 0)) + " " + fixed(100-base[j]) + "v-" + fixed(height) + "h" + fixed(width) + "v" + fixed(height) + "z")
			base[j] += height
		}
		b.WriteString(`"/>`)
	}
}

// columnWidth returns the width of the columns of a stack: what a value stands for ends at its time.
func columnWidth(times []int64, total float64) float64 {
	step := shortest(times)
	if step == 0 {
		return 4
	}
	return max(1000*float64(step)/total, 0.5)
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

// maxCauses is how many causes a chart tells apart; the rest is drawn together.
const maxCauses = 6

// lostChart shows what took points. It is nil when nothing did.
func lostChart(lost []view.CauseOverTime, score []view.Point, from, until time.Time) *chart {
	c := &chart{ID: "lost", Title: "Points lost, by cause", Unit: "points", Stacked: true, From: from, Until: until}
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

// speedChart shows how long one in ten customers waits at least, against what was agreed to be good. It is nil when
// nothing was recorded.
func speedChart(t *view.Touchpoint, id, title string, from, until time.Time) *chart {
	if len(t.Speed) == 0 {
		return nil
	}
	c := &chart{
		ID: id, Title: title, Unit: "seconds", From: from, Until: until,
		Series: []series{{"one in ten waits longer than", "speed", t.Speed}},
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
