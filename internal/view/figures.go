package view

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// level says of whom series are.
type level string

const (
	channels    level = "channel"
	touchpoints level = "touchpoint"
)

// names returns the recorded series of a window.
func (l level) names(w window) []string {
	names := []string{
		l.score(w),
		string(l) + ":channelwatch_up:" + string(w),
		string(l) + ":channelwatch_unknown:ratio" + string(w),
		string(l) + ":channelwatch_rating:" + string(w),
		l.lost(w),
	}
	if l == channels {
		names = append(names, string(l)+":channelwatch_gap:"+string(w))
	}
	return names
}

// score returns the name of the scores of a window. With the points lost they are 100.
func (l level) score(w window) string { return string(l) + ":channelwatch_score:" + string(w) }

// lost returns the name of the points lost.
func (l level) lost(w window) string {
	return string(l) + "_cause:channelwatch_points_lost:" + string(w)
}

// subject is a channel, or a touchpoint of one.
type subject struct{ channel, touchpoint string }

func subjectOf(s query.Series) subject { return subject{s.Labels["channel"], s.Labels["touchpoint"]} }

// figures are what the rules recorded of one subject over one window.
type figures struct {
	window window
	score  *Score // nil where nothing was measured
	rating probe.Rating
	lost   []Cause // without sentences, most points first
}

// figures asks for recorded series of a window. Where those of the shortest do not add up, because an outside server has only
// a part of the last evaluation yet, those of the evaluation before it are taken.
func (a *asker) figures(w window, at time.Time, names []string, matchers []string, into *[]query.Series) {
	what := "the figures over " + string(w)
	expr := "last_over_time(" + selector(names, matchers...) + "[" + shortOf(w.every()) + "])"
	a.group.Go(func() error {
		answer, err := a.engine.Query(a.ctx, expr, at)
		if err == nil && w == recent && !addUp(answer) {
			var before []query.Series
			if before, err = a.engine.Query(a.ctx, expr, at.Add(-w.every())); addUp(before) && len(before) > 0 {
				answer = before
			}
		}
		return take(what, answer, err, into)
	})
}

// addUp reports whether score and points lost of everybody are 100.
func addUp(answer []query.Series) bool {
	for _, f := range readFigures(answer, recent) {
		if f.score == nil {
			continue
		}
		total := f.score.Score
		for _, c := range f.lost {
			total += c.Points
		}
		if math.Abs(total-100) > exact {
			return false
		}
	}
	return true
}

// readFigures sorts an answer by subject.
func readFigures(answer []query.Series, w window) map[subject]*figures {
	all := make(map[subject]*figures)
	for _, s := range oneSource(answer) {
		f := all[subjectOf(s)]
		if f == nil {
			f = &figures{window: w, score: &Score{Window: string(w), At: s.Points[len(s.Points)-1].Time().UTC(), Score: -1}}
			all[subjectOf(s)] = f
		}
		f.read(s)
	}
	for _, f := range all {
		f.score.Rating = f.rating
		if f.score.Score < 0 {
			f.score = nil
		}
		sortCauses(f.lost)
	}
	return all
}

// telling returns the figures that say most: those of now where points are lost, else those of the day where there are
// some, else those that were measured; it may return nil.
func telling(now, today *figures) *figures {
	switch {
	case now != nil && len(now.lost) > 0:
		return now
	case today != nil && len(today.lost) > 0, now == nil || now.score == nil:
		return today
	}
	return now
}

// words returns the sentence about the gap, and the causes with their sentences. Of nothing, nothing was measured.
func (f *figures) words(young bool, say sentences) (gap string, causes []Cause) {
	if f == nil {
		return gapWords(nil, nil, false), nil
	}
	causes = say.explain(f.lost)
	return gapWords(f.score, causes, young), causes
}

func (f *figures) read(s query.Series) {
	_, name, _ := strings.Cut(s.Labels["__name__"], ":channelwatch_")
	name, _, _ = strings.Cut(name, ":")
	switch name {
	case "score":
		f.score.Score = value(s)
	case "up":
		f.score.Up = value(s)
	case "gap":
		f.score.Gap = value(s)
	case "unknown":
		f.score.Unknown = value(s)
	case "rating":
		f.rating = rating(value(s))
	case "points_lost":
		f.lost = append(f.lost, Cause{Check: probe.CheckID(s.Labels["cause"]), Dimension: s.Labels["dimension"], Points: value(s)})
	}
}

// sortCauses puts those first that took most. The cap of the weakest touchpoint is last: it follows from the others.
func sortCauses(causes []Cause) { slices.SortFunc(causes, compareCauses) }

func compareCauses(a, b Cause) int {
	last := func(c Cause) int {
		if c.Check == probe.WeakestTouchpoint {
			return 1
		}
		return 0
	}
	return cmp.Or(last(a)-last(b), cmp.Compare(b.Points, a.Points), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Dimension, b.Dimension))
}

// oneSource leaves only one of several who recorded the same subject, such as agents that write to the same server:
// figures of two evaluations must not be mixed, they would not add up. Which one is the same at each time.
func oneSource(answer []query.Series) []query.Series {
	first := make(map[subject]string)
	sources := make([]string, len(answer))
	for i, s := range answer {
		sources[i] = source(s.Labels)
		if old, ok := first[subjectOf(s)]; !ok || sources[i] < old {
			first[subjectOf(s)] = sources[i]
		}
	}
	kept := make([]query.Series, 0, len(answer))
	for i, s := range answer {
		if sources[i] == first[subjectOf(s)] {
			kept = append(kept, s)
		}
	}
	return kept
}

// source writes the labels that the rules do not set.
func source(labels map[string]string) string {
	var b strings.Builder
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		switch label {
		case "__name__", "channel", "touchpoint", "dimension", "cause", "phase", "vital", "party", "page_group", "device", "figure", "outcome", "answer":
		default:
			b.WriteString(label + "=" + labels[label] + "\xff")
		}
	}
	return b.String()
}
