package freshness

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// disk is a source in the file system. Whatever touches a file on a network share that died hangs for as long as the
// system lets it, and no context ends that: the look is given up with its context, and its goroutine is left to the
// system. There is one of them at most, and none is added while it hangs.
type disk struct {
	source
	method, path string // of the evidence when a look is given up

	turn    chan struct{}           // holds one: the look that has not ended
	current atomic.Pointer[attempt] // that look
}

// attempt is one look.
type attempt struct{ givenUp atomic.Bool }

func newDisk(s source, method, path string) *disk {
	return &disk{source: s, method: method, path: path, turn: make(chan struct{}, 1)}
}

// look looks at the file until ctx ends.
func (d *disk) look(ctx context.Context) (found, probe.Result, error) {
	start := time.Now()
	if !d.begin(ctx) {
		return found{}, d.late(start, "an earlier look at the file still hangs"), nil
	}
	mine := new(attempt)
	d.current.Store(mine)
	answers := make(chan answer, 1)
	go func() {
		defer func() {
			d.current.Store(nil)
			<-d.turn
		}()
		answers <- contained(ctx, d.source)
	}()
	select {
	case a := <-answers:
		return a.seen, a.result, a.err
	case <-ctx.Done():
		mine.givenUp.Store(true)
		return found{}, d.late(start, "no answer of the file in time"), nil
	}
}

// begin waits for its turn, unless a look that was given up has it. A free turn is taken even when no time is left.
func (d *disk) begin(ctx context.Context) bool {
	select {
	case d.turn <- struct{}{}:
		return true
	default:
	}
	if current := d.current.Load(); current != nil && current.givenUp.Load() {
		return false
	}
	select {
	case d.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *disk) late(start time.Time, detail string) probe.Result {
	r := local(start, d.method, d.path)
	r.Reason, r.Detail = probe.ResponseTimeout, detail
	return r
}

// answer is what a look returns.
type answer struct {
	seen   found
	result probe.Result
	err    error
}

// contained looks, and returns a panic as an error: on this goroutine nobody else would take it.
func contained(ctx context.Context, s source) (a answer) {
	defer func() {
		if cause := recover(); cause != nil {
			a = answer{err: fmt.Errorf("looking at the file panicked: %v", cause)}
		}
	}()
	a.seen, a.result, a.err = s.look(ctx)
	return a
}
