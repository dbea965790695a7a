//go:build !nohistory

package history

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/prometheus/rules"
)

// cycles evaluates groups, each in turn at its interval, and out of turn where a store holds nothing of them yet.
type cycles struct {
	evaluated func()

	mu     sync.Mutex
	groups map[*rules.Group]*cycle
}

// cycle is where a group is. It is locked by an evaluation: a group does not expect two at once.
type cycle struct {
	sync.Mutex
	last time.Time // timestamp of the last evaluation
}

func newCycles(evaluated func()) *cycles {
	return &cycles{evaluated: evaluated, groups: make(map[*rules.Group]*cycle)}
}

// evaluate is the rules.GroupEvalIterationFunc of all groups. It leaves out a turn that comes after a later evaluation: its
// values would be refused as out of order.
func (c *cycles) evaluate(ctx context.Context, g *rules.Group, at time.Time) {
	of := c.of(g)
	of.Lock()
	defer of.Unlock()
	if !at.After(of.last) {
		return
	}
	of.last = at
	rules.DefaultEvalIterationFunc(ctx, g, at)
	c.evaluated()
}

func (c *cycles) of(g *rules.Group) *cycle {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups[g] == nil {
		c.groups[g] = &cycle{}
	}
	return c.groups[g]
}
