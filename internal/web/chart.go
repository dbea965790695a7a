package web

import (
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
	Unit        string // "points", "seconds", "bytes" or "count"
	Stacked     bool
	From, Until time.Time
	Top         float64 // of the vertical axis
	Series      []series
	Limits      []limit
	beside      []view.Point // score that the points of a stack make 100 with
}

// series is one line. Class names its colour.
type series struct {
	Label  string       `json:"label"`
	Class  string       `json:"class"`
	Points []view.Point `json:"-"`
}

// limit is a horizontal line, where one rating ends.
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
			value := c.rounded(p.Value)
			d.Values[i][index[p.At.Unix()]] = &value
		}
	}
	if c.Stacked && c.Unit == "points" {
		c.printParts(&d)
	}
	return d
}

// rounded returns a value as exactly as it is printed. Parts of a score are rounded together, by printParts.
func (c *chart) rounded(v float64) float64 {
	switch {
	case c.Unit == "seconds":
		return math.Round(v*1e4) / 1e4
	case c.Unit == "bytes", c.Unit == "count":
		return math.Round(v)
	case c.Stacked:
		return v
	}
	return printed(strings.TrimSuffix(view.Percent(v), " %"))
}

// printParts rounds the points lost as the tables do: with the printed score they are 100 at every time.
func (c *chart) printParts(d *chartData) {
	scores := make(map[int64]float64, len(c.beside))
	for _, p := range c.beside {
		scores[p.At.Unix()] = p.Value
	}
	for j, at := range d.Times {
		var values []float64
		sum := 0.0
		for i := range d.Values {
			if v := d.Values[i][j]; v != nil {
				values = append(values, *v)
				sum += *v
			}
		}
		score, known := scores[at]
		if !known {
			score = 100 - sum
		}
		parts := view.Parts(score, values)
		for i := range d.Values {
			if d.Values[i][j] != nil {
				*d.Values[i][j], parts = printed(parts[0]), parts[1:]
			}
		}
	}
}

// printed is the value of a number that was printed.
func printed(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64) // it was printed by us
	return v
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

// key explains one line of a chart in words, for readers without scripts or without eyes.
type key struct{ Class, Label, Latest string }

// Latest returns when the newest of the values is that the keys say; nil when there is none.
func (c *chart) Latest() *time.Time {
	var latest *time.Time
	for i := range c.Series {
		if n := len(c.Series[i].Points); n > 0 && (latest == nil || c.Series[i].Points[n-1].At.After(*latest)) {
			latest = &c.Series[i].Points[n-1].At
		}
	}
	return latest
}

// Keys returns what the lines are and where they end.
func (c *chart) Keys() []key {
	keys := make([]key, len(c.Series))
	d := c.Data()
	for i, s := range c.Series {
		keys[i] = key{Class: s.Class, Label: s.Label, Latest: "–"}
		if n := len(d.Times); n > 0 && d.Values[i][n-1] != nil {
			keys[i].Latest = c.say(*d.Values[i][n-1])
		}
	}
	return keys
}

// say prints a value with its unit, as the scripts do.
func (c *chart) say(v float64) string {
	switch c.Unit {
	case "seconds":
		return seconds(v)
	case "bytes":
		return size(int64(v))
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Marks returns what stands at the vertical axis, from the top.
func (c *chart) Marks() []string { return []string{c.mark(c.Top), c.mark(c.Top / 2), c.mark(0)} }

func (c *chart) mark(v float64) string {
	text := strconv.FormatFloat(v, 'g', 3, 64)
	switch {
	case c.Unit == "seconds" && v > 0:
		return text + " s"
	case c.Unit == "bytes" && v > 0:
		return size(int64(v))
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
