//go:build !nohistory

package history

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/prometheus/rules"
)

// settling is how long alerts are not judged after a store took in nothing: what they are made of is recorded every 30 s,
// of samples that have to be there first.
const settling = time.Minute

// cycles evaluates groups, each in turn at its interval, and out of turn where a store holds nothing of them yet. While a
// store takes in nothing, they say nothing new: all that could be seen in it is that its series have stopped.
type cycles struct {
	closed    func() bool // whether the store takes in nothing
	evaluated func()
	remind    func(context.Context, *rules.Group, time.Time) // of the alerts that fire

	mu     sync.Mutex
	groups map[*rules.Group]*cycle
	idle   time.Time // the last turn at which the store took in nothing
}

// cycle is where a group is. It is locked by an evaluation: a group does not expect two at once.
type cycle struct {
	sync.Mutex
	last time.Time // timestamp of the last evaluation
}

func (e *evaluator) newCycles(closed func() bool, evaluated func()) *cycles {
	return &cycles{closed: closed, evaluated: evaluated, remind: e.remind, groups: make(map[*rules.Group]*cycle)}
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
	if c.waits(g, at) {
		c.remind(ctx, g, at)
		return
	}
	rules.DefaultEvalIterationFunc(ctx, g, at)
	c.evaluated()
}

// waits reports whether nothing can be known of a group at its turn.
func (c *cycles) waits(g *rules.Group, at time.Time) bool {
	closed := c.closed()
	c.mu.Lock()
	defer c.mu.Unlock()
	if closed {
		c.idle = at
		return true
	}
	return g.HasAlertingRules() && at.Sub(c.idle) < settling
}

func (c *cycles) of(g *rules.Group) *cycle {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups[g] == nil {
		c.groups[g] = &cycle{}
	}
	return c.groups[g]
}
