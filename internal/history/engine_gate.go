//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"time"
)

// turns lets a few in at one time.
type turns chan struct{}

// take waits for a turn, for as long as ctx and patience last, and returns what gives it back.
func (t turns) take(ctx context.Context, patience time.Duration) (func(), error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, unavailable(fmt.Errorf("%d queries are running; none ended within %v", cap(t), patience))
	}
}
