package e2e_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/demo"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// troubleAt is when the script's faults begin, an hour after the shop opened, and how long they last. The clock of the
// script stands still but for the two moments at which the test moves it on.
const troubleAt = time.Hour

// trouble are the faults of the script: one that hits a touchpoint in two channels each, and one in the app.
func trouble() []string { return []string{"wrong-price", "search-down", "login-down"} }

// stage is the demo shop with a script of its own.
type stage struct {
	shop        *demo.Shop
	clock       atomic.Int64 // of the script: nanoseconds since it began
	from, until time.Time    // when trouble began and ended, by the real clock
}

func openShop(t *testing.T) *stage {
	t.Helper()
	s := &stage{}
	var script demo.Script
	for _, fault := range trouble() {
		script.Episodes = append(script.Episodes, demo.Episode{Fault: fault, From: troubleAt, Until: 2 * troubleAt})
	}
	begin := time.Now()
	shop, err := demo.Start(t.Context(), demo.Options{
		Script: script, Every: 2 * time.Second,
		Now: func() time.Time { return begin.Add(time.Duration(s.clock.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shop.Close(); err != nil {
			t.Errorf("closing the shop: %v", err)
		}
	})
	s.shop = shop
	return s
}

func (s *stage) beginTrouble() {
	s.from = time.Now()
	s.clock.Store(int64(troubleAt))
}

func (s *stage) endTrouble() {
	s.clock.Store(int64(2 * troubleAt))
	s.until = time.Now()
}

// hits returns the cause that the script gives each touchpoint that it hits.
func (s *stage) hits() map[string]probe.CheckID {
	causes := make(map[string]probe.CheckID)
	for _, fault := range s.shop.Active(s.shop.Started().Add(troubleAt)) {
		for _, hit := range fault.Hits {
			causes[hit.Touchpoint] = hit.Cause
		}
	}
	return causes
}

// unseen is a kind whose touchpoints can never be measured.
func unseen() probe.Kind {
	return probe.Define(probe.Kind{
		Name: "unseen", Summary: "Cannot be measured.", Every: 2 * time.Second, Timeout: time.Second,
		Limits: func(probe.ChannelType) probe.Limits { return probe.Limits{} },
	}, func(probe.ChannelType) struct{} { return struct{}{} }, func(struct{}, probe.Setup) (probe.Built, error) {
		return probe.Built{Prober: blind{}, Profile: probe.Profile{Target: "unseen.invalid:1"}}, nil
	})
}

type blind struct{}

// Probe fails on the side of the agent.
func (blind) Probe(context.Context) (probe.Result, error) {
	return probe.Result{Start: time.Now()}, errors.New("there is nothing to see")
}

// settings is the configuration of the shop with an address for the agent, further blocks, and a channel that nobody can
// measure. The host is left out: it has no part in the figures.
func (s *stage) settings(t *testing.T, listen string, blocks ...string) string {
	t.Helper()
	head := "host: {enabled: false}\n" + strings.Join(blocks, "\n") + "\nagent:\n  listen: " + listen + "\n"
	return replaced(t, string(s.shop.Config()), "agent:\n", head) + `
  - name: smart-tv
    title: Television (made up)
    type: custom
    owners: {it: it@shop.example, marketing: marketing@shop.example}
    touchpoints:
      - {name: start, kind: unseen, every: 2s, tier: critical}
`
}

// gate lets the probes of an agent through, or not: while it is shut, nothing can be measured and the counters of what
// was stand still.
type gate struct{ open atomic.Bool }

// behind puts all probers of a configuration behind the gate.
func (g *gate) behind(conf *config.Config) {
	for _, tp := range conf.Touchpoints() {
		tp.Prober = &gated{tp.Prober, g}
	}
}

type gated struct {
	probe.Prober
	gate *gate
}

// Probe probes when the gate is open.
func (p *gated) Probe(ctx context.Context) (probe.Result, error) {
	if !p.gate.open.Load() {
		return blind{}.Probe(ctx)
	}
	return p.Prober.Probe(ctx)
}

// running is an agent that runs.
type running struct {
	*agent.Agent
	config *config.Config
	log    *logs
	cancel context.CancelFunc
	ended  chan error
}

// startAgent runs an agent that watches the shop, until it is stopped or the test ends.
func startAgent(t *testing.T, s *stage, listen string) *running {
	t.Helper()
	g := &gate{}
	g.open.Store(true)
	return runAgent(t, s.settings(t, listen), g)
}

// runAgent runs an agent until it is stopped or the test ends. Its probers are behind a gate.
func runAgent(t *testing.T, settings string, g *gate) *running {
	t.Helper()
	all := append(kinds.All(), unseen())
	load := func() (*config.Config, error) { return config.Parse("e2e", []byte(settings), all) }
	conf, err := load()
	if err != nil {
		t.Fatal(err)
	}
	g.behind(conf)
	r := &running{config: conf, log: &logs{}, ended: make(chan error, 1)}
	r.Agent, err = agent.New(agent.Options{
		Config: conf, Load: load, Kinds: all, Demo: true, Log: slog.New(slog.NewTextHandler(r.log, nil)), Version: "test", Revision: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() {
		r.ended <- r.Run(ctx)
		close(r.ended)
	}()
	t.Cleanup(func() {
		r.stop(t)
		if t.Failed() {
			t.Logf("log of the agent:\n%s", tail(r.log.String()))
		}
	})
	return r
}

// stop stops the agent; a second call does nothing.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Errorf("stopping the agent: %v", err)
	}
}

// channel returns a channel of the configuration.
func (r *running) channel(t *testing.T, name string) *probe.Channel {
	t.Helper()
	var names []string
	for _, c := range r.config.Channels {
		if c.Name == name {
			return c
		}
		names = append(names, c.Name)
	}
	t.Fatalf("channel %q: not in the configuration, which has %s", name, strings.Join(names, ", "))
	return nil
}
