package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/config"
)

// watching is a Watch that runs, with what it did so far.
type watching struct {
	asked, changed atomic.Int32
	more           atomic.Pointer[string] // comes into the list with the first change
	after          atomic.Pointer[string] // is written right after it
}

func watch(t *testing.T, files ...string) *watching {
	t.Helper()
	w := new(watching)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- config.Watch(ctx, func() []string {
			w.asked.Add(1)
			if more := w.more.Load(); more != nil && w.changed.Load() > 0 {
				return append(slices.Clip(files), *more)
			}
			return files
		}, func() {
			if after := w.after.Load(); w.changed.Add(1) == 1 && after != nil {
				_ = os.WriteFile(*after, []byte("b"), 0o600) // no second change comes when that fails
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t)
	})
	// It asks twice for the list to begin with; when it asks again, it has read the first contents.
	eventually(t, "the watch to begin", func() bool { return w.asked.Load() >= 2 })
	write(t, filepath.Join(filepath.Dir(files[0]), "beside"), "not watched")
	eventually(t, "the first contents to be read", func() bool { return w.asked.Load() >= 4 })
	return w
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	tests := []struct {
		name   string
		change func(dir string) error
	}{
		{"written in place", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "main.yaml"), []byte("b"), 0o600)
		}},
		{"replaced by a rename", func(dir string) error {
			return errors.Join(
				os.WriteFile(filepath.Join(dir, "main.yaml.new"), []byte("b"), 0o600),
				os.Rename(filepath.Join(dir, "main.yaml.new"), filepath.Join(dir, "main.yaml")))
		}},
		{"removed", func(dir string) error { return os.Remove(filepath.Join(dir, "main.yaml")) }},
		{"a secret in another directory", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "secrets", "token"), []byte("b"), 0o600)
		}},
		{"a new file in an included directory", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "teams", "b.yaml"), []byte("b"), 0o600)
		}},
		{"the symlink of a Kubernetes volume swapped", func(dir string) error {
			volume := filepath.Join(dir, "volume")
			return errors.Join(
				os.WriteFile(filepath.Join(volume, "..2", "app.yaml"), []byte("b"), 0o600),
				os.Symlink("..2", filepath.Join(volume, "..data_tmp")),
				os.Rename(filepath.Join(volume, "..data_tmp"), filepath.Join(volume, "..data")))
		}},
		{"the target of a symlink written", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "elsewhere", "linked.yaml"), []byte("b"), 0o600)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, sub := range []string{"secrets", "teams", "volume/..1", "volume/..2", "elsewhere"} {
				if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range []string{"main.yaml", "secrets/token", "teams/a.yaml", "volume/..1/app.yaml", "elsewhere/linked.yaml"} {
				write(t, filepath.Join(dir, file), "a")
			}
			symlink(t, "..1", filepath.Join(dir, "volume", "..data"))
			symlink(t, "..data/app.yaml", filepath.Join(dir, "volume", "app.yaml"))
			symlink(t, "elsewhere/linked.yaml", filepath.Join(dir, "linked.yaml"))
			w := watch(t, filepath.Join(dir, "main.yaml"), filepath.Join(dir, "secrets", "token"), filepath.Join(dir, "teams"),
				filepath.Join(dir, "volume", "app.yaml"), filepath.Join(dir, "linked.yaml"))
			if err := test.change(dir); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the change to be seen", func() bool { return w.changed.Load() == 1 })
		})
	}
}

func TestWatch_SameContent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.yaml")
	write(t, file, "a")
	w := watch(t, file)
	for range 2 { // the second look begins when all that follows from the first is done
		asked := w.asked.Load()
		write(t, file, "a")
		eventually(t, "the write to be looked at", func() bool { return w.asked.Load() >= asked+2 })
	}
	if got := w.changed.Load(); got != 0 {
		t.Errorf("got %d changes, want none: the content is the same", got)
	}
	write(t, file, "b")
	eventually(t, "the change to be seen", func() bool { return w.changed.Load() == 1 })
}

// TestWatch_ListChanges lets a change bring a file into the list, as a reload does that reads a new include or meets a
// mistake in one: that is one change, and what is written to the new file is the next.
func TestWatch_ListChanges(t *testing.T) {
	dir := t.TempDir()
	file, include := filepath.Join(dir, "main.yaml"), filepath.Join(dir, "team.yaml")
	write(t, file, "a")
	write(t, include, "a")
	w := watch(t, file)
	w.more.Store(&include)
	write(t, file, "b")
	eventually(t, "the change to be seen", func() bool { return w.changed.Load() == 1 })
	for range 2 { // the second look begins when all that follows from the first is done
		asked := w.asked.Load()
		write(t, file, "b")
		eventually(t, "the write to be looked at", func() bool { return w.asked.Load() >= asked+2 })
	}
	if got := w.changed.Load(); got != 1 {
		t.Errorf("got %d changes, want 1: only the list of files changed since", got)
	}
	write(t, include, "b")
	eventually(t, "the change of the new file to be seen", func() bool { return w.changed.Load() == 2 })
}

// TestWatch_NewFileWrittenMeanwhile writes to a file that came into the list with a change, before the watch had a look at
// it: what the change read is not what is there.
func TestWatch_NewFileWrittenMeanwhile(t *testing.T) {
	dir := t.TempDir()
	elsewhere := t.TempDir() // where nothing was watched before
	file, include := filepath.Join(dir, "main.yaml"), filepath.Join(elsewhere, "team.yaml")
	write(t, file, "a")
	write(t, include, "a")
	w := watch(t, file)
	w.more.Store(&include)
	w.after.Store(&include)
	write(t, file, "b")
	eventually(t, "both changes to be seen", func() bool { return w.changed.Load() == 2 })
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}
