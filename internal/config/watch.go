package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long after a first sign the files are read, and how long a new content must stand: editors and
	// Kubernetes write in several steps, and a file that is written in place is empty for a moment.
	settle = 200 * time.Millisecond
	// pollEvery finds what the system does not tell, as on network filesystems.
	pollEvery = 30 * time.Second
)

// Watch calls changed whenever the content of the files is not what it was, until ctx ends. files returns what is
// watched, such as Config.Files of the configuration in use: it is asked anew after every sign of a change, and a
// directory stands for the YAML files in it. Files that are replaced, swapped by a symlink as Kubernetes does, removed
// or added are seen; one that is written with the same content is not a change, and neither is a list of files that
// changed calls for. What Watch finds when it is called is the first content. Calls never overlap.
// The error says that the system has no watches left.
func Watch(ctx context.Context, files func() []string, changed func()) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching configuration files: %w", err)
	}
	defer func() { _ = watcher.Close() }()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	watchDirs(watcher, files())
	last := contentsOf(files())
	pending := last // content that was seen once
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Events:
			if settled == nil {
				settled = time.After(settle)
			}
			continue
		case _, ok := <-watcher.Errors: // which events were lost is not known
			if !ok {
				return nil
			}
		case <-settled:
		case <-poll.C:
		}
		settled = nil
		watchDirs(watcher, files())
		now := contentsOf(files())
		switch {
		case now.same(last):
			last, pending = now, now
		case now.same(pending):
			began := time.Now()
			changed()
			watchDirs(watcher, files())
			now, sure := now.on(files(), began)
			if !sure {
				settled = time.After(settle)
			}
			last, pending = now, now
		default:
			pending = now
			settled = time.After(settle)
		}
	}
}

// watchDirs watches the directories of the files, and of what they are symlinks to. A directory is watched rather than a
// file, because a replaced file is a new one. What cannot be watched is polled.
func watchDirs(watcher *fsnotify.Watcher, files []string) {
	for _, file := range files {
		_ = watcher.Add(filepath.Dir(file))
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			_ = watcher.Add(file)
		}
		if target, err := filepath.EvalSymlinks(file); err == nil {
			_ = watcher.Add(filepath.Dir(target))
		}
	}
}

// contents are hashes of files by name; that of a directory is over the names and contents of the YAML files in it.
type contents map[string][sha256.Size]byte

func contentsOf(files []string) contents {
	c := make(contents, len(files))
	for _, file := range files {
		c[file] = contentOf(file)
	}
	return c
}

func contentOf(file string) [sha256.Size]byte {
	h := sha256.New()
	all, err := teamFiles(file)
	if err != nil {
		all = []string{file}
	}
	for _, one := range all {
		_, _ = fmt.Fprintf(h, "%q\n", one)
		writeFile(h, one)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// same reports whether the files that both know have the same content: a file that only one of them knows came into the
// list, or left it, with a configuration that was read meanwhile.
func (c contents) same(o contents) bool {
	for file, sum := range c {
		if other, known := o[file]; known && other != sum {
			return false
		}
	}
	return true
}

// on returns the contents of files: as they were seen before, so that what is written meanwhile is a change, and as they
// are now where they were not looked at. Of such a file that was written since a time it is not sure that this is what was
// read: its content is none, so that it is read again.
func (c contents) on(files []string, since time.Time) (next contents, sure bool) {
	next, sure = make(contents, len(files)), true
	for _, file := range files {
		sum, seen := c[file]
		if !seen {
			sum = contentOf(file)
			if writtenSince(file, since) {
				sum, sure = [sha256.Size]byte{}, false
			}
		}
		next[file] = sum
	}
	return next, sure
}

// clockStep is by how much the time of a file may be behind the clock.
const clockStep = 20 * time.Millisecond

func writtenSince(file string, at time.Time) bool {
	all, err := teamFiles(file)
	if err != nil {
		return false
	}
	for _, one := range append(all, file) {
		if info, err := os.Stat(one); err == nil && info.ModTime().After(at.Add(-clockStep)) {
			return true
		}
	}
	return false
}

func writeFile(w io.Writer, name string) {
	f, err := os.Open(name)
	if err != nil {
		_, _ = fmt.Fprintf(w, "%v\n", os.IsNotExist(err))
		return
	}
	defer func() { _ = f.Close() }()
	n, _ := io.Copy(w, io.LimitReader(f, maxFile+1))
	_, _ = fmt.Fprintf(w, "%d\n", n)
}
