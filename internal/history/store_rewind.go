//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

// The database takes in nothing that is older than what it has, so that samples of a clock that was ahead keep out those of
// the right time, for as long as the clock was ahead. Going back writes what is not later than the clock into blocks, and
// opens anew without the rest.

// after returns how much time the blocks cover after one, in Unix milliseconds.
func after(blocks []*tsdb.Block, at int64) time.Duration {
	var sum int64
	for _, b := range blocks {
		sum += max(0, b.MaxTime()-max(at, b.MinTime()))
	}
	return time.Duration(sum) * time.Millisecond
}

// keepUntil writes what an open store has up to a time, in Unix milliseconds, where it also has later samples.
func keepUntil(ctx context.Context, db *tsdb.DB, at int64) error {
	writer, err := tsdb.NewLeveledCompactor(ctx, nil, nil, []int64{1}, nil, nil)
	if err != nil {
		return fmt.Errorf("going back in time: %w", err)
	}
	if head := db.Head(); head.NumSeries() > 0 && head.MinTime() <= at {
		if _, err := writer.Write(db.Dir(), tsdb.NewRangeHead(head, head.MinTime(), at), head.MinTime(), at+1, nil); err != nil {
			return fmt.Errorf("writing the newest samples as a block: %w", err)
		}
	}
	for _, b := range db.Blocks() {
		if meta := b.Meta(); meta.MinTime <= at && meta.MaxTime > at+1 {
			// It names the block as its parent, which is removed at the next opening for that reason.
			if _, err := writer.Write(db.Dir(), b, meta.MinTime, at+1, &meta); err != nil {
				return fmt.Errorf("rewriting block %s: %w", meta.ULID, err)
			}
		}
	}
	return nil
}

// dropAfter sets aside what a closed store has of later than a time, after keepUntil.
func (s *Store) dropAfter(at int64, blocks []*tsdb.Block) error {
	var errs []error
	for _, name := range []string{logDir, headDir} {
		if err := s.setAside(name, ahead); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, b := range blocks {
		if b.MinTime() > at {
			errs = append(errs, s.setAside(filepath.Base(b.Dir()), ahead))
		}
	}
	return errors.Join(errs...)
}
