package chromium_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
)

// When a browser is ended and replaced is tested without one; here it is that a real one is.
func TestBrowser_Lifetime(t *testing.T) {
	s := settings(t)
	s.Idle, s.MaxRuns = 50*time.Millisecond, 2
	b := start(t, s)
	tab := open(t, b)
	members, dir, leader := tab.Members(), tab.Dir(), tab.Leader()
	gone := func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err) && !slices.ContainsFunc(members, alive)
	}
	busy := b.State()
	tab.Close()
	eventually(t, "the browser is closed when nobody uses it", gone)
	eventually(t, "the state says so", func() bool { return !b.State().Running })
	idle := b.State()
	if idle.Memory != 0 || idle.CPU < busy.CPU || idle.Name != busy.Name || idle.Version != busy.Version {
		t.Errorf("state %+v of a browser that has ended, %+v before", idle, busy)
	}

	tab = open(t, b)
	if tab.Leader() == leader {
		t.Error("the same browser after it was closed")
	}
	beside := open(t, b)
	if beside.Leader() != tab.Leader() {
		t.Error("two browsers for two tabs")
	}
	members, dir = tab.Members(), tab.Dir()
	tab.Close()
	if gone() {
		t.Error("the browser was closed under a tab")
	}
	beside.Close()
	if !gone() {
		t.Error("the browser is still there after its last visit")
	}
	got := b.State()
	if want := map[string]uint64{"idle": 1, "runs": 1}; got.Launches != 2 || got.Visits != 3 || !maps.Equal(got.Recycles, want) {
		t.Errorf("state %+v, want two launches, three visits and %v", got, want)
	}
	for why := range got.Recycles {
		if !slices.Contains(chromium.Recycles(), why) {
			t.Errorf("%q is not among %q", why, chromium.Recycles())
		}
	}
}

// A browser that is there when the agent stops is ended under its tabs.
func TestBrowser_Close(t *testing.T) {
	b := start(t, settings(t))
	tab := open(t, b)
	members := tab.Members()
	b.Close()
	if slices.ContainsFunc(members, alive) {
		t.Errorf("of the processes %v some are left", members)
	}
	wantUnavailable(t, tab.Lost(), chromium.Failed, "was ended by the agent")
	tab.Close()
	if _, err := b.Open(within(t), chromium.TabOptions{}); err == nil {
		t.Error("a tab of a browser that is closed for good")
	}
	if got := b.State(); len(got.Failures) != 0 || len(got.Recycles) != 0 {
		t.Errorf("state %+v, want that nothing went wrong", got)
	}
}

// A full Chromium does the same, with more processes.
func TestBrowser_Full(t *testing.T) {
	needed(t, full)
	s := settings(t)
	s.Path = "/usr/bin/chromium" // its wrapper
	b := start(t, s)
	server := site(t, "<title>Shop</title>")
	tab := open(t, b)
	if failed := visit(t, tab, server.URL); failed != "" {
		t.Fatal(failed)
	}
	eventually(t, "the page is there", func() bool { return evaluate(t, tab, "document.title") == "Shop" })
	if mode := status(t, renderers(t, tab)[0], "Seccomp"); mode != "2" {
		t.Errorf("seccomp mode %s of a renderer, want 2", mode)
	}
	if got := b.State(); got.Name != "chromium" || got.Version == "" {
		t.Errorf("browser %q, version %q", got.Name, got.Version)
	}
	members := tab.Members()
	b.Close()
	for _, pid := range members {
		if alive(pid) {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			t.Errorf("process %d is still there: %.80q", pid, line)
		}
	}
}
