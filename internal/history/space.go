//go:build !nohistory

package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// leastFree is the free space below which the store is not even opened: opening it writes a little, and must not stop
// half-way.
const leastFree = 8 << 20

var (
	errBelowFloor  = fmt.Errorf("less free space than is set: %w", syscall.ENOSPC)
	errClockBehind = errors.New("the clock is behind the newest sample")
)

// obstacle is why nothing is recorded.
type obstacle struct {
	state State
	why   string // for people
	cause error
}

func (o *obstacle) Error() string { return o.why }
func (o *obstacle) Unwrap() error { return o.cause }

// space watches the free space of a file system.
type space struct {
	dir   string
	floor int64
	below bool
}

// shortage measures the free space, and returns what hinders if it is below the floor.
func (s *Store) shortage() *obstacle {
	free, err := s.measureFree()
	if err != nil {
		return &obstacle{Failed, fmt.Sprintf("the free space of %s is unknown: %v", s.opts.Dir, err), err}
	}
	return s.space.judge(free)
}

// measureFree measures the free space, and keeps the result for Readings.
func (s *Store) measureFree() (int64, error) {
	free, err := freeBytes(s.opts.Dir)
	if err == nil {
		s.count(func(c *counts) { c.freeBytes = free })
	}
	return free, err
}

// judge compares the free space with the floor. Once below, a tenth more than the floor must be free again, so that a store
// at the brink does not stop and go.
func (s *space) judge(free int64) *obstacle {
	limit := s.floor
	if s.below {
		limit += s.floor / 10
	}
	if s.below = free < limit; !s.below {
		return nil
	}
	return &obstacle{Full, fmt.Sprintf("%s has %s free: recording stops below %s and goes on from %s",
		s.dir, bytesText(free), bytesText(s.floor), bytesText(s.floor+s.floor/10)), errBelowFloor}
}

// freeBytes returns the space that this process can still use.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:gosec,unconvert // as wide as any file system
}

// writable tries whether files can be created and written in a directory.
func writable(dir string) *obstacle {
	path := filepath.Join(dir, "probe.tmp")
	err := os.WriteFile(path, make([]byte, 4096), 0o600)
	if err == nil {
		err = os.Remove(path)
	} else {
		_ = os.Remove(path) // what there is of it
	}
	return obstacleOf(dir, err)
}

// obstacleOf says in which state an error of writing leaves the store; nil for none.
func obstacleOf(dir string, err error) *obstacle {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EROFS):
		return &obstacle{ReadOnly, fmt.Sprintf("%s is on a file system that is mounted read-only", dir), err}
	case errors.Is(err, fs.ErrPermission):
		return &obstacle{ReadOnly, fmt.Sprintf("%s may not be written by this user", dir), err}
	case errors.Is(err, syscall.ENOSPC):
		return &obstacle{Full, fmt.Sprintf("%s has no space left", dir), err}
	case errors.Is(err, syscall.EDQUOT):
		return &obstacle{Full, fmt.Sprintf("the disk quota of %s is used up", dir), err}
	}
	return &obstacle{Failed, fmt.Sprintf("%s cannot be written: %v", dir, err), err}
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	const mebi = 1 << 20
	if n < mebi {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n/mebi)
}
