//go:build !nohistory

package history

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// errNotAppending is returned by appends while the store takes in nothing.
var errNotAppending = errors.New("history appends nothing at the moment")

// gate is the one way by which samples come into a store: rounds and recording rules alike. It closes at the first error of
// the write-ahead log, because the record torn by it ends what the next start can read: all that was written behind it
// would be lost.
type gate struct {
	storage.Storage

	mu     sync.Mutex // one commit at a time: none must follow a torn record
	broken error
	closed bool
}

func newGate(db *tsdb.DB) *gate { return &gate{Storage: db} }

// Appender returns an appender for the evaluation of rules, which still has this interface.
func (g *gate) Appender(ctx context.Context) storage.Appender {
	return &gatedAppender{Appender: g.Storage.Appender(ctx), gate: g}
}

// AppenderV2 returns an appender.
func (g *gate) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &gatedAppenderV2{AppenderV2: g.Storage.AppenderV2(ctx), gate: g}
}

func (g *gate) commit(app storage.AppenderTransaction) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.broken != nil {
		return errors.Join(errNotAppending, app.Rollback())
	}
	g.broken = app.Commit()
	return g.broken
}

type gatedAppender struct {
	storage.Appender
	gate *gate
}

func (a *gatedAppender) Commit() error { return a.gate.commit(a.Appender) }

type gatedAppenderV2 struct {
	storage.AppenderV2
	gate *gate
}

func (a *gatedAppenderV2) Commit() error { return a.gate.commit(a.AppenderV2) }
