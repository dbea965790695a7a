package webpush

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// claims are the state files that receivers use. Two receivers with one state are the same browser for a push service,
// which hangs up on the one when the other connects, so that messages of both are lost. The zero value has none. It is
// safe for concurrent use.
type claims struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // by file; closed when it is given back
}

// take waits until nobody else uses a file: after a change of the configuration the receiver before may be about to end.
// release gives it back.
func (c *claims) take(ctx context.Context, file string) (release func(), err error) {
	for {
		before := c.claim(file)
		if before == nil {
			return func() { c.release(file) }, nil
		}
		select {
		case <-before:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("state_file: %s is used by another touchpoint, want one for each", file)
		}
	}
}

// claim takes a file, or returns what is closed when whoever has it gives it back.
func (c *claims) claim(file string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.taken[file]; ok {
		return before
	}
	if c.taken == nil {
		c.taken = make(map[string]chan struct{})
	}
	c.taken[file] = make(chan struct{})
	return nil
}

func (c *claims) release(file string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.taken[file])
	delete(c.taken, file)
}
