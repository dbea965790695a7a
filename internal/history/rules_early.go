//go:build !nohistory

package history

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

const (
	// lookback is how long a value that was recorded is found by whoever asks for the present one.
	lookback = 5 * time.Minute
	// firstLook is how often a new store is asked for its first sample.
	firstLook = time.Second
)

// warmUpAt returns when the groups of a new store are evaluated out of turn, counted from the first sample: soon, for the
// newcomer who looks at the page, then more and more seldom, so that what it says of 28 days is not an hour old. A group
// takes part for as long as one interval, also when it had its turn: that may have come before there was anything to
// evaluate. Where values are added up, what happened in the first minute counts up to three times more than it would
// behind a Prometheus, until the window has passed. A store that holds more than that is evaluated in turn only: after a
// gap of hours, the windows of 7 and 28 days show nothing until their next turn, within the hour.
func warmUpAt() []time.Duration {
	return []time.Duration{10 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}
}

// warmUp evaluates the groups of which a new store holds nothing, in the order given, at first, until ctx ends.
func (c *cycles) warmUp(ctx context.Context, store storage.Storage, groups []*rules.Group) {
	if oldest, err := store.StartTime(); err != nil || oldest < time.Now().Add(-lookback).UnixMilli() {
		return
	}
	cold := slices.DeleteFunc(groups, func(g *rules.Group) bool { return !records(g) || holdsAny(ctx, store, g) })
	if len(cold) == 0 || !firstSample(ctx, store) {
		return
	}
	began := time.Now()
	for _, after := range warmUpAt() {
		cold = slices.DeleteFunc(cold, func(g *rules.Group) bool { return after >= g.Interval() })
		if len(cold) == 0 || !sleepUntil(ctx, began.Add(after)) {
			return
		}
		for _, g := range cold {
			c.evaluate(ctx, g, time.Now())
		}
	}
}

func records(g *rules.Group) bool { return len(recordingRules(g)) > 0 }

func recordingRules(g *rules.Group) []rules.Rule {
	return slices.DeleteFunc(slices.Clone(g.Rules()), func(rule rules.Rule) bool {
		_, ok := rule.(*rules.RecordingRule)
		return !ok
	})
}

// firstSample waits until the store holds a sample, and returns false when ctx ends before.
func firstSample(ctx context.Context, store storage.Queryable) bool {
	for !holds(ctx, store, lookback, labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")) {
		if !sleepUntil(ctx, time.Now().Add(firstLook)) {
			return false
		}
	}
	return true
}

// holdsAny reports whether the store has a recent value that the group recorded.
func holdsAny(ctx context.Context, store storage.Queryable, g *rules.Group) bool {
	return slices.ContainsFunc(recordingRules(g), func(rule rules.Rule) bool {
		name := labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, rule.Name())
		return holds(ctx, store, max(lookback, 2*g.Interval()), name)
	})
}

// holds reports whether the store has a sample of a series no older than age.
func holds(ctx context.Context, store storage.Queryable, age time.Duration, series *labels.Matcher) bool {
	now := time.Now()
	querier, err := store.Querier(now.Add(-age).UnixMilli(), now.UnixMilli())
	if err != nil {
		return false
	}
	defer func() { _ = querier.Close() }() // nothing was written
	return querier.Select(ctx, false, nil, series).Next()
}

// sleepUntil returns false when ctx ends before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
