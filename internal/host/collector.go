package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// errNothing says that this host does not have what a collector reads.
var errNothing = errors.New("nothing here")

// The metrics about the collectors themselves.
const (
	metricAvailable = "host_collector_available"
	metricDropped   = "host_collector_dropped_label_sets"
	metricDuration  = "host_collector_duration_seconds"
	metricSuccess   = "host_collector_success"
)

// collector reads one part of the host.
type collector struct {
	name    string // label and word in the configuration
	metrics []Desc // all that it can give
	// collect adds what it reads; what it added before an error is kept. errNothing is not a failure.
	collect func(ctx context.Context, out *samples) error
}

// Collectors returns the names of all collectors, sorted.
func Collectors() []string {
	var names []string
	for _, c := range collectors(nil, filters{}) {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

// Describe returns the catalogue of all metrics of this package, those of the Observer included, sorted by name.
func Describe() []Desc {
	descs := []Desc{
		gauge(metricAvailable, "Whether this host has what the collector reads (1) or not (0)", "collector"),
		gauge(metricDropped, "Label sets that the collector left out because they are over the limit", "collector"),
		gauge(metricDuration, "How long the collector's last run took", "collector"),
		gauge(metricSuccess, "Whether the collector's last run succeeded (1) or failed (0)", "collector"),
	}
	for _, c := range collectors(nil, filters{}) {
		descs = append(descs, c.metrics...)
	}
	descs = append(descs, observerMetrics()...)
	slices.SortFunc(descs, func(a, b Desc) int { return strings.Compare(a.Name, b.Name) })
	return descs
}

// outcome is what one run of a collector gave.
type outcome struct {
	samples []sample
	dropped int
	took    time.Duration
	err     error
}

// runner runs a collector, one run at a time. Its fields belong to whoever has the Host's turn.
type runner struct {
	collector
	pending chan outcome // of a run that was not waited for; nil when there is none
	since   time.Time    // when that run began
	failing bool
}

// run waits for the collector until the timeout or the end of ctx. A run that hangs, such as in a dead disk, cannot be
// stopped: it is left alone, and no second one joins it.
func (r *runner) run(ctx context.Context, opts Options) outcome {
	select {
	case <-r.pending: // ended after nobody waited any more: what it read is old
		r.pending = nil
	default:
	}
	if r.pending == nil {
		done := make(chan outcome, 1)
		r.pending, r.since = done, time.Now()
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), opts.Timeout)
		go func() {
			defer cancel()
			done <- r.once(own, opts.MaxLabelSets)
		}()
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	select {
	case o := <-r.pending:
		r.pending = nil
		return o
	case <-ctx.Done():
		took := time.Since(r.since)
		return outcome{took: took, err: fmt.Errorf("still reading after %s, want at most %s", took.Round(time.Millisecond), opts.Timeout)}
	}
}

// once turns a panic into an error: a file in a form that a parser did not expect must not end the agent.
func (r *runner) once(ctx context.Context, limit int) (o outcome) {
	start, out := time.Now(), newSamples(limit)
	defer func() {
		if cause := recover(); cause != nil {
			o.err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
		o.samples, o.dropped, o.took = out.list, out.dropped, time.Since(start)
	}()
	o.err = r.collect(ctx, out)
	return o
}

// report logs changes only: a host without one of its parts would fill the log otherwise.
func (r *runner) report(log *slog.Logger, failed bool, err error) {
	switch {
	case failed && !r.failing:
		log.Warn("host collector fails", "collector", r.name, "err", err)
	case !failed && r.failing:
		log.Info("host collector recovered", "collector", r.name)
	}
	r.failing = failed
}
