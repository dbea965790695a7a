package web

import (
	"html/template"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// channelRow is a channel as the pages show it.
type channelRow struct {
	*view.Channel

	Frame       *frame
	From, Until time.Time // of the timeline
	Single      bool      // whether it has a page for itself
}

// Why returns the sentence for the reader about what costs most; empty when there is none.
func (r channelRow) Why() string { return r.Frame.Pick(r.Words.Cause) }

// Agreed returns the sentence for the reader about the agreement.
func (r channelRow) Agreed() string { return r.Frame.Pick(r.Agreement.Words) }

// Measured returns the score of now, or nil when it stands for nothing: where most could not be measured.
func (r channelRow) Measured() *view.Score {
	if r.Rating == probe.Unknown {
		return nil
	}
	return r.Now
}

// SoFar says that too little of a window has been measured to call its score that of the window; empty otherwise.
func (r channelRow) SoFar(s *view.Score) string { return r.Frame.SoFar(s) }

// MainCause returns what costs most, or nil. That an important part is weak explains nothing while another cause is known.
func (r channelRow) MainCause() *view.Cause {
	for i := range r.Causes {
		if r.Causes[i].Dimension != "" {
			return &r.Causes[i]
		}
	}
	if len(r.Causes) > 0 {
		return &r.Causes[0]
	}
	return nil
}

// CausesScore returns the score that the causes belong to, or nil.
func (r channelRow) CausesScore() *view.Score {
	for _, s := range []*view.Score{r.Now, r.Day} {
		if s != nil && s.Window == r.CausesOf {
			return s
		}
	}
	return nil
}

// part is a cause with its points as they are printed: beside the score that they belong to they add up to 100.
type part struct {
	view.Cause

	Printed template.HTML
}

// Parts returns the causes.
func (r channelRow) Parts() []part {
	values := make([]float64, len(r.Causes))
	sum := 0.0
	for i := range r.Causes {
		values[i] = r.Causes[i].Points
		sum += values[i]
	}
	score := 100 - sum
	if s := r.CausesScore(); s != nil {
		score = s.Score
	}
	parts := make([]part, len(values))
	for i, printed := range view.Parts(score, values) {
		parts[i] = part{r.Causes[i], data(values[i], printed)}
	}
	return parts
}

// List returns the timeline for those who do not see it.
func (r channelRow) List() spanList { return newSpanList(r.Title, r.Frame, r.Timeline) }

// spanList says of a timeline when it was not good: what its pictures are looked at for.
type spanList struct {
	Title string
	Now   time.Time
	Begun *time.Time  // first recording; nil when nothing was recorded
	Spans []view.Span // fair, poor or unknown
}

func newSpanList(title string, f *frame, spans []view.Span) spanList {
	list := spanList{Title: title, Now: f.Now}
	if len(spans) > 0 {
		list.Begun = &spans[0].From
	}
	for _, s := range spans {
		if s.Rating < probe.Good {
			list.Spans = append(list.Spans, s)
		}
	}
	return list
}
