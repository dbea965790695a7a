package chromium

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dirPrefix begins the names of private directories.
const dirPrefix = "channelwatch-browser-"

// privateDir is the home, temporary directory and profile of one browser. It is locked while the agent lives, so that
// another agent on the host knows it from one that was left behind.
type privateDir struct {
	path string
	lock *os.File
}

// newPrivateDir makes a directory below base that only owner can enter; nil is the agent's own user.
func newPrivateDir(base string, owner *syscall.Credential) (*privateDir, error) {
	if base == "" {
		base = os.TempDir()
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, fmt.Errorf("making directory for browsers: %w", err)
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, err
	}
	if err := enterable(base, owner); err != nil {
		return nil, err
	}
	// A sweep of another agent may come between making and locking; then there is another name.
	const attempts = 100
	var last error
	for range attempts {
		path, err := os.MkdirTemp(base, dirPrefix)
		if err != nil {
			return nil, fmt.Errorf("making private directory of browser: %w", err)
		}
		lock, err := lockDir(path)
		if err != nil {
			last = errors.Join(err, os.RemoveAll(path))
			continue
		}
		d := &privateDir{path: path, lock: lock}
		if owner != nil {
			if err := lock.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
				return nil, errors.Join(fmt.Errorf("handing over private directory of browser: %w", err), d.remove())
			}
		}
		return d, nil
	}
	return nil, fmt.Errorf("locking private directory of browser below %q, %d times: %w", base, attempts, last)
}

// remove removes the directory with all that is in it.
func (d *privateDir) remove() error {
	err := os.RemoveAll(d.path)
	return errors.Join(err, d.lock.Close())
}

// lockDir locks an existing directory. The error is syscall.EWOULDBLOCK when another process has it.
func lockDir(path string) (*os.File, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	// Whoever had the lock before may have removed it.
	held, err1 := dir.Stat()
	there, err2 := os.Lstat(path)
	if err1 != nil || err2 != nil || !os.SameFile(held, there) {
		return nil, errors.Join(fs.ErrNotExist, dir.Close())
	}
	return dir, nil
}

// sweep removes the private directories that agents left behind which were killed, and returns how many. Those of living
// agents are locked, and those of other users are not ours to remove.
func sweep(base string, owner *syscall.Credential) (int, error) {
	if base == "" {
		base = os.TempDir()
	}
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweeping private directories of browsers: %w", err)
	}
	var errs []error
	swept := 0
	for _, e := range entries {
		path := filepath.Join(base, e.Name())
		if !strings.HasPrefix(e.Name(), dirPrefix) || !e.IsDir() || !ours(e, owner) {
			continue
		}
		lock, err := lockDir(path)
		if err != nil {
			continue
		}
		if err := (&privateDir{path, lock}).remove(); err != nil {
			errs = append(errs, fmt.Errorf("sweeping private directory of browser: %w", err))
			continue
		}
		swept++
	}
	return swept, errors.Join(errs...)
}

func ours(e os.DirEntry, owner *syscall.Credential) bool {
	info, err := e.Info()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(stat.Uid) == os.Geteuid() || owner != nil && stat.Uid == owner.Uid)
}
