//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// Opening a block reads its index only. That a chunk is damaged shows when it is read, by an error of a query that happens
// again and again, or by a compaction that fails: then all blocks are read once.
const (
	checkPause = 10 * time.Minute // after a check, until the next one at the earliest
	lookEvery  = time.Hour        // for blocks that could not be compacted
)

// watchBlocks reads the blocks when there is reason to doubt them, until one of them cannot be read or the store closes.
func (s *Store) watchBlocks(o *opened) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	seen := make(map[ulid.ULID]bool) // those whose compaction failed and that can be read
	for {
		var doubted []*tsdb.Block
		select {
		case <-o.closing.Done():
			return
		case err := <-s.suspect:
			doubted = o.db.Blocks()
			s.log.Warn("the history is checked because reading it went wrong", "error", err, "blocks", len(doubted))
		case <-look.C:
			for _, b := range o.db.Blocks() {
				if m := b.Meta(); m.Compaction.Failed && !seen[m.ULID] {
					seen[m.ULID] = true
					doubted = append(doubted, b)
				}
			}
		}
		if bad := s.unreadable(o.closing, doubted); len(bad) > 0 {
			o.unreadable <- bad
			return
		}
		if len(doubted) > 0 && !sleep(o.closing, checkPause) {
			return
		}
	}
}

// unreadable returns those of the blocks that cannot be read.
func (s *Store) unreadable(ctx context.Context, blocks []*tsdb.Block) []ulid.ULID {
	var bad []ulid.ULID
	for _, b := range blocks {
		err := readAll(ctx, b)
		if ctx.Err() != nil {
			return nil
		}
		if isCorruption(err) {
			s.log.Error("a block of the history cannot be read and is set aside", "block", b.Meta().ULID, "error", err)
			bad = append(bad, b.Meta().ULID)
		}
	}
	return bad
}

// readAll reads every series and chunk of a block, which compares all checksums.
func readAll(ctx context.Context, b tsdb.BlockReader) error {
	series, err := b.Index()
	if err != nil {
		return nil // it is being removed
	}
	defer func() { _ = series.Close() }()
	data, err := b.Chunks()
	if err != nil {
		return nil // it is being removed
	}
	defer func() { _ = data.Close() }()
	name, value := index.AllPostingsKey()
	all, err := series.Postings(ctx, name, value)
	if err != nil {
		return fmt.Errorf("reading the list of series: %w", err)
	}
	var builder labels.ScratchBuilder
	var metas []chunks.Meta
	for all.Next() && ctx.Err() == nil {
		if err := series.Series(all.At(), &builder, &metas); err != nil {
			return fmt.Errorf("reading a series: %w", err)
		}
		for _, m := range metas {
			if _, _, err := data.ChunkOrIterable(m); err != nil {
				return fmt.Errorf("reading a chunk: %w", err)
			}
		}
	}
	return all.Err()
}
