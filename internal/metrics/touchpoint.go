package metrics

import (
	"math"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// touchpoint is the state of all series of one touchpoint, kept small because there can be tens of thousands.
type touchpoint struct {
	channel, name string // as they stand in a line of text, escaped

	mu       sync.Mutex // guards everything below; never held while something is written to a client
	retired  bool       // out of the set: nothing is counted any more
	def      *probe.Touchpoint
	info     *info
	layout   *layout
	good     [2]uint64 // results rated good and excellent
	causes   []causeCount
	rechecks [2]uint64        // cleared and confirmed
	state    *experienceShape // of the last result; nil before the first
	rating   probe.Rating
	ratings  [probe.NumDimensions]probe.Rating
	last     float64 // start of the last probe in Unix time, or absent
	duration histogram
	phases   []phaseTotal
	values   []float64
	hists    []histogram
}

// causeCount counts the results below good, and the unknown ones, with one explanation.
type causeCount struct {
	of *experienceShape
	n  uint64
}

// experienceShape is a child of experience_total, and of touchpoint_state with the same labels.
type experienceShape struct {
	experience
	*shape
	state *shape
}

// phaseTotal is a summary without quantiles.
type phaseTotal struct {
	sum   time.Duration // 292 years of it
	count uint64
}

func newTouchpoint(def *probe.Touchpoint, i *info, l *layout) *touchpoint {
	t := &touchpoint{
		channel: escapeValue(def.Channel), name: escapeValue(def.Name),
		last: absent(), duration: newHistogram(durationBounds()),
	}
	t.define(def, i, l)
	return t
}

// define sets what the configuration says of the touchpoint. What a new layout keeps of the old one goes on counting.
func (t *touchpoint) define(def *probe.Touchpoint, i *info, l *layout) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.def, t.info = def, i
	if t.layout == l {
		return
	}
	old, phases := t.layout, t.phases
	t.layout, t.phases = l, make([]phaseTotal, len(l.phases))
	t.values, t.hists = make([]float64, l.values), make([]histogram, len(l.hists))
	for i := range t.values {
		t.values[i] = absent()
	}
	for _, i := range l.counters {
		t.values[i] = 0
	}
	for i, bounds := range l.hists {
		t.hists[i] = newHistogram(bounds)
	}
	if old == nil {
		return
	}
	for i, p := range l.phases {
		if j := old.phase[p]; j >= 0 {
			t.phases[i] = phases[j]
		}
	}
}

// recordLocked takes in all of a result but its count.
func (t *touchpoint) recordLocked(result *probe.Result, verdict *quality.Verdict) {
	t.rating, t.ratings = verdict.Rating, verdict.Dimensions
	if !result.Start.IsZero() {
		t.last = seconds(result.Start)
	}
	for _, i := range t.layout.fleeting {
		t.values[i] = absent()
	}
	if verdict.Rating == probe.Unknown && !t.def.Profile.Passive {
		t.asideLocked(result) // its times say nothing about the channel
		return
	}
	t.duration.observe(result.Duration.Seconds())
	for i, p := range t.layout.phases {
		if d, ok := result.Phases.Get(p); ok {
			t.phases[i].sum += d
			t.phases[i].count++
		}
	}
	for i := range result.Measurements {
		t.measureLocked(&result.Measurements[i])
	}
}

// asideLocked takes in what a result says of the way to the channel rather than of the channel.
func (t *touchpoint) asideLocked(result *probe.Result) {
	for i := range result.Measurements {
		if metric := t.layout.byName[result.Measurements[i].Metric]; metric != nil && metric.Unrated {
			t.measureLocked(&result.Measurements[i])
		}
	}
}

// measureLocked takes in a measurement; one that was not declared is not exported.
func (t *touchpoint) measureLocked(measured *probe.Measurement) {
	metric := t.layout.byName[measured.Metric]
	if metric == nil {
		return
	}
	i := metric.child(measured.Label)
	if i < 0 {
		return
	}
	i += t.layout.metrics[metric.number].first
	switch {
	case metric.Type == probe.Histogram:
		t.hists[i].observe(measured.Value)
	case metric.Type == probe.Gauge:
		t.values[i] = measured.Value
	case measured.Value > 0 && !math.IsInf(measured.Value, 1): // a counter never falls
		t.values[i] += measured.Value
	}
}

// findLocked returns the counter of an explanation, or nil when it has not struck yet.
func (t *touchpoint) findLocked(e experience) *causeCount {
	for i := range t.causes {
		if t.causes[i].of.experience == e {
			return &t.causes[i]
		}
	}
	return nil
}

// seconds returns Unix time to the millisecond, which keeps it short in a scrape.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
