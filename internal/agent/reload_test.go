package agent_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// TestAgent_ReloadsOnceForAChange lets other files be written beside those of the configuration, as a log is: only
// changes of its own files reload, once each, whatever a refusal adds to the list of what is watched.
func TestAgent_ReloadsOnceForAChange(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("home "+s.URL))
	dir := filepath.Dir(r.path)
	beside := func() {
		if err := os.WriteFile(filepath.Join(dir, "agent.log"), []byte(r.log.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 40 { // time for a reload that nobody asked for
			pause(t.Context())
		}
	}
	logged := func(what string, times int) func() bool {
		return func() bool { return strings.Count(r.log.String(), what) == times }
	}
	const reloaded, refused = "configuration reloaded", "reload refused"
	r.eventually("a first result", func() bool { return r.series("touchpoint_rating", `"home"`) == "4" })

	if err := os.WriteFile(filepath.Join(dir, "team.yaml"), []byte("channel: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("include: team.yaml\n" + yaml("home "+s.URL))
	r.eventually("a refusal", logged(refused, 1))
	beside()
	r.write(yaml("home "+s.URL, "second "+s.URL))
	r.eventually("a reload", logged(reloaded, 1))
	beside()
	r.write(yaml("home "+s.URL, "third "+s.URL))
	r.eventually("another reload", logged(reloaded, 2))
	beside()
	if n := strings.Count(r.log.String(), refused); n != 1 || !logged(reloaded, 2)() {
		t.Errorf("%d refusals, want 1, and reloads, want 2:\n%s", n, r.log)
	}
}

// loaded is an agent that does not run yet, with the touchpoints of every configuration that it read.
type loaded struct {
	*agent.Agent
	path string
	seen [][]weak.Pointer[probe.Touchpoint]
}

func load(t *testing.T, yaml string) *loaded {
	t.Helper()
	l := &loaded{path: filepath.Join(t.TempDir(), "channelwatch.yaml")}
	l.write(t, yaml)
	read := func() (*config.Config, error) {
		cfg, err := config.Load(l.path, kinds.All())
		if err == nil {
			var all []weak.Pointer[probe.Touchpoint]
			for _, tp := range cfg.Touchpoints() {
				all = append(all, weak.Make(tp))
			}
			l.seen = append(l.seen, all)
		}
		return cfg, err
	}
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	l.Agent, err = agent.New(agent.Options{Config: cfg, Load: read, Kinds: kinds.All(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *loaded) write(t *testing.T, yaml string) {
	t.Helper()
	if err := os.WriteFile(l.path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs the agent until the function that it returns is called.
func (l *loaded) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestAgent_ReloadBeforeRun asks for a reload between New and Run, as a SIGHUP right after the start does.
func TestAgent_ReloadBeforeRun(t *testing.T) {
	s := newShop(t)
	l := load(t, yaml("before "+s.URL))
	l.write(t, yaml("after "+s.URL))
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	stop := l.run(t)
	deadline := time.Now().Add(patience)
	for s.asked.Load() == 0 && time.Now().Before(deadline) {
		pause(t.Context())
	}
	stop()
	if all := l.Channels()[0].Touchpoints; len(all) != 1 || all[0].Name != "after" {
		t.Errorf("%d touchpoints are in force, the first is %q, want one: after", len(all), all[0].Name)
	}
	if n := s.asked.Load(); n == 0 {
		t.Error("nothing was probed")
	}
}

// TestAgent_ReloadHoldsNothingTwice reloads and wants the memory of what was closed back: of the first configuration what
// is gone, of the second what was there before.
func TestAgent_ReloadHoldsNothingTwice(t *testing.T) {
	s := newShop(t)
	l := load(t, yaml("gone "+s.URL, "kept "+s.URL))
	stop := l.run(t)
	l.write(t, yaml("kept "+s.URL, "new "+s.URL))
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	gone, kept, closed, added := l.seen[0][0], l.seen[0][1], l.seen[1][0], l.seen[1][1]
	deadline := time.Now().Add(patience)
	for (gone.Value() != nil || closed.Value() != nil) && time.Now().Before(deadline) { // a probe may still run
		runtime.GC()
		pause(t.Context())
	}
	if gone.Value() != nil || closed.Value() != nil {
		t.Errorf("held after a reload: what is gone %t, the second copy of what is kept %t; want neither", gone.Value() != nil, closed.Value() != nil)
	}
	if kept.Value() == nil || added.Value() == nil {
		t.Errorf("held after a reload: what is kept %t, what is new %t; want both", kept.Value() != nil, added.Value() != nil)
	}
	stop()
}
