package freshness

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// file is a source whose last change counts.
type file struct {
	path             string
	minSize, maxSize int64 // bytes; maxSize 0 is any
}

// look asks the file system.
func (f *file) look(ctx context.Context) (found, probe.Result, error) {
	start := time.Now()
	select {
	case <-ctx.Done():
		r := local(start, "STAT", f.path)
		r.Reason, r.Detail = probe.ResponseTimeout, "no time was left to look at the file"
		return found{}, r, nil
	default:
	}
	info, reason, detail := regular(f.path)
	r := local(start, "STAT", f.path)
	if reason != "" {
		r.Reason, r.Detail = reason, detail
		return found{}, r, nil
	}
	return found{at: info.ModTime()}, f.weigh(r, info.Size()), nil
}

// regular looks at a file without opening it, and says why it is none that can be read.
func regular(path string) (info fs.FileInfo, reason probe.Reason, detail string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, missing, path + " does not exist"
	case err != nil:
		return nil, unasked, err.Error()
	case !info.Mode().IsRegular():
		return nil, unreadable, path + " is no regular file"
	}
	return info, "", ""
}

// weigh adds what is to say about the size.
func (f *file) weigh(r probe.Result, bytes int64) probe.Result {
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: fileBytes, Value: float64(bytes)})
	switch {
	case bytes < f.minSize:
		r.Findings = append(r.Findings, *probe.Findingf(size, "%d bytes, want at least %d", bytes, f.minSize))
	case f.maxSize > 0 && bytes > f.maxSize:
		r.Findings = append(r.Findings, *probe.Findingf(size, "%d bytes, want at most %d", bytes, f.maxSize))
	case bytes == 0:
		r.Reason, r.Detail = empty, f.path+" has 0 bytes"
	}
	return r
}

// local returns a result for what is on the agent's own host and was begun to be looked at then: all of it was waiting.
func local(start time.Time, method, path string) probe.Result {
	r := probe.Result{Start: start, Duration: time.Since(start)}
	r.Phases.Add(probe.Wait, r.Duration)
	r.Evidence = &probe.Evidence{Exchanges: []probe.Exchange{{Method: method, URL: "file://" + path, Phases: r.Phases}}}
	return r
}
