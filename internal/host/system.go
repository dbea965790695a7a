package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxFile bounds what is read of one file of proc or sys.
const maxFile = 4 << 20

// system is where collectors read: the files below a root, gopsutil on the same root, and the calls that have no file.
type system struct {
	library
	files
	self   files // as the agent's own namespaces show them
	statfs func(ctx context.Context, path string) (space, error)
	clock  func() (clockState, error)
}

func newSystem(root, self string) *system {
	return &system{library: newLibrary(root), files: files{root}, self: files{self}, statfs: statfs, clock: readClock}
}

// files reads small files below a root.
type files struct{ root string }

// path returns the place of a name below the root.
func (f files) path(name string) string { return filepath.Join(f.root, name) }

// exists reports whether a name is there.
func (f files) exists(name string) bool {
	_, err := os.Stat(f.path(name))
	return err == nil
}

// list returns the names in a directory, unsorted.
func (f files) list(name string) (names []string, err error) {
	dir, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // only read
	return dir.Readdirnames(-1)
}

// read returns a whole file.
func (f files) read(name string) ([]byte, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("reading %s: more than %d bytes", name, maxFile)
	}
	return data, nil
}

// number returns the content of a file that holds one whole number.
func (f files) number(name string) (uint64, error) {
	data, err := f.read(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(data)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", name, err)
	}
	return n, nil
}

// optional turns "no such file" and "not supported by this kernel" into errNothing.
func optional(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EOPNOTSUPP) {
		return errNothing
	}
	return err
}

// pairs yields the lines that consist of a name and a whole number, such as those of proc/vmstat.
func pairs(data []byte) iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for line := range bytes.Lines(data) {
			fields := bytes.Fields(line)
			if len(fields) != 2 {
				continue
			}
			n, err := strconv.ParseUint(string(fields[1]), 10, 64)
			if err == nil && !yield(string(fields[0]), n) {
				return
			}
		}
	}
}
