package browser_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// process is one below the test's.
type process struct {
	pid, parent int
	command     string
}

// descendants returns the processes of the browsers of this test.
func descendants(tb testing.TB) []process {
	tb.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	all := map[int]process{}
	for _, file := range files {
		stat, errStat := os.ReadFile(file)
		command, errCommand := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		end := strings.LastIndexByte(string(stat), ')')
		if errStat != nil || errCommand != nil || end < 0 {
			continue // it has ended meanwhile
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(strings.Fields(string(stat[end+1:]))[1])
		all[pid] = process{pid, parent, strings.ReplaceAll(string(command), "\x00", " ")}
	}
	var below []process
	for _, p := range all {
		for parent := p.parent; parent > 1; parent = all[parent].parent {
			if parent == os.Getpid() {
				below = append(below, p)
				break
			}
		}
	}
	return below
}

// kill ends the test's own browser processes that are of a type; those of none are the browsers themselves.
func kill(tb testing.TB, kind string) (killed int) {
	tb.Helper()
	for _, p := range descendants(tb) {
		word := "--type=" + kind
		if kind == "" && !strings.Contains(p.command, "--type=") && strings.Contains(p.command, "--remote-debugging-pipe") ||
			kind != "" && strings.Contains(p.command, word) {
			if syscall.Kill(p.pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	return killed
}

func TestProbe_KilledRendererIsTriedAgain(t *testing.T) {
	var visits atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/kill" {
			<-time.After(200 * time.Millisecond)
			if kill(t, "renderer") == 0 {
				t.Error("found no renderer to kill")
			}
		}
		script := ""
		if r.URL.Path == "/" && visits.Add(1) == 1 {
			script = "<script>fetch('/kill')</script>"
		}
		html("<title>Shop</title><h1>Shoes</h1>"+script)(w, r)
	})
	result := run(t, browser.QuickKind(), local(url+"/", nil))
	if result.Reason != "" || visits.Load() != 2 {
		t.Errorf("got reason %q (%s) after %d visits, want a good second one", result.Reason, result.Detail, visits.Load())
	}
}

func TestProbe_KilledBrowserIsTheAgentsTrouble(t *testing.T) {
	var killing atomic.Bool
	killing.Store(true)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/kill" {
			<-time.After(200 * time.Millisecond)
			if kill(t, "") == 0 {
				t.Error("found no browser to kill")
			}
		}
		script := ""
		if killing.Load() {
			script = "<script>fetch('/kill')</script>"
		}
		html("<title>Shop</title><h1>Shoes</h1>"+script)(w, r)
	})
	kind := browser.QuickKind()
	keep, err := kind.Build(local(url, nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	result := run(t, kind, local(url+"/", nil))
	if result.Reason != "browser_crashed" || len(result.Measurements) > 0 {
		t.Errorf("got reason %q: %s and measurements %v, want browser_crashed and none", result.Reason, result.Detail, result.Measurements)
	}
	killing.Store(false)
	if result := run(t, kind, local(url+"/", nil)); result.Reason != "" {
		t.Errorf("afterwards got reason %q: %s, want none", result.Reason, result.Detail)
	}
}

func TestProbe_LastTouchpointEndsTheBrowser(t *testing.T) {
	kind := browser.QuickKind()
	result := run(t, kind, local(serve(t, html("<title>Shop</title><h1>Shoes</h1>")), nil))
	if result.Reason != "" {
		t.Fatalf("got reason %q: %s", result.Reason, result.Detail)
	}
	if left := descendants(t); len(left) > 0 {
		t.Errorf("got processes %+v after the last touchpoint was closed, want none", left)
	}
}

func TestProbe_NoBrowser(t *testing.T) {
	s := setup()
	s.Browser.Path = "/nowhere/chromium"
	built, err := browser.QuickKind().Build(local("http://127.0.0.1:1/", func(c *browser.Config) { c.Runs = 3 }), s)
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	result, err := built.Prober.Probe(t.Context())
	if err != nil || result.Reason != "browser_missing" || !strings.Contains(result.Detail, "/nowhere/chromium") || result.Evidence == nil {
		t.Errorf("got error %v and reason %q: %s, want browser_missing and where it was looked for", err, result.Reason, result.Detail)
	}
}

func TestProbe_CancelledIsNotMeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		html("<title>Shop</title><h1>Shoes</h1>")(w, r)
		cancel()
	})
	built, err := browser.QuickKind().Build(local(url, nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	if result, err := built.Prober.Probe(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v and result %+v, want %v", err, result, context.Canceled)
	}
}

func TestState_AllReadingsAlways(t *testing.T) {
	kind := browser.QuickKind()
	names := func() map[string]float64 {
		got := map[string]float64{}
		for _, reading := range kind.State() {
			name := reading.Metric
			if len(reading.Labels) == 1 {
				name += " " + reading.Labels[0].Value
			}
			if reading.Type == probe.Counter != strings.HasSuffix(reading.Metric, "_total") || !strings.HasSuffix(reading.Help, ".") {
				t.Errorf("got %+v, want a counter to be called _total, and a sentence", reading)
			}
			got[name] = reading.Value
		}
		return got
	}
	before := names()
	for _, name := range []string{"browser_failures_total browser_missing", "browser_failures_total browser_sandbox", "browser_recycles_total memory", "browser_launches_total"} {
		if value, ok := before[name]; !ok || value != 0 {
			t.Errorf("%s: got %v (there: %v) before the first visit, want 0", name, value, ok)
		}
	}
	built, err := kind.Build(local(serve(t, html("<title>Shop</title><h1>Shoes</h1>")), nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	if _, err := built.Prober.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	neighbour, err := kind.Build(local("http://127.0.0.1:1/", nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	neighbour.Close() // the browser is still in use
	after := names()
	for _, told := range kind.Told {
		if !slices.ContainsFunc(kind.State(), func(r probe.Reading) bool { return r.Metric == told.Metric && r.Help == told.Help }) {
			t.Errorf("%s is told of in the reference only", told.Metric)
		}
	}
	if len(kind.Told) != len(kind.State()) {
		t.Errorf("got %d readings in the reference, want all %d", len(kind.Told), len(kind.State()))
	}
	for name, want := range map[string]float64{"browser_running": 1, "browser_launches_total": 1, "browser_visits_total": 1, "browser_info": 1} {
		if after[name] != want {
			t.Errorf("%s: got %v, want %v", name, after[name], want)
		}
	}
	if after["browser_memory_bytes"] < 10<<20 || after["browser_cpu_seconds_total"] <= 0 {
		t.Errorf("got %v bytes and %v s, want what a browser takes", after["browser_memory_bytes"], after["browser_cpu_seconds_total"])
	}
}
