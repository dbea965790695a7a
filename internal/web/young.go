package web

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

const (
	// youngAge is how much must have been recorded for a page to look back over a day unless asked otherwise. Before, a day
	// would be an empty strip with a dot at its end.
	youngAge = 3 * time.Hour
	// leastBack is the least that a page looks back over.
	leastBack = 10 * time.Minute
)

// tooYoung reports whether a page would better look back over an hour at most: the reader chose no range, and no timeline
// reaches far back. The frame knows then when recording began.
func (f *frame) tooYoung(at time.Time, timelines ...[]view.Span) bool {
	begun := at
	for _, spans := range timelines {
		if len(spans) > 0 && spans[0].From.Before(begun) {
			begun = spans[0].From
		}
	}
	if begun.Equal(at) {
		return false
	}
	f.first = begun
	if f.Chosen || at.Sub(begun) > youngAge {
		return false
	}
	f.Range, f.begun = view.Hour, begun
	return true
}

// start returns where the time axis of a page begins that looks back to from: with the first recording, if that is later.
func (f *frame) start(from, at time.Time) time.Time {
	if f.begun.IsZero() {
		return from
	}
	begun := f.begun
	if latest := at.Add(-leastBack); begun.After(latest) {
		begun = latest
	}
	if begun.Before(from) {
		return from
	}
	return begun
}

// Back says what the time axis shows.
func (f *frame) Back() string {
	if f.begun.IsZero() || f.Now.Sub(f.begun) > time.Hour {
		return "last " + span(f.Range)
	}
	return "so far"
}

func timelines(o *view.Overview) [][]view.Span {
	all := make([][]view.Span, len(o.Channels))
	for i := range o.Channels {
		all[i] = o.Channels[i].Timeline
	}
	return all
}
