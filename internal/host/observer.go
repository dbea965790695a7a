package host

import (
	"cmp"
	"context"
	"time"
)

// ObserverOptions configure an Observer. The zero value is what agents use.
type ObserverOptions struct {
	Root string // see Options.Root
}

// Observer watches whether this host is too starved to time anything. It is safe for concurrent use.
type Observer struct {
	opts ObserverOptions
}

// NewObserver returns an Observer that watches while Run runs.
func NewObserver(opts ObserverOptions) *Observer {
	opts.Root = cmp.Or(opts.Root, "/")
	return &Observer{opts: opts}
}

// Run watches until ctx ends.
func (o *Observer) Run(ctx context.Context) { <-ctx.Done() }

// Starved reports whether the agent was kept from running for so much of the time between from and to that what it
// timed then is worth nothing, and why, in one sentence.
func (o *Observer) Starved(_, _ time.Time) (starved bool, why string) { return false, "" }

// Collect returns the Observer's readings.
func (o *Observer) Collect() []Reading { return nil }

func observerMetrics() []Desc { return nil }
