package view

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// atOnce bounds how many questions of one page are under way: probing must not wait for readers.
const atOnce = 3

// asker asks the questions of a page, some at a time.
type asker struct {
	ctx    context.Context
	engine query.Engine
	group  *errgroup.Group
}

// ask returns an asker; its wait must be called.
func ask(ctx context.Context, engine query.Engine) *asker {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	return &asker{ctx, engine, group}
}

// at asks for an expression at one time.
func (a *asker) at(what, expr string, at time.Time, into *[]query.Series) {
	a.group.Go(func() error {
		answer, err := a.engine.Query(a.ctx, expr, at)
		return take(what, answer, err, into)
	})
}

// over asks for an expression at the steps of a time axis.
func (a *asker) over(what, expr string, x axis, into *[]query.Series) {
	a.group.Go(func() error {
		answer, err := a.engine.QueryRange(a.ctx, expr, x.from, x.to, x.step)
		return take(what, answer, err, into)
	})
}

// take keeps an answer. What is no number, as it can come of a division in a rule, is as good as not recorded; JSON has no
// word for it.
func take(what string, answer []query.Series, err error, into *[]query.Series) error {
	if err != nil {
		return fmt.Errorf("asking for %s: %w", what, err)
	}
	for _, s := range answer {
		if slices.ContainsFunc(s.Points, noNumber) {
			s.Points = slices.DeleteFunc(slices.Clone(s.Points), noNumber)
		}
		if len(s.Points) > 0 {
			*into = append(*into, s)
		}
	}
	return nil
}

func noNumber(p query.Point) bool { return math.IsNaN(p.Value) || math.IsInf(p.Value, 0) }

// wait returns when all questions are answered, or one cannot be.
func (a *asker) wait() error { return a.group.Wait() }

// axis is when a line has its points: from, from + step, … to.
type axis struct {
	from, to time.Time
	step     time.Duration
}

// axisUntil returns the axis of as many steps as fit into length, that ends at a time.
func axisUntil(to time.Time, length, step time.Duration) axis {
	return axis{to.Add(step - length.Truncate(step)), to, step}
}

// promDuration writes a duration in PromQL.
func promDuration(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

// shortOf returns a range of PromQL that is just shorter than d, so that of samples that are d apart it holds exactly
// one: older versions of Prometheus count both ends.
func shortOf(d time.Duration) string { return promDuration(d - time.Millisecond) }

// selector selects series by name and by what else they must match.
func selector(names []string, matchers ...string) string {
	if len(names) > 1 {
		return selector([]string{""}, append([]string{`__name__=~"` + strings.Join(names, "|") + `"`}, matchers...)...)
	}
	if len(matchers) == 0 {
		return names[0]
	}
	return names[0] + "{" + strings.Join(matchers, ",") + "}"
}

// is matches series whose label has the value; an empty value matches all.
func is(label, value string) []string {
	if value == "" {
		return nil
	}
	return []string{label + "=" + strconv.Quote(value)}
}

// value returns the only point of an answer to a question at one time.
func value(s query.Series) float64 { return s.Points[len(s.Points)-1].Value }

// rating reads a rating as it is recorded.
func rating(v float64) probe.Rating {
	if v >= float64(probe.Poor) && v <= float64(probe.Excellent) {
		return probe.Rating(v)
	}
	return probe.Unknown
}
