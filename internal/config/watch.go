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
// or added are seen; one that is written with the same content is not a change. What Watch finds when it is called is the
// first content. Calls never overlap.
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
	last := contents(files())
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
		switch now := contents(files()); now {
		case last:
			pending = last
		case pending:
			last = now
			changed()
			watchDirs(watcher, files())
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

// contents is a hash of the names and contents of files, and of the YAML files in directories.
func contents(files []string) [sha256.Size]byte {
	h := sha256.New()
	for _, file := range files {
		all, err := teamFiles(file)
		if err != nil {
			all = []string{file}
		}
		for _, one := range all {
			_, _ = fmt.Fprintf(h, "%q\n", one)
			writeFile(h, one)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
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
