//go:build !nohistory

package history

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// errNotAppending is returned by appends while the store takes in nothing.
var errNotAppending = errors.New("the history records nothing at the moment")

// gate is the one way by which samples come into a store: rounds and recording rules alike. It closes for good at the first
// error of the write-ahead log, because the record torn by it ends what the next opening can read: all that was written
// behind it would be lost.
type gate struct {
	storage.Storage                 // to read from
	to              storage.Storage // to append to

	// One new series at a time: two at once may enter the index in the wrong order, and putting that right disturbs whoever
	// reads it (github.com/prometheus/prometheus/issues/15317).
	births sync.Mutex

	mu     sync.Mutex // one commit at a time: none must follow a torn record
	err    error      // of the write-ahead log
	onHold bool
}

// torn returns the error by which the gate closed for good; nil when it did not.
func (g *gate) torn() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// hold keeps samples out, or lets them in again.
func (g *gate) hold(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onHold = on
}

// closed reports whether the store takes in nothing.
func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.onHold || g.err != nil
}

// Appender returns an appender for the evaluation of rules, which still has this interface.
func (g *gate) Appender(ctx context.Context) storage.Appender {
	return &gatedAppender{Appender: g.to.Appender(ctx), gate: g}
}

// AppenderV2 returns an appender.
func (g *gate) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &gatedAppenderV2{AppenderV2: g.to.AppenderV2(ctx), gate: g}
}

func (g *gate) commit(app storage.AppenderTransaction) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.onHold || g.err != nil {
		return errors.Join(errNotAppending, app.Rollback())
	}
	g.err = app.Commit()
	return g.err
}

type gatedAppender struct {
	storage.Appender
	gate *gate
}

// Append appends a value, of a series that may be new without a reference.
func (a *gatedAppender) Append(ref storage.SeriesRef, of labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	if ref == 0 {
		a.gate.births.Lock()
		defer a.gate.births.Unlock()
	}
	return a.Appender.Append(ref, of, t, v)
}

// AppendHistogram appends a histogram, of a series that may be new without a reference.
func (a *gatedAppender) AppendHistogram(
	ref storage.SeriesRef, of labels.Labels, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram,
) (storage.SeriesRef, error) {
	if ref == 0 {
		a.gate.births.Lock()
		defer a.gate.births.Unlock()
	}
	return a.Appender.AppendHistogram(ref, of, t, h, fh)
}

// Commit commits unless the gate is closed.
func (a *gatedAppender) Commit() error { return a.gate.commit(a.Appender) }

type gatedAppenderV2 struct {
	storage.AppenderV2
	gate *gate
}

// Append appends a value or a histogram, of a series that may be new without a reference.
func (a *gatedAppenderV2) Append(
	ref storage.SeriesRef, of labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AOptions,
) (storage.SeriesRef, error) {
	if ref == 0 {
		a.gate.births.Lock()
		defer a.gate.births.Unlock()
	}
	return a.AppenderV2.Append(ref, of, st, t, v, h, fh, opts)
}

// Commit commits unless the gate is closed.
func (a *gatedAppenderV2) Commit() error { return a.gate.commit(a.AppenderV2) }
