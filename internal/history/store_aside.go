//go:build !nohistory

package history

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/tsdb"
)

// asideDir is where parts that cannot be used are kept, below the directory of the store. The database looks at nothing
// there.
const asideDir = "set-aside"

// Why a part was set aside: the end of its name.
const (
	corrupt = "corrupt" // it cannot be read
	ahead   = "ahead"   // all in it is later than the clock
)

// sortOut sets aside what cannot be read and would keep the whole store from opening.
func (s *Store) sortOut() error {
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("reading the directory of the history: %w", err)
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		err := tryOpen(filepath.Join(s.opts.Dir, e.Name()))
		if isCorruption(err) {
			s.log.Error("a block of the history cannot be read and is set aside", "block", e.Name(), "error", err)
			err = s.setAside(e.Name(), corrupt)
		}
		if err != nil {
			return fmt.Errorf("opening block %s: %w", e.Name(), err)
		}
	}
	if err := s.mendLog(); err != nil {
		return err
	}
	return s.tidyAside()
}

func tryOpen(dir string) error {
	b, err := tsdb.OpenBlock(nil, dir, nil, nil)
	if err != nil {
		return err
	}
	return b.Close()
}

// isCorruption tells an error of what is in a block from one of reaching it, such as a missing right or too many open files.
func isCorruption(err error) bool {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno == syscall.ENOENT || errno == syscall.EIO || errno == syscall.EINVAL // an empty file cannot be mapped
	}
	return err != nil
}

// setAside takes a part of the store out of the database's sight.
func (s *Store) setAside(name, why string) error {
	dir := filepath.Join(s.opts.Dir, asideDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("setting %s aside: %w", name, err)
	}
	to := fmt.Sprintf("%s.%d.%s", filepath.Base(name), time.Now().Unix(), why)
	if err := os.Rename(filepath.Join(s.opts.Dir, name), filepath.Join(dir, to)); err != nil {
		return fmt.Errorf("setting %s aside: %w", name, err)
	}
	if why == corrupt {
		s.count(func(c *counts) {
			if strings.HasPrefix(name, logDir) {
				c.repairedLogs++
			} else {
				c.corruptBlocks++
			}
		})
	}
	return nil
}

// tidyAside removes what was set aside longer ago than samples are kept, and the oldest beyond a quarter of the store's size,
// and notes what stays.
func (s *Store) tidyAside() error {
	dir := filepath.Join(s.opts.Dir, asideDir)
	type part struct {
		name string
		size int64
		at   time.Time
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading what was set aside: %w", err)
	}
	var parts []part
	for _, e := range entries {
		size, at := measure(filepath.Join(dir, e.Name()))
		parts = append(parts, part{e.Name(), size, at})
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(b.at.UnixNano(), a.at.UnixNano()) })
	var total int64
	corrupted := 0
	for _, p := range parts {
		if time.Since(p.at) > s.opts.Retention || s.opts.MaxBytes > 0 && total+p.size > s.opts.MaxBytes/4 {
			if err := os.RemoveAll(filepath.Join(dir, p.name)); err != nil {
				return fmt.Errorf("removing what was set aside: %w", err)
			}
			continue
		}
		total += p.size
		if strings.HasSuffix(p.name, "."+corrupt) {
			corrupted++
		}
	}
	notice := ""
	if corrupted > 0 {
		notice = fmt.Sprintf("%d unreadable part(s) of the history were set aside in %s: graphs have gaps there", corrupted, dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Notice = notice
	s.counts.asideBytes = total
	return nil
}

// measure returns the size of a file or directory with all in it, and when it was last changed.
func measure(path string) (size int64, at time.Time) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be seen is not counted
		}
		if info, err := e.Info(); err == nil {
			if !e.IsDir() {
				size += info.Size()
			}
			if info.ModTime().After(at) {
				at = info.ModTime()
			}
		}
		return nil
	})
	return size, at
}
