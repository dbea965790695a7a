package pageload

import (
	"cmp"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// gathered is what vitals.js gives. Times are milliseconds since the time origin of the document (W3C High Resolution
// Time).
type gathered struct {
	Now      float64   `json:"now"`
	Hidden   *float64  `json:"hidden"` // when the page was first not visible
	TTFB     float64   `json:"ttfb"`
	Ready    float64   `json:"ready"`
	Loaded   float64   `json:"loaded"`
	FCP      *float64  `json:"fcp"`
	Largest  *largest  `json:"largest"`
	Resource *resource `json:"resource"`  // of the largest content
	Shifts   []shift   `json:"shifts"`    // without those that an input caused
	Tasks    []task    `json:"tasks"`     // of at least 50 ms
	Scripts  []task    `json:"scripts"`   // within long frames, of more than 50 ms
	Latency  []float64 `json:"latencies"` // of the slowest interactions, longest first
	Count    int       `json:"interactions"`
}

type (
	largest struct {
		At       float64 `json:"at"`
		URL      string  `json:"url"`
		Selector string  `json:"selector"`
	}
	resource struct {
		Start float64 `json:"start"`
		End   float64 `json:"end"`
	}
	shift struct {
		At       float64 `json:"at"`
		Value    float64 `json:"value"`
		Selector string  `json:"selector"`
	}
	task struct {
		At       float64 `json:"at"`
		Duration float64 `json:"duration"`
		URL      string  `json:"url"`
	}
)

// Bounds of lists in evidence, and the figures of Web Vitals in milliseconds.
const (
	maxShifts   = 10
	maxBlocking = 10

	longTask      = 50.0   // W3C Long Tasks
	sessionGap    = 1000.0 // between layout shifts of one session window (web.dev, Cumulative Layout Shift)
	sessionLength = 5000.0
	perOutlier    = 50 // interactions of which the slowest one is left out (web.dev, Interaction to Next Paint)
)

// vitals computes the figures of a document, from shift after the start of the load on. Tasks count until a moment of the
// document, in milliseconds.
func (g *gathered) vitals(shift time.Duration, until float64) Vitals {
	at := func(ms float64) *time.Duration {
		if ms <= 0 || ms > g.Now {
			return nil // not reached
		}
		return new(shift + milliseconds(ms))
	}
	v := Vitals{
		TTFB: at(g.TTFB), DOMReady: at(g.Ready), Loaded: at(g.Loaded), LongTasks: len(g.Tasks), INP: g.inp(),
	}
	if g.FCP == nil || !g.visible(*g.FCP) {
		return v // what was never painted has neither moved nor kept anybody waiting
	}
	v.FCP = at(*g.FCP)
	v.CLS, v.TBT = new(g.cls()), new(g.tbt(until))
	if g.Largest != nil && g.visible(g.Largest.At) {
		v.LCP = at(g.Largest.At)
		g.parts(&v)
	}
	return v
}

func (g *gathered) visible(ms float64) bool { return g.Hidden == nil || ms < *g.Hidden }

// parts splits LCP as the attribution build of web-vitals does: with the first byte they add up to it. A text has no
// resource of its own, and is rendered from the first byte on.
func (g *gathered) parts(v *Vitals) {
	if v.LCP == nil || v.TTFB == nil {
		return
	}
	end := g.TTFB
	if g.Resource != nil {
		start := max(g.TTFB, g.Resource.Start)
		end = min(g.Largest.At, max(start, g.Resource.End))
		v.LCPDiscover, v.LCPLoad = new(milliseconds(start-g.TTFB)), new(milliseconds(end-start))
	}
	v.LCPRender = new(milliseconds(g.Largest.At - end))
}

// cls returns the largest session window of layout shifts.
func (g *gathered) cls() float64 {
	var worst, value, first, last float64
	for _, s := range g.Shifts {
		if value > 0 && s.At-last < sessionGap && s.At-first < sessionLength {
			value += s.Value
		} else {
			value, first = s.Value, s.At
		}
		last = s.At
		worst = max(worst, value)
	}
	return worst
}

// tbt sums up what long tasks after the first contentful paint took beyond 50 ms. Of those that began before or ended
// after the time that counts, the part within it does.
func (g *gathered) tbt(until float64) time.Duration {
	var sum float64
	for _, t := range g.Tasks {
		within := min(t.At+t.Duration, until) - max(t.At, *g.FCP)
		sum += max(0, within-longTask)
	}
	return milliseconds(sum)
}

// inp returns the slowest interaction; of many, one in fifty is left out. Nil without any.
func (g *gathered) inp() *time.Duration {
	if len(g.Latency) == 0 {
		return nil
	}
	return new(milliseconds(g.Latency[min(len(g.Latency)-1, max(0, g.Count)/perOutlier)]))
}

// largestShifts returns the largest layout shifts.
func (g *gathered) largestShifts(offset time.Duration) []probe.Shift {
	all := slices.Clone(g.Shifts)
	slices.SortStableFunc(all, func(a, b shift) int { return cmp.Compare(b.Value, a.Value) })
	var shown []probe.Shift
	for _, s := range all[:min(len(all), maxShifts)] {
		shown = append(shown, probe.Shift{At: offset + milliseconds(s.At), Value: s.Value, Selector: shownText(s.Selector)})
	}
	return shown
}

// blocking returns what blocked the page the longest: the scripts of long frames, and long tasks that none of them explains.
func (g *gathered) blocking(offset time.Duration) []Script {
	all := slices.Clone(g.Scripts)
	for _, t := range g.Tasks {
		explained := slices.ContainsFunc(g.Scripts, func(s task) bool { return s.At < t.At+t.Duration && t.At < s.At+s.Duration })
		if !explained {
			all = append(all, task{At: t.At, Duration: t.Duration})
		}
	}
	slices.SortStableFunc(all, func(a, b task) int { return cmp.Compare(b.Duration, a.Duration) })
	var shown []Script
	for _, t := range all[:min(len(all), maxBlocking)] {
		shown = append(shown, Script{URL: shownURL(t.URL), At: offset + milliseconds(t.At), Duration: milliseconds(t.Duration)})
	}
	return shown
}
