package view

import (
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// bridge is how long something else may come between two stretches of the same that are one to a reader.
const bridge = 5 * time.Minute

// lately is the end of a long range that is read as finely as a short one: what is recorded rarely does not know it yet.
const lately = 10 * time.Minute

// track is how a channel, a touchpoint or a dimension was rated through a range, in order and without overlaps.
type track []hold

// hold is a rating that held for some time, in Unix milliseconds.
type hold struct {
	from, until int64
	rating      probe.Rating
}

// rated names the series of ratings: those of every evaluation, and the worst of 5 minutes, which long ranges read.
type rated struct{ fine, coarse string }

// rated returns the names of a level.
func (l level) rated() rated {
	return rated{string(l) + ":channelwatch_rating:5m", string(l) + ":channelwatch_rating:min5m"}
}

// dimensionRated returns the names of the dimensions of channels.
func dimensionRated() rated {
	return rated{"channel_dimension:channelwatch_dimension_rating:min", "channel_dimension:channelwatch_dimension_rating:min5m"}
}

// ratings are the answers that make tracks.
type ratings struct{ fine, coarse []query.Series }

// grain returns how far apart the points of a range are.
func (g grid) grain() time.Duration {
	if g.long {
		return 5 * time.Minute
	}
	return recent.every()
}

// ratings asks for ratings up to a time.
func (a *asker) ratings(g grid, of []rated, matchers []string, until time.Time, into *ratings) {
	var fine, coarse []string
	for _, r := range of {
		fine, coarse = append(fine, r.fine), append(coarse, r.coarse)
	}
	through := func(names []string, x axis, into *[]query.Series) {
		a.over("the ratings through the range", "last_over_time("+selector(names, matchers...)+"["+shortOf(2*x.step)+"])", x, into)
	}
	length := g.length
	if g.long {
		length = lately
		through(coarse, axisUntil(until.Add(-lately), g.length-lately, g.grain()), &into.coarse)
	}
	through(fine, axisUntil(until, length, recent.every()), &into.fine)
}

// trackOf says whose track it is: that of a subject, or of one dimension of it.
type trackOf struct {
	subject
	dimension string
}

// tracks joins the answers. A point of every evaluation holds until the next; what is recorded rarely tells of the time
// before it.
func (q *ratings) tracks(g grid) map[trackOf]track {
	all := make(map[trackOf]track)
	read := func(answer []query.Series, back, width time.Duration) {
		for _, s := range oneSource(answer) {
			of := trackOf{subjectOf(s), s.Labels["dimension"]}
			t := slices.Grow(all[of], len(s.Points)+1)
			for _, p := range s.Points {
				from := p.At - back.Milliseconds()
				t = append(t, hold{from, from + width.Milliseconds(), rating(p.Value)})
			}
			all[of] = t
		}
	}
	read(q.coarse, g.grain(), g.grain())
	read(q.fine, 0, recent.every())
	return all
}

// now returns the track up to the present rating at a time.
func (t track) now(at time.Time, present probe.Rating) track {
	if n := len(t); n > 0 && t[n-1].from == at.UnixMilli() {
		t = t[:n-1]
	}
	return append(t, hold{at.UnixMilli(), at.Add(recent.every()).UnixMilli(), present})
}

// trying is how long a new history may know of a channel before its first result.
const trying = 2 * time.Minute

// begun returns the track from the first result on, where recording began within the range: what had not been tried yet is
// not what could not be measured.
func (t track) begun(g grid, at time.Time) track {
	first := slices.IndexFunc(t, func(h hold) bool { return h.rating != probe.Unknown })
	if first <= 0 || t[0].from <= at.Add(-g.length+g.grain()).UnixMilli() || t[first].from-t[0].from > trying.Milliseconds() {
		return t
	}
	return t[first:]
}

// young reports whether a track began less than the shortest window ago.
func (t track) young(at time.Time) bool {
	return len(t) > 0 && at.UnixMilli()-t[0].from < (recent.length()-recent.every()).Milliseconds()
}

// worse returns the worse of two ratings of one cell. Unknown stands only where nothing was measured.
func worse(a, b probe.Rating) probe.Rating {
	if a == probe.Unknown || b == probe.Unknown {
		return max(a, b)
	}
	return min(a, b)
}

// spans returns the track in cells of which each has its worst rating, equal neighbours joined. Cells begin at multiples
// of their width, so that the picture stands still while time goes on; the last one is divided where the present rating
// began, so that the picture ends with what is.
func (t track) spans(cell time.Duration, from, until time.Time) []Span {
	var spans []Span
	for _, part := range t.cells(cell.Milliseconds()) {
		span := Span{From: time.UnixMilli(part.from).UTC(), Until: time.UnixMilli(part.until).UTC(), Rating: part.rating}
		if span.From.Before(from) {
			span.From = from
		}
		if span.Until.After(until) {
			span.Until = until
		}
		if n := len(spans); n > 0 && spans[n-1].Rating == span.Rating && spans[n-1].Until.Equal(span.From) {
			spans[n-1].Until = span.Until
		} else if span.From.Before(span.Until) {
			spans = append(spans, span)
		}
	}
	return spans
}

// cells returns the worst rating of each cell.
func (t track) cells(width int64) track {
	if len(t) == 0 {
		return nil
	}
	begin := func(h hold) int64 { return max(h.from-h.from%width, t[0].from) }
	last, present := begin(t[len(t)-1]), t.present()
	var cells track
	for _, h := range t {
		part := hold{begin(h), h.from - h.from%width + width, h.rating}
		n := len(cells)
		switch {
		case n == 0 || cells[n-1].until <= part.from:
			cells = append(cells, part)
		case part.from == last && h.from == present:
			cells[n-1].until, part.from = present, present
			cells = append(cells, part)
		default:
			cells[n-1].rating = worse(cells[n-1].rating, part.rating)
		}
	}
	return cells
}

// present returns when the rating that the track ends with began.
func (t track) present() int64 {
	i := len(t) - 1
	for i > 0 && t[i-1].rating == t[i].rating && t[i-1].until >= t[i].from {
		i--
	}
	return t[i].from
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
	if len(t) == 0 {
		return time.Time{}, false
	}
	last := len(t) - 1
	present, start := sideOf(t[last].rating), t[last].from
	for i := last - 1; i >= 0; i-- {
		h, s := t[i], sideOf(t[i].rating)
		if t[i+1].from-h.until >= bridge.Milliseconds() {
			return time.UnixMilli(start).UTC(), true // nothing was recorded
		}
		if start-h.until >= bridge.Milliseconds() || s != present && (present == unknown || s == below) {
			return time.UnixMilli(start).UTC(), false
		}
		if s == present {
			start = h.from
		}
	}
	return time.UnixMilli(start).UTC(), start == t[0].from
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
	for i, h := range t {
		if sideOf(h.rating) != below {
			continue
		}
		last := i == len(t)-1
		if n := len(all); n > 0 && h.from-all[n-1].until < bridge.Milliseconds() {
			all[n-1].until, all[n-1].worst, all[n-1].lasts = h.until, min(all[n-1].worst, h.rating), last
		} else {
			all = append(all, trouble{h.from, h.until, h.rating, last})
		}
	}
	return all
}
