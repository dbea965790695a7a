package chromium

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func mustDir(t *testing.T, base string, owner *syscall.Credential) *privateDir {
	t.Helper()
	d, err := newPrivateDir(base, owner)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func TestNewPrivateDir(t *testing.T) {
	base := filepath.Join(t.TempDir(), "made", "on demand")
	d := mustDir(t, base, nil)
	info, err := os.Stat(d.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != os.ModeDir|0o700 {
		t.Errorf("mode %v, want that only the owner enters", info.Mode())
	}
	if err := os.WriteFile(filepath.Join(d.path, "file"), []byte("x"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := d.remove(); err != nil || exists(t, d.path) {
		t.Errorf("not removed: %v", err)
	}
}

func TestSweep(t *testing.T) {
	base := t.TempDir()
	living := mustDir(t, base, nil)
	left := mustDir(t, base, nil)
	if err := left.lock.Close(); err != nil { // as when its agent was killed
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(left.path, "Default", "Cache"), 0o700); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(base, "something-else")
	file := filepath.Join(base, dirPrefix+"file")
	link := filepath.Join(base, dirPrefix+"link")
	target := t.TempDir()
	if err := errors.Join(os.Mkdir(other, 0o700), os.WriteFile(file, nil, 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	swept, err := sweep(base, nil)
	if err != nil || swept != 1 {
		t.Errorf("swept %d with error %v, want one", swept, err)
	}
	for path, want := range map[string]bool{living.path: true, left.path: false, other: true, file: true, link: true, target: true} {
		if got := exists(t, path); got != want {
			t.Errorf("%s is there: %v, want %v", path, got, want)
		}
	}
	if err := living.remove(); err != nil {
		t.Error(err)
	}
	if swept, err := sweep(filepath.Join(base, "nowhere"), nil); swept != 0 || err != nil {
		t.Errorf("swept %d of a directory that is not there: %v", swept, err)
	}
}

// Agents that make and sweep directories at the same time never take one from each other.
func TestSweep_Concurrent(t *testing.T) {
	base := t.TempDir()
	stop := make(chan struct{})
	var sweepers, makers sync.WaitGroup
	for range 2 {
		sweepers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := sweep(base, nil); err != nil {
					t.Error(err)
				}
			}
		})
		makers.Go(func() {
			for range 200 {
				d, err := newPrivateDir(base, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(d.path, "profile"), nil, 0o600); err != nil {
					t.Errorf("taken away: %v", err)
				}
				if err := d.remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	makers.Wait()
	close(stop)
	sweepers.Wait()
}

func TestEnterable(t *testing.T) {
	base := t.TempDir()
	open, shut := filepath.Join(base, "open"), filepath.Join(base, "shut")
	inner := filepath.Join(shut, "inner")
	if err := errors.Join(os.Chmod(filepath.Dir(base), 0o755), os.Mkdir(open, 0o755), os.Mkdir(shut, 0o700), os.Mkdir(inner, 0o755)); err != nil {
		t.Fatal(err)
	}
	self := &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}
	stranger := &syscall.Credential{Uid: 4_000_000, Gid: 4_000_000}
	for _, test := range []struct {
		name, path string
		owner      *syscall.Credential
		refused    string
	}{
		{"the agent's own user", inner, nil, ""},
		{"the owner of all", inner, self, ""},
		{"a stranger, all open", open, stranger, ""},
		{"a stranger, the last shut", shut, stranger, shut},
		{"a stranger, one before shut", inner, stranger, shut},
		{"a member of the group", shut, &syscall.Credential{Uid: 4_000_000, Gid: self.Gid}, shut},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := enterable(test.path, test.owner)
			if (err != nil) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), `cannot enter "`+test.refused+`"`) {
				t.Errorf("error %v, want one about %q", err, test.refused)
			}
		})
	}
}
