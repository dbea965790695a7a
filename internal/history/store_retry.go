//go:build !nohistory

package history

import (
	"context"
	"log/slog"
	"time"
)

// backoff is how long to wait before something that went wrong is tried again: longer each time, until it has gone well
// for a while.
type backoff struct {
	last time.Time
	wait time.Duration
}

const (
	longestWait = 5 * time.Minute
	calm        = 2 * longestWait // so long after the last trouble, trouble is new
)

// next returns the time to wait after trouble now.
func (b *backoff) next(now time.Time) time.Duration {
	if now.Sub(b.last) > calm {
		b.wait = 0
	}
	b.last = now
	b.wait = min(max(2*b.wait, time.Second), longestWait)
	return b.wait
}

// sleep waits, and returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// upstream passes on what Prometheus' code logs from warnings upwards: its information is about its own works, such as
// each segment that it replays.
type upstream struct{ slog.Handler }

func (u upstream) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && u.Handler.Enabled(ctx, level)
}

func (u upstream) WithAttrs(attrs []slog.Attr) slog.Handler {
	return upstream{u.Handler.WithAttrs(attrs)}
}

func (u upstream) WithGroup(name string) slog.Handler { return upstream{u.Handler.WithGroup(name)} }
