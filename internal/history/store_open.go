//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

// The head is written out as blocks of two hours, as a Prometheus server does, which then grow by compaction.
const (
	minBlock = 2 * time.Hour
	maxBlock = 31 * 24 * time.Hour
)

// opened is a store between one opening and closing.
type opened struct {
	db      *tsdb.DB
	gate    *gate
	storage storage.Storage // what everybody reads from and appends to
	closing context.Context // ends before the store closes
	close   context.CancelFunc
	users   sync.WaitGroup // of storage, for reading; added to under the store's lock
}

// session opens the store, records until ctx ends or the store must be opened anew, and closes it.
func (s *Store) session(ctx context.Context) (reopen bool, err error) {
	o, err := s.openAll()
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	s.open = o
	s.mu.Unlock()
	s.become(Ready, "")
	reopen = s.record(ctx, o)
	return reopen, s.closeAll(o)
}

func (s *Store) openAll() (*opened, error) {
	db, err := tsdb.Open(s.opts.Dir, s.log, nil, tsdbOptions(&s.opts), nil)
	if err != nil {
		return nil, fmt.Errorf("opening history: %w", err)
	}
	o := &opened{db: db, gate: newGate(db)}
	o.storage = o.gate
	o.closing, o.close = context.WithCancel(context.Background())
	return o, nil
}

func (s *Store) closeAll(o *opened) error {
	s.mu.Lock()
	s.open = nil
	s.mu.Unlock()
	o.close()
	o.users.Wait()
	if err := o.db.Close(); err != nil {
		return fmt.Errorf("closing history: %w", err)
	}
	return nil
}

func tsdbOptions(opts *Options) *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = opts.Retention.Milliseconds()
	o.MaxBytes = opts.MaxBytes
	o.MinBlockDuration = minBlock.Milliseconds()
	o.MaxBlockDuration = max(minBlock, min(opts.Retention/10, maxBlock)).Milliseconds()
	o.WALCompression = compression.Snappy
	return o
}

// stateOf says which state an error of opening leads to.
func stateOf(err error) State {
	if errors.Is(err, errReadOnly) {
		return ReadOnly
	}
	return Failed
}

var errReadOnly = errors.New("the directory cannot be written")
