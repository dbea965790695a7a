package view

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// bridge is how long something else may come between two stretches of the same that are one to a reader.
const bridge = 5 * time.Minute

// track is how a channel, a touchpoint or a dimension was rated through a range. Each point holds for one grain.
type track struct {
	grain  time.Duration
	points []query.Point
}

// ratingNames returns which series the tracks of a range are read from.
func (g grid) ratingNames(l level) string {
	if g.long {
		return string(l) + ":channelwatch_rating:min5m"
	}
	return string(l) + ":channelwatch_rating:5m"
}

// dimensionName returns the same for the dimensions of channels.
func (g grid) dimensionName() string {
	if g.long {
		return "channel_dimension:channelwatch_dimension_rating:min5m"
	}
	return "channel_dimension:channelwatch_dimension_rating:min"
}

// grain returns how far apart the points of a track are.
func (g grid) grain() time.Duration {
	if g.long {
		return 5 * time.Minute
	}
	return recent.every()
}

// tracks asks for tracks up to a time.
func (a *asker) tracks(g grid, names, matchers []string, until time.Time, into *[]query.Series) {
	expr := "last_over_time(" + selector(names, matchers...) + "[" + shortOf(2*g.grain()) + "])"
	a.over("the ratings through the range", expr, axisUntil(until, g.length, g.grain()), into)
}

// trackOf returns the track of a series, up to the present rating at a time. What is recorded rarely tells of the time
// before it.
func (g grid) trackOf(s query.Series, until time.Time, present probe.Rating) track {
	t := track{grain: g.grain(), points: make([]query.Point, 0, len(s.Points)+1)}
	shift := int64(0)
	if g.long {
		shift = t.grain.Milliseconds()
	}
	for _, p := range s.Points {
		if at := p.At - shift; at < until.UnixMilli() {
			t.points = append(t.points, query.Point{At: at, Value: p.Value})
		}
	}
	t.points = append(t.points, query.Point{At: until.UnixMilli(), Value: float64(present)})
	return t
}

// end returns until when a point holds, in Unix milliseconds.
func (t track) end(p query.Point) int64 { return p.At + t.grain.Milliseconds() }

// worse returns the worse of two ratings of one cell. Unknown stands only where nothing was measured.
func worse(a, b probe.Rating) probe.Rating {
	if a == probe.Unknown || b == probe.Unknown {
		return max(a, b)
	}
	return min(a, b)
}

// spans returns the track in cells of which each has its worst rating, equal neighbours joined. Cells begin at multiples
// of their width, so that the picture stands still while time goes on.
func (t track) spans(cell time.Duration, from, until time.Time) []Span {
	var spans []Span
	width := cell.Milliseconds()
	var start int64
	var worst probe.Rating
	add := func() {
		span := Span{From: time.UnixMilli(start).UTC(), Until: time.UnixMilli(start + width).UTC(), Rating: worst}
		if span.From.Before(from) {
			span.From = from
		}
		if span.Until.After(until) {
			span.Until = until
		}
		if n := len(spans); n > 0 && spans[n-1].Rating == worst && spans[n-1].Until.Equal(span.From) {
			spans[n-1].Until = span.Until
		} else if span.From.Before(span.Until) {
			spans = append(spans, span)
		}
	}
	for i, p := range t.points {
		if at := p.At - p.At%width; i == 0 || at != start {
			if i > 0 {
				add()
			}
			start, worst = at, rating(p.Value)
			continue
		}
		worst = worse(worst, rating(p.Value))
	}
	if len(t.points) > 0 {
		add()
	}
	return spans
}

// side is what a reader asks first: is it good?
type side uint8

const (
	unknown side = iota
	below        // fair or poor
	good         // good or excellent
)

func sideOf(r probe.Rating) side {
	switch {
	case r == probe.Unknown:
		return unknown
	case r < probe.Good:
		return below
	}
	return good
}

// since returns since when the track has been on the side of its last point. Other stretches shorter than bridge do not
// count, unless they were below good while it is good now. atLeast says that nothing is known of the time before.
func (t track) since() (at time.Time, atLeast bool) {
	if len(t.points) == 0 {
		return time.Time{}, false
	}
	last := len(t.points) - 1
	present := sideOf(rating(t.points[last].Value))
	start := t.points[last].At
	for i := last - 1; i >= 0; i-- {
		p := t.points[i]
		s := sideOf(rating(p.Value))
		if t.points[i+1].At-t.end(p) >= bridge.Milliseconds() {
			return time.UnixMilli(start).UTC(), true // nothing was recorded
		}
		if start-t.end(p) >= bridge.Milliseconds() || s != present && (present == unknown || s == below) {
			return time.UnixMilli(start).UTC(), false
		}
		if s == present {
			start = p.At
		}
	}
	return time.UnixMilli(start).UTC(), start == t.points[0].At
}

// trouble is a stretch below good.
type trouble struct {
	from, until int64 // Unix milliseconds
	worst       probe.Rating
	lasts       bool
}

// troubles returns the stretches below good, oldest first.
func (t track) troubles() []trouble {
	var all []trouble
	for i, p := range t.points {
		r := rating(p.Value)
		if sideOf(r) != below {
			continue
		}
		last := i == len(t.points)-1
		if n := len(all); n > 0 && p.At-all[n-1].until < bridge.Milliseconds() {
			all[n-1].until, all[n-1].worst, all[n-1].lasts = t.end(p), min(all[n-1].worst, r), last
		} else {
			all = append(all, trouble{p.At, t.end(p), r, last})
		}
	}
	return all
}
