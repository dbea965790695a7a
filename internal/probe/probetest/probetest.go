// Package probetest is what every kind has to stand: a conformance suite (Run) and a table of servers on loopback that
// misbehave in exactly one way each (Faults), which a kind must name with exactly one reason or cause, in time and
// within bounded memory.
//
// Tests import it, nothing else does. It may import the domain, package quality and package config, because a kind is
// built here the way users build it: from YAML. It sends nothing beyond this machine.
package probetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Subject is a kind and how it is pointed at a server.
type Subject struct {
	Kind probe.Kind
	Type probe.ChannelType
	// With returns the kind's block of the configuration for a target, as a document that YAML can hold.
	With func(Target) map[string]any
	// Files are written beside the configuration, readable by their owner alone: names to contents. They are for samples
	// and blocks that name files with secrets.
	Files map[string][]byte
}

// Target is where a prober is pointed at and what it is told about it. Fields that are empty are left to the defaults of
// the kind.
type Target struct {
	URL       string
	Resolver  string   // host:port of a DNS server
	CAFile    string   // PEM file of the only roots to trust
	Hosts     []string // that redirects may lead to
	BodyLimit int      // bytes of a response
	Text      string   // that the response must hold
	SecretEnv string   // environment variable with the value of the request's Authorization
	HTTP3     string   // the field http3
	Addresses string   // the field addresses
}

// HTTP returns the part of a block of the configuration that all kinds of HTTP share; the text is left to the kind.
func (t Target) HTTP() map[string]any {
	with := map[string]any{"url": t.URL}
	if t.Resolver != "" {
		with["resolver"] = t.Resolver
	}
	if t.CAFile != "" {
		with["tls"] = map[string]any{"ca_file": t.CAFile}
	}
	if len(t.Hosts) > 0 {
		with["redirects"] = map[string]any{"hosts": t.Hosts}
	}
	if t.BodyLimit > 0 {
		with["max_body"] = t.BodyLimit
	}
	if t.SecretEnv != "" {
		with["secret_headers"] = map[string]any{"Authorization": map[string]any{"env": t.SecretEnv}}
	}
	if t.HTTP3 != "" {
		with["http3"] = t.HTTP3
	}
	if t.Addresses != "" {
		with["addresses"] = t.Addresses
	}
	return with
}

// build returns a prober for the target, built from YAML by the loader of the agent, closed when the test ends.
func (s Subject) build(tb testing.TB, target Target) probe.Built {
	tb.Helper()
	return s.load(tb, map[string]any{"name": "subject", "kind": s.Kind.Name, "with": s.With(target)}).Built
}

// load builds a touchpoint as it stands in a file.
func (s Subject) load(tb testing.TB, touchpoint map[string]any) *probe.Touchpoint {
	tb.Helper()
	data, err := yaml.Marshal(map[string]any{
		// Nobody listens there: devices confirm messages by way of the ledger that the kind was given.
		"receipts": map[string]any{"listen": "127.0.0.1:9", "public_url": "https://receipts.example.com"},
		"channels": []any{map[string]any{"name": "suite", "type": string(s.Type), "touchpoints": []any{touchpoint}}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	file := filepath.Join(dir, "channelwatch.yaml")
	write := func(name string, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	write(file, data)
	for name, content := range s.Files {
		write(filepath.Join(dir, name), content)
	}
	loaded, err := config.Load(file, []probe.Kind{s.Kind})
	if err != nil {
		tb.Fatalf("loading\n%s\n%v", data, err)
	}
	tb.Cleanup(loaded.Close)
	return loaded.Touchpoints()[0]
}

// grace is how long after its deadline a probe may take on a machine that is busy with other tests. It is no measure of
// speed: a prober that does not heed its context never returns at all.
const grace = 20 * time.Second

// answer is what a prober came back with.
type answer struct {
	result probe.Result
	took   time.Duration // on the clock of the suite
	err    error
}

// probeWithin probes with a deadline and fails the test unless it comes back with a result.
func probeWithin(t *testing.T, prober probe.Prober, deadline time.Duration) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	got := probeUntil(ctx, prober, deadline+grace)
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got
}

// probeUntil probes and gives up on a prober that is not back after the limit.
func probeUntil(ctx context.Context, prober probe.Prober, limit time.Duration) answer {
	back := make(chan answer, 1)
	go func() {
		back <- ask(ctx, prober)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case got := <-back:
		return got
	case <-timer.C:
		return answer{err: fmt.Errorf("%w after %v", errNotBack, limit)}
	}
}

// ask probes and looks at the clock.
func ask(ctx context.Context, prober probe.Prober) answer {
	start := time.Now()
	result, err := prober.Probe(ctx)
	return answer{result, time.Since(start), err}
}

// errNotBack says that a prober does not heed its context.
var errNotBack = errors.New("the prober is not back")
