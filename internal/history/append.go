//go:build !nohistory

package history

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// record appends a round at every multiple of Every until ctx ends.
func (s *Store) record(ctx context.Context, o *opened) (reopen bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	every := s.opts.Every
	for {
		timer.Reset(every - time.Duration(time.Now().UnixNano())%every)
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
		now := time.Now().UnixNano()
		if err := s.round(ctx, o, (now-now%int64(every))/int64(time.Millisecond)); err != nil {
			return true
		}
	}
}

// round appends all series at one time, in Unix milliseconds.
func (s *Store) round(ctx context.Context, o *opened, at int64) error {
	began := time.Now()
	s.cache.begin()
	r := &round{store: s, app: o.storage.AppenderV2(ctx), at: at}
	s.opts.Collect(r)
	r.own("up", 1)
	r.own("scrape_samples_scraped", float64(r.collected))
	r.own("scrape_duration_seconds", time.Since(began).Seconds())
	gone := r.markGone()
	if err := r.app.Commit(); err != nil {
		return err
	}
	s.cache.forget(gone)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.LastAppend = time.UnixMilli(at)
	s.status.Revision++
	s.counts.add(&r.counts)
	return nil
}

// round takes in the series of one round.
type round struct {
	store     *Store
	app       storage.AppenderV2
	at        int64 // Unix milliseconds
	collected int
	counts    counts
}

func (r *round) Family(f *metrics.Family) { r.store.learn(f) }

func (r *round) Float(ref *metrics.Ref, v float64) {
	r.collected++
	r.append(r.store.cache.find(ref), v, nil)
}

func (r *round) Histogram(ref *metrics.Ref, h *metrics.NativeHistogram) {
	r.collected++
	r.append(r.store.cache.find(ref), 0, native(h))
}

func (r *round) own(name string, v float64) { r.append(r.store.cache.own(name), v, nil) }

func (r *round) markGone() []*series {
	gone := r.store.cache.unseen()
	for _, s := range gone {
		r.append(s, math.Float64frombits(value.StaleNaN), nil)
	}
	return gone
}

func (r *round) append(s *series, v float64, h *histogram.Histogram) {
	ref, err := r.app.Append(s.ref, s.labels, 0, r.at, v, h, nil, storage.AOptions{})
	if err != nil {
		r.counts.refused[reasonOf(err)]++
		return
	}
	s.ref = ref
	r.counts.samples++
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

// native copies a histogram: the head keeps the last one of every series.
func native(h *metrics.NativeHistogram) *histogram.Histogram {
	spans := make([]histogram.Span, len(h.Spans))
	for i, s := range h.Spans {
		spans[i] = histogram.Span(s)
	}
	return &histogram.Histogram{
		Schema: h.Schema, ZeroThreshold: h.ZeroThreshold, ZeroCount: h.ZeroCount, Count: h.Count, Sum: h.Sum,
		PositiveSpans: spans, PositiveBuckets: append([]int64(nil), h.Deltas...),
	}
}

// learn remembers a family.
func (s *Store) learn(f *metrics.Family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[f.Name]; !known {
		s.known[f.Name] = *f
	}
}
