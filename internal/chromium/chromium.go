// Package chromium finds, starts, watches, replaces and ends the browser that pages are visited with. It promises that
// nothing of a browser outlives its use: no process, no zombie, no directory; and that what goes wrong with the browser is
// told apart from what goes wrong with a page.
//
// The browser runs in its sandbox, as another user when the agent is root, with an empty environment and a private
// directory. Each tab is a browser context of its own, with its own proxy and nothing of another visit in it.
//
// The package may import cdp and the domain. It visits no page and measures nothing but the browser itself. It needs Linux:
// what it knows of processes it reads from /proc, and with the first browser the agent becomes the one that orphans of its
// children are given to.
package chromium

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Browser is a browser that is there when it is needed. It is safe for concurrent use.
type Browser struct {
	settings probe.Browser
	log      *slog.Logger
	keeper   *keeper[*process]
	sweep    sync.Once
}

// State is what there is to tell of a browser. Counts are since New.
type State struct {
	Running  bool
	Name     string // of the browser that runs or ran last, such as chromium-headless-shell; empty before the first
	Version  string // such as 156.0.8078.79
	Sandbox  bool
	Launches uint64
	Visits   uint64
	Failures map[probe.CheckID]uint64 // launches that came to nothing, and crashes, by check
	Recycles map[string]uint64        // by why; see Recycles
	CPU      time.Duration            // user and system time of all its processes
	Memory   int64                    // proportional set size of its processes now, in bytes
}

// New returns a browser with the operator's settings. It starts nothing. Of the settings, a time, a number of visits or a
// size that is zero is no bound.
func New(settings probe.Browser, log *slog.Logger) *Browser {
	b := &Browser{settings: settings, log: log}
	b.keeper = newKeeper(settings, log, b.launch)
	return b
}

func (b *Browser) launch(ctx context.Context) (*process, error) {
	b.sweep.Do(b.sweepOnce)
	p, err := launch(ctx, b.settings)
	if u := (*Unavailable)(nil); errors.As(err, &u) {
		b.log.Warn("browser did not start", "check", u.Check, "detail", u.Detail)
	}
	if err != nil {
		return nil, err
	}
	level := slog.LevelInfo
	if !p.sandbox {
		level = slog.LevelWarn
	}
	b.log.Log(ctx, level, "browser started", "name", p.name, "version", p.version, "sandbox", p.sandbox)
	return p, nil
}

func (b *Browser) sweepOnce() {
	owner, err := credential(b.settings.User)
	if err != nil {
		return // launching says so
	}
	swept, err := sweep(b.settings.Dir, owner)
	if err != nil {
		b.log.Warn("sweeping directories of earlier browsers", "error", err)
	}
	if swept > 0 {
		b.log.Info("swept directories of earlier browsers", "count", swept)
	}
}

// Open opens a tab, for which it starts the browser when none runs. The error is an *Unavailable when the agent's host has
// no browser for it, else that of ctx.
func (b *Browser) Open(ctx context.Context, options TabOptions) (*Tab, error) {
	l, err := b.keeper.acquire(ctx)
	if err != nil {
		return nil, err
	}
	made, err := openTarget(ctx, l.engine.conn, options)
	if err != nil {
		return nil, b.notOpened(ctx, l, err)
	}
	t := &Tab{
		process: l.engine,
		target:  made,
		crashed: make(chan struct{}),
		release: func(hung bool) { b.keeper.release(l, hung) },
	}
	t.watch()
	return t, nil
}

// notOpened gives a browser back that opened no tab and says why it did not.
func (b *Browser) notOpened(ctx context.Context, l *lease[*process], err error) error {
	hung := errors.Is(ctx.Err(), context.DeadlineExceeded)
	lost := l.engine.lost()
	b.keeper.release(l, hung)
	switch {
	case lost != nil:
		return lost
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case hung:
		return unavailable(Failed, "%s opened no tab in time: %v", l.engine.name, err)
	}
	return unavailable(Failed, "%s opened no tab: %v", l.engine.name, err)
}

// Close ends the browser for good and returns when nothing of it is left. Tabs that are open lose their connection.
func (b *Browser) Close() { b.keeper.close() }

// State tells of the browser.
func (b *Browser) State() State {
	k := b.keeper
	k.mu.Lock()
	s := State{
		Sandbox:  !b.settings.NoSandbox,
		Launches: k.counts.launches,
		Visits:   k.counts.visits,
		Failures: maps.Clone(k.counts.failures),
		Recycles: maps.Clone(k.counts.recycles),
		CPU:      k.counts.cpu,
	}
	last, live := k.last, slices.Collect(maps.Keys(k.live))
	k.mu.Unlock()
	if last != nil {
		s.Name, s.Version = last.name, last.version
	}
	s.Running = len(live) > 0
	for _, l := range live {
		s.CPU += l.engine.CPU()
		s.Memory += l.engine.Memory()
	}
	return s
}
