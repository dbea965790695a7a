//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/fileutil"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// opened is a store between one opening and closing.
type opened struct {
	db       *tsdb.DB
	registry *metrics.Registry // of the database alone: its figures are not the agent's
	gate     *gate
	storage  storage.Storage // what rounds and rules append to, and rules read
	closing  context.Context // ends before the store closes
	close    context.CancelFunc
	readers  sync.WaitGroup // added to under the lock of the Store
	parts    sync.WaitGroup // goroutines that end with closing

	unreadable chan []ulid.ULID // blocks found since it was opened

	// Of the goroutine of Run:
	last   int64     // time of the newest sample, Unix milliseconds
	behind int       // rounds in a row that were left out because the clock is behind it
	retry  time.Time // when to open anew after a write that went wrong
	aside  []ulid.ULID
	rewind int64 // the time to go back to when it is closed; 0 for none
}

// session opens the store, records until ctx ends or it must be opened anew, and closes it.
func (s *Store) session(ctx context.Context) error {
	lock, err := s.enter()
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }() // the end of the process would do, too
	s.become(Opening, "what was recorded before is being read")
	o, err := s.openAll()
	if err != nil {
		return err
	}
	s.record(ctx, o)
	return s.closeAll(ctx, o)
}

// enter makes the directory, tries whether it can be used, and keeps other processes out of it.
func (s *Store) enter() (fileutil.Releaser, error) {
	dir := s.opts.Dir
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, obstacleOf(dir, err)
	}
	if o := writable(dir); o != nil {
		return nil, o
	}
	if free, err := s.measureFree(); err == nil && free < leastFree {
		return nil, &obstacle{Full, fmt.Sprintf("%s has %s free, which is too little to open the history", dir, bytesText(free)), syscall.ENOSPC}
	}
	lock, _, err := fileutil.Flock(filepath.Join(dir, "lock")) // the one that a Prometheus server takes
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, &obstacle{Failed, dir + " is in use by another process: give each agent a directory of its own", err}
	case err != nil:
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return lock, nil
}

func (s *Store) openAll() (*opened, error) {
	began := time.Now()
	if err := s.sortOut(); err != nil {
		return nil, err
	}
	o := &opened{registry: metrics.Library(), unreadable: make(chan []ulid.ULID, 1)}
	db, err := tsdb.Open(s.opts.Dir, slog.New(upstream{s.log.Handler()}), o.registry, tsdbOptions(&s.opts), nil)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", s.opts.Dir, err)
	}
	o.db, o.last = db, max(0, db.Head().MaxTime()) // which begins where the blocks end
	o.closing, o.close = context.WithCancel(context.Background())
	o.gate = &gate{Storage: db, to: s.remote.attach(o.closing, db, s.opts.Dir)}
	o.storage = o.gate
	o.parts.Go(func() { s.watchBlocks(o) })
	o.parts.Go(func() { s.rules.run(o.closing, o.gate, s.evaluated) })

	s.cache.reset()
	found := gatherFrom(o.registry)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = o
	s.counts.openings++
	s.counts.openSeconds = time.Since(began).Seconds()
	s.counts.repairedLogs += uint64(found.sum(logRepairs, "") + found.sum(headRepairs, ""))
	return o, nil
}

// closeAll closes the store in the order in which its parts depend on each other. What it cannot write any more is no
// reason not to go on: the next opening reads what there is.
func (s *Store) closeAll(ctx context.Context, o *opened) error {
	s.mu.Lock()
	s.open = nil
	s.mu.Unlock()
	o.close()
	o.parts.Wait()
	o.readers.Wait()
	if ctx.Err() != nil {
		s.end(context.WithoutCancel(ctx), o)
	}
	var kept error
	blocks := o.db.Blocks()
	if o.rewind > 0 {
		kept = keepUntil(context.WithoutCancel(ctx), o.db, o.rewind)
	}
	errs := []error{kept, s.remote.detach(), o.db.Close()}
	for _, id := range o.aside {
		errs = append(errs, s.setAside(id.String(), corrupt))
	}
	if o.rewind > 0 && kept == nil {
		errs = append(errs, s.dropAfter(o.rewind, blocks))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing %s: %w", s.opts.Dir, err)
	}
	return nil
}

// tsdbOptions sets what a server would set by its flags, and less memory than it takes: this store is one part of an agent.
func tsdbOptions(opts *Options) *tsdb.Options {
	const (
		minBlock = 2 * time.Hour // of the head, when it is written out
		maxBlock = 31 * 24 * time.Hour
	)
	o := tsdb.DefaultOptions()
	o.NoLockfile = true // it is locked before its blocks are checked
	o.RetentionDuration = opts.Retention.Milliseconds()
	o.MaxBytes = opts.MaxBytes
	o.MinBlockDuration = minBlock.Milliseconds()
	o.MaxBlockDuration = max(minBlock, min(opts.Retention/10, maxBlock)).Milliseconds()
	o.WALCompression = compression.Snappy
	o.EnableMetadataWALRecords = len(opts.RemoteWrite.Text) > 0 // it reads them from the log
	o.WALReplayConcurrency = max(1, runtime.GOMAXPROCS(0)/2)    // probes run meanwhile
	o.StripeSize = 1 << 10                                      // locks of the head: for 50,000 series, not for millions
	o.HeadChunksWriteBufferSize = 256 << 10
	o.MaxBlockChunkSegmentSize = 32 << 20 // it is allocated as a whole: half a gibibyte would be more than is free on many hosts
	return o
}
