//go:build !nohistory

package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// Where the database keeps what is not in blocks yet.
const (
	logDir  = "wal"
	headDir = "chunks_head"
)

// mendLog keeps of the checkpoint that the log begins with what can be read, when that is not all. The database repairs the
// rest of the log itself, but for a damaged checkpoint it deletes all behind it and then cannot open, for ever.
func (s *Store) mendLog() error {
	checkpoint, _, err := wlog.LastCheckpoint(filepath.Join(s.opts.Dir, logDir))
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("looking for the beginning of the log: %w", err)
	}
	damage := eachRecord(checkpoint, func([]byte) error { return nil })
	if !isCorruption(damage) {
		return damage
	}
	s.log.Error("the beginning of the history's log cannot be read to its end", "checkpoint", checkpoint, "error", damage)

	rest := checkpoint + ".tmp" // the database removes it, should this process end now
	if err := salvage(checkpoint, rest); err != nil {
		return fmt.Errorf("mending the beginning of the log: %w", err)
	}
	if err := s.setAside(filepath.Join(logDir, filepath.Base(checkpoint)), corrupt); err != nil {
		return err
	}
	if err := os.Rename(rest, checkpoint); err != nil {
		return fmt.Errorf("mending the beginning of the log: %w", err)
	}
	return nil
}

// salvage copies the records before the first one that cannot be read.
func salvage(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	into, err := wlog.New(nil, nil, to, compression.Snappy)
	if err != nil {
		return err
	}
	var written error
	_ = eachRecord(from, func(r []byte) error { // its error is why this is done
		written = into.Log(r)
		return written
	})
	return errors.Join(written, into.Close())
}

// eachRecord calls a function with every record of a part of the log, until it returns an error.
func eachRecord(dir string, visit func([]byte) error) error {
	segments, err := wlog.NewSegmentsReader(dir)
	if err != nil {
		return err
	}
	defer func() { _ = segments.Close() }()
	records := wlog.NewReader(segments)
	for records.Next() {
		if err := visit(records.Record()); err != nil {
			return err
		}
	}
	return records.Err()
}
