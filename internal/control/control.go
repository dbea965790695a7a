// Package control tells "our network is gone" from "the channel is gone": it asks neighbours that any working network
// reaches, the configured neutral addresses or else the default gateways and the resolvers of this host. While none of
// them answers, the agent is blind, and what it could not reach is unknown, not broken.
//
// It imports the standard library and golang.org/x/net for DNS messages.
//
// It needs no privileges and sends no more than a TCP handshake or a DNS question to a neighbour. It does not guess:
// a neighbour that this host found by itself can testify against the network only after it has answered once, for many
// gateways never do; and where there is no witness the agent is not blind, so that no failure of a channel is hidden.
package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

const (
	// confirmEvery is how long a check stands for later failures.
	confirmEvery = time.Second
	// remembered is how long blindness is remembered: no result is older when it is rated.
	remembered = 5 * time.Minute
)

// Options configure a Control. The zero value asks this host's gateways and resolvers with the defaults below.
type Options struct {
	// Targets are neutral addresses, host:port, that accept or refuse TCP connections. When there are none, the default
	// gateways and the resolvers of this host are asked.
	Targets []string
	// Every is the time between two checks; default 5 s.
	Every time.Duration
	// Timeout bounds a whole check; default 2 s.
	Timeout time.Duration
	// Root is the directory that holds the agent's own proc, sys, etc and run; default "/".
	Root string
	// OnChange is called after each check that found something other than the one before, one call at a time; it may be
	// nil and must not block.
	OnChange func(State)
}

// State is what a check found.
type State struct {
	Since time.Time // when the first check that found the same began; zero before any
	Known bool      // whether a neighbour has answered, or none can be reached for certain
	Blind bool      // whether the network is gone; never without Known
	Why   string    // one sentence for logs and pages
}

// Control checks the agent's own network. It is safe for concurrent use.
type Control struct {
	opts     Options
	discover func() surroundings

	mu      sync.Mutex // guards the fields below
	state   State
	checked time.Time       // start of the latest check that has ended
	current *flight         // check that is under way; nil when there is none
	spells  []spell         // of blindness, ordered; the last may still go on
	answers map[string]bool // names of neighbours that have answered
}

// flight is one check that many may wait for.
type flight struct {
	done  chan struct{} // closed when state is set
	state State
}

// spell is a time of blindness: from the last sight before it to the first after it.
type spell struct {
	from, to time.Time // to is zero while it goes on
	why      string    // what the check found with which it began
}

// New validates the options. It asks nobody yet. All mistakes are reported at once.
func New(opts Options) (*Control, error) {
	opts.Every = cmp.Or(opts.Every, 5*time.Second)
	opts.Timeout = cmp.Or(opts.Timeout, 2*time.Second)
	opts.Root = cmp.Or(opts.Root, "/")
	var errs []error
	for _, target := range opts.Targets {
		if err := validate(target); err != nil {
			errs = append(errs, fmt.Errorf("target %q: %w", target, err))
		}
	}
	c := &Control{opts: opts, answers: make(map[string]bool)}
	c.discover = func() surroundings { return discover(opts) }
	return c, errors.Join(errs...)
}

func validate(target string) error {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return errors.New("want host:port")
	}
	if host == "" {
		return errors.New("no host, want host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q, want 1 to 65535", port)
	}
	return nil
}

// Run checks until ctx ends, then waits for a check that is still under way.
func (c *Control) Run(ctx context.Context) {
	ticker := time.NewTicker(c.opts.Every)
	defer ticker.Stop()
	for {
		c.wait(ctx, c.fly(ctx, 0))
		select {
		case <-ctx.Done():
			c.settle()
			return
		case <-ticker.C:
		}
	}
}

// settle waits for the check that is under way; it ends soon after Timeout.
func (c *Control) settle() {
	c.mu.Lock()
	current := c.current
	c.mu.Unlock()
	if current != nil {
		<-current.done
	}
}

// State returns what the latest check found; before the first one nothing is known.
func (c *Control) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Blinded reports whether the agent is blind now, which it confirms as Confirm does, or was or may have been at any time
// between from and to, and why, in one sentence. It remembers five minutes, and counts the time between the last check
// that saw something and the first that did not as blind. Ask it when a probe could not reach its target, before the
// failure is believed.
func (c *Control) Blinded(ctx context.Context, from, to time.Time) (blind bool, why string) {
	if state := c.Confirm(ctx); state.Blind {
		return true, state.Why
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spells {
		if s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) {
			return true, "the agent's network was gone while this was probed: " + s.why
		}
	}
	return false, ""
}

// Confirm checks now, unless a check began within the last second; callers at the same time share one check. When ctx
// ends first it returns what is known.
func (c *Control) Confirm(ctx context.Context) State { return c.wait(ctx, c.fly(ctx, confirmEvery)) }

// wait returns the state that a check finds, or the known one when ctx ends first.
func (c *Control) wait(ctx context.Context, f *flight) State {
	select {
	case <-f.done:
		return f.state
	case <-ctx.Done():
		return c.State()
	}
}

// fly returns the check that is under way, or one that began no longer than maxAge ago, or else starts one. A check
// does not depend on the context of whoever happened to ask first.
func (c *Control) fly(ctx context.Context, maxAge time.Duration) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil {
		return c.current
	}
	now := time.Now()
	f := &flight{done: make(chan struct{})}
	if !c.checked.IsZero() && now.Sub(c.checked) < maxAge {
		f.state = c.state
		close(f.done)
		return f
	}
	c.current = f
	go c.land(context.WithoutCancel(ctx), f, now)
	return f
}

// land does the check that f stands for, takes note of what it found and lets everybody know.
func (c *Control) land(ctx context.Context, f *flight, start time.Time) {
	defer close(f.done)
	state, changed := c.note(start, c.check(ctx))
	f.state = state
	if changed && c.opts.OnChange != nil {
		c.opts.OnChange(state)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
}

// note takes note of what a check that began at start found.
func (c *Control) note(start time.Time, found State) (state State, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.state
	changed = before.Since.IsZero() || found.Known != before.Known || found.Blind != before.Blind
	found.Since = before.Since
	if changed {
		found.Since = start
	}
	switch {
	case found.Blind && !before.Blind:
		c.spells = append(c.spells, spell{from: cmp.Or(c.checked, start), why: found.Why})
	case !found.Blind && before.Blind:
		c.spells[len(c.spells)-1].to = start
	}
	for len(c.spells) > 0 && !c.spells[0].to.IsZero() && start.Sub(c.spells[0].to) > remembered {
		c.spells = c.spells[1:]
	}
	c.state, c.checked = found, start
	return found, changed
}
