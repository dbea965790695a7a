package rum

import (
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Values beyond these are taken for these: what waits longer was not in front of anybody, and one forged value shall not
// outweigh all others in a sum.
const (
	maxSeconds = 60
	maxShift   = 20
)

// app is what is known of the pages of a website.
type app struct {
	channel  string
	names    []string         // of the groups; the last is otherGroup
	paths    []*regexp.Regexp // of the groups but the last
	outcomes [numOutcomes]atomic.Uint64
	dropped  [numDrops]atomic.Uint64

	mu    sync.Mutex // guards the histograms
	cells []*cell    // by group and device; nil before the first beacon
}

// cell has the histograms of one group of pages on one class of devices, by the place in vitals; nil before the first value.
type cell [5]*metrics.Distribution

func newApp(opts *App) *app {
	a := &app{channel: opts.Channel}
	for _, g := range opts.Groups {
		a.names = append(a.names, g.Name)
		a.paths = append(a.paths, regexp.MustCompile(g.Path)) // Check compiled it
	}
	a.names = append(a.names, otherGroup)
	a.cells = make([]*cell, len(a.names)*len(devices()))
	return a
}

// groupOf returns the place of the first group that a path is in.
func (a *app) groupOf(path string) int {
	if i := slices.IndexFunc(a.paths, func(p *regexp.Regexp) bool { return p.MatchString(path) }); i >= 0 {
		return i
	}
	return len(a.paths)
}

// take counts the values of a beacon that was checked.
func (a *app) take(b *beacon) {
	at := a.groupOf(b.Path)*len(devices()) + deviceOf(b.Device)
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, value := range b.Values {
		vital := slices.Index(vitals(), probe.Vital(name))
		switch {
		case vital < 0:
			a.dropped[unknownName].Add(1)
		case value == nil || *value < 0:
			a.dropped[invalid].Add(1)
		default:
			if a.cells[at] == nil {
				a.cells[at] = new(cell)
			}
			a.cells[at].observe(vital, *value)
		}
	}
}

// observe counts a value as it stands in a beacon.
func (c *cell) observe(vital int, value float64) {
	bounds := secondsBounds()
	if vitals()[vital] == probe.CLS {
		bounds, value = shiftBounds(), min(value, maxShift)
	} else {
		value = min(value/1e3, maxSeconds)
	}
	if c[vital] == nil {
		c[vital] = &metrics.Distribution{Bounds: bounds, Counts: make([]uint64, len(bounds)+1)}
	}
	bucket, _ := slices.BinarySearch(bounds, value)
	c[vital].Counts[bucket]++
	c[vital].Sum += value
}

// secondsBounds returns the edges of the histograms of times: the bounds of every rating of every vital, so that the
// shares of good and poor page views are exact, the limits of the speed of pages, and a few beyond.
func secondsBounds() []float64 {
	return []float64{0.1, 0.2, 0.4, 0.5, 0.8, 0.9, 1.2, 1.8, 2.5, 3, 4, 6, 10, 20}
}

// shiftBounds returns the edges of the histograms of layout shift: those of its ratings and some around them.
func shiftBounds() []float64 { return []float64{0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1} }
