//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// Series of the round itself, as a scrape has them.
const (
	upName       = "up"
	durationName = "scrape_duration_seconds"
	samplesName  = "scrape_samples_scraped"
)

// ownFamilies describes the series of the round itself, by name.
func ownFamilies() map[string]metrics.Family {
	return map[string]metrics.Family{
		upName:       {Name: upName, Type: metrics.Gauge, Help: "Whether the series of the agent could be collected."},
		durationName: {Name: durationName, Type: metrics.Gauge, Unit: "seconds", Help: "Time that collecting the series took."},
		samplesName:  {Name: samplesName, Type: metrics.Gauge, Help: "Number of series collected."},
	}
}

// round takes in the series of one round. A touchpoint is locked while its series are: appending works in memory, and the
// log is written by the commit, when nothing is locked any more.
// A sample that cannot be appended is counted; the others are not lost for it.
type round struct {
	store     *Store
	app       storage.AppenderV2
	at        int64 // Unix milliseconds
	described storage.AOptions
	collected int
	counts    counts
}

// round appends all series at one time, in Unix milliseconds. An error means that the log could not be written.
func (s *Store) round(ctx context.Context, o *opened, at int64) error {
	began := time.Now()
	s.cache.begin()
	r := &round{store: s, app: o.storage.AppenderV2(ctx), at: at}
	s.opts.Collect(r)
	r.own(upName, boolean(r.collected > 0))
	r.own(samplesName, float64(r.collected))
	r.own(durationName, time.Since(began).Seconds())
	gone := s.cache.unseen()
	r.markGone(gone)
	if err := r.app.Commit(); err != nil {
		s.count(func(c *counts) { c.rounds[failed]++ })
		return fmt.Errorf("appending a round: %w", err)
	}
	s.cache.forget(gone)
	o.last = at
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.add(&r.counts)
	s.counts.roundSeconds = time.Since(began).Seconds()
	if r.counts.samples == 0 {
		s.counts.rounds[refused]++
		return nil
	}
	s.counts.rounds[appended]++
	s.status.LastAppend = time.UnixMilli(at)
	s.status.Revision++
	return nil
}

// end marks all series as ended, so that they do not seem to go on for the five minutes that a query looks back.
func (s *Store) end(ctx context.Context, o *opened) {
	at := max(time.Now().UnixMilli(), o.last+1)
	s.cache.begin()
	r := &round{store: s, app: o.storage.AppenderV2(ctx), at: at}
	r.markGone(s.cache.unseen())
	if err := r.app.Commit(); err != nil && !errors.Is(err, errNotAppending) {
		s.log.Warn("the series of the history could not be ended", "error", err)
	}
}

// Family remembers a family, and describes what follows for those who write it on.
func (r *round) Family(f *metrics.Family) {
	r.store.learn(f)
	if r.store.remote != nil {
		r.described.Metadata = metadata.Metadata{Type: model.MetricType(f.Type), Unit: f.Unit, Help: f.Help}
	}
}

// Float appends a sample.
func (r *round) Float(ref *metrics.Ref, v float64) {
	r.collected++
	r.append(r.store.cache.find(ref), v, nil)
}

// Histogram appends a native histogram.
func (r *round) Histogram(ref *metrics.Ref, h *metrics.NativeHistogram) {
	r.collected++
	r.append(r.store.cache.find(ref), 0, native(h))
}

// own appends a sample of the round itself.
func (r *round) own(name string, v float64) {
	f := ownFamilies()[name]
	r.Family(&f)
	r.append(r.store.cache.own(name), v, nil)
}

func (r *round) markGone(gone []*series) {
	for _, s := range gone {
		r.append(s, math.Float64frombits(value.StaleNaN), nil)
	}
}

func (r *round) append(s *series, v float64, h *histogram.Histogram) {
	ref, err := r.app.Append(s.ref, s.labels, 0, r.at, v, h, nil, r.described)
	if err != nil {
		r.counts.refused[reasonOf(err)]++
		return
	}
	s.ref = ref
	r.counts.samples++
}

// native copies a histogram: the head keeps the last one of every series.
func native(h *metrics.NativeHistogram) *histogram.Histogram {
	spans := make([]histogram.Span, len(h.Spans))
	for i, s := range h.Spans {
		spans[i] = histogram.Span(s)
	}
	return &histogram.Histogram{
		Schema: h.Schema, ZeroThreshold: h.ZeroThreshold, ZeroCount: h.ZeroCount, Count: h.Count, Sum: h.Sum,
		PositiveSpans: spans, PositiveBuckets: slices.Clone(h.Deltas),
	}
}

// reason is why a sample was not appended.
type reason int

const (
	outOfOrder reason = iota
	duplicate
	outOfBounds
	otherReason
	reasons
)

func (r reason) String() string {
	return [...]string{"out_of_order", "duplicate", "out_of_bounds", "other"}[r]
}

func reasonOf(err error) reason {
	switch {
	case errors.Is(err, storage.ErrOutOfOrderSample), errors.Is(err, storage.ErrTooOldSample):
		return outOfOrder
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return duplicate
	case errors.Is(err, storage.ErrOutOfBounds):
		return outOfBounds
	}
	return otherReason
}

// learn remembers a family.
func (s *Store) learn(f *metrics.Family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[f.Name]; !known {
		s.known[f.Name] = *f
	}
}
