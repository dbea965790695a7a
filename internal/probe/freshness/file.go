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

// look asks the file system. It may hang on a network share, for as long as the system lets it.
func (f *file) look(ctx context.Context) (found, probe.Result, error) {
	c := startClock()
	select {
	case <-ctx.Done():
		r := c.result("STAT", "file://"+f.path)
		r.Reason, r.Detail = probe.ResponseTimeout, "no time was left to look at the file"
		return found{}, r, nil
	default:
	}
	info, err := os.Stat(f.path)
	c.mark(probe.Wait)
	r := c.result("STAT", "file://"+f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		r.Reason, r.Detail = missing, f.path+" does not exist"
	case err != nil:
		r.Reason, r.Detail = unasked, err.Error()
	case !info.Mode().IsRegular():
		r.Reason, r.Detail = unreadable, f.path+" is no regular file"
	default:
		return found{at: info.ModTime()}, f.weigh(r, info.Size()), nil
	}
	return found{}, r, nil
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

// clock times sources that open no connection.
type clock struct {
	start, last time.Time
	phases      probe.Phases
}

func startClock() *clock {
	now := time.Now()
	return &clock{start: now, last: now}
}

// mark ends a phase that began where the last one ended.
func (c *clock) mark(p probe.Phase) {
	now := time.Now()
	c.phases.Add(p, now.Sub(c.last))
	c.last = now
}

// result returns what was seen so far.
func (c *clock) result(method, url string) probe.Result {
	c.mark(probe.Wait)
	return probe.Result{
		Start: c.start, Duration: c.phases.Sum(), Phases: c.phases,
		Evidence: &probe.Evidence{Exchanges: []probe.Exchange{{Method: method, URL: url, Phases: c.phases}}},
	}
}
