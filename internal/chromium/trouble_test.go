package chromium_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestBrowser_Killed(t *testing.T) {
	s := settings(t)
	b := start(t, s)
	tab := open(t, b)
	members, dir := tab.Members(), tab.Dir()
	if len(members) < 3 {
		t.Fatalf("%d processes, want a browser with its helpers", len(members))
	}
	failed := make(chan error, 1)
	go func() {
		failed <- tab.Conn().Call(t.Context(), tab.Session(), "Runtime.evaluate",
			map[string]any{"expression": "new Promise(() => {})", "awaitPromise": true}, nil)
	}()
	if lost := tab.Lost(); lost != nil {
		t.Errorf("lost %v while it is there", lost)
	}
	kill(t, tab.Leader())
	if err := <-failed; !errors.Is(err, cdp.ErrClosed) {
		t.Errorf("error %v, want that the connection is closed", err)
	}
	wantUnavailable(t, tab.Lost(), chromium.Crashed, "chromium-headless-shell ended while it was in use", "signal: killed")
	// Lost has waited until all was cleaned up.
	for _, pid := range members {
		if alive(pid) {
			t.Errorf("process %d of the browser is still there", pid)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	tab.Close()
	next := open(t, b)
	if next.Leader() == tab.Leader() {
		t.Error("the same browser")
	}
	eventually(t, "the crash is counted", func() bool { return b.State().Failures[chromium.Crashed] > 0 })
	if got := b.State(); got.Launches != 2 || got.Failures[chromium.Crashed] != 1 || len(got.Recycles) != 0 {
		t.Errorf("state %+v, want two launches and one crash", got)
	}
}

// renderers returns the processes that run pages, when the tab's page is among them. Others may be about to end: that of
// the page which the browser was warmed up with.
func renderers(t *testing.T, tab *chromium.Tab) (pids []int) {
	t.Helper()
	evaluate(t, tab, "1") // a new process has neither its name nor its sandbox at once
	for _, pid := range tab.Members() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(line), "--type=renderer") {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		t.Fatal("no renderer")
	}
	return pids
}

func TestTab_Crashed(t *testing.T) {
	b := start(t, settings(t))
	tab := open(t, b)
	select {
	case <-tab.Crashed():
		t.Fatal("crashed at once")
	default:
	}
	for _, pid := range renderers(t, tab) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	select {
	case <-tab.Crashed():
	case <-within(t).Done():
		t.Fatal("the crash was not noticed")
	}
	if lost := tab.Lost(); lost != nil {
		t.Errorf("the browser is lost: %v", lost)
	}
	tab.Close()
	next := open(t, b)
	if next.Leader() != tab.Leader() {
		t.Error("another browser: one page's crash is no reason")
	}
	if got := evaluate(t, next, "1+1"); got != "2" {
		t.Errorf("1+1 = %s", got)
	}
}

// A page without end is closed in time, and the browser is there for the next.
func TestTab_Close_BusyPages(t *testing.T) {
	b := start(t, settings(t))
	for name, script := range map[string]string{
		"endless loop":   "for (;;);",
		"box":            `alert("Subscribe!")`,
		"before leaving": `addEventListener("beforeunload", e => { e.preventDefault(); for (;;); })`,
		"out of memory":  `const all = []; for (;;) all.push(new Array(1e7).fill(1.5))`,
	} {
		t.Run(name, func(t *testing.T) {
			tab := open(t, b)
			server := site(t, "<script>setTimeout(() => {"+script+"})</script>")
			visit(t, tab, server.URL)
			if name == "out of memory" {
				select {
				case <-tab.Crashed():
				case <-within(t).Done():
					t.Fatal("the crash was not noticed")
				}
			}
			tab.Close()
			next := open(t, b)
			if got := evaluate(t, next, "1+1"); got != "2" {
				t.Errorf("1+1 = %s", got)
			}
			next.Close()
		})
	}
	if s := b.State(); s.Launches != 1 || len(s.Recycles) != 0 {
		t.Errorf("state %+v, want one browser for all", s)
	}
}

// A browser that hangs is ended, and the next visit has another.
func TestBrowser_Hangs(t *testing.T) {
	b := start(t, settings(t))
	tab := open(t, b)
	if err := syscall.Kill(tab.Leader(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := b.Open(ctx, chromium.TabOptions{})
	wantUnavailable(t, err, chromium.Failed, "chromium-headless-shell opened no tab in time: calling Target.createBrowserContext: context deadline exceeded")
	<-tab.Conn().Done()
	wantUnavailable(t, tab.Lost(), chromium.Failed, "was ended by the agent while it was in use")
	if next := open(t, b); next.Leader() == tab.Leader() {
		t.Error("the same browser")
	}
	if got := b.State(); got.Recycles["hung"] != 1 || len(got.Failures) != 0 {
		t.Errorf("state %+v, want one that hung", got)
	}
}

// fake returns an executable that stands in for a browser.
func fake(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(shared(t), "chromium")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBrowser_NotStarted(t *testing.T) {
	for _, test := range []struct {
		name  string
		path  string
		check probe.CheckID
		want  string
	}{
		{"missing", "/nowhere/chromium", chromium.Missing, `browser "/nowhere/chromium" does not exist: install chromium-headless-shell`},
		{"ends at once", fake(t, "exit 1"), chromium.Failed, "starting chromium: calling Browser.getVersion: browser connection closed: the browser ended"},
		{"says why", fake(t, "echo 'error while loading shared libraries: libnss3.so' >&2; exit 127"), chromium.Failed, "; it wrote: error while loading shared libraries: libnss3.so"},
		{
			"no sandbox", fake(t, "echo '[1:1:FATAL:zygote_host_impl_linux.cc(128)] No usable sandbox! See x.' >&2; kill -TRAP $$"), chromium.NoSandbox,
			"chromium cannot start its sandbox (No usable sandbox! See x.): allow unprivileged user namespaces",
		},
		{"speaks another language", fake(t, "exec >&4; echo hello; printf '\\0'; sleep 1000"), chromium.Failed, "decoding message of 6 bytes"},
		{"no program", fake(t, "")[:0] + garbage(t), chromium.Failed, "exec format error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := settings(t)
			s.Path = test.path
			b := start(t, s)
			_, err := b.Open(within(t), chromium.TabOptions{})
			wantUnavailable(t, err, test.check, test.want)
			_, again := b.Open(within(t), chromium.TabOptions{})
			wantUnavailable(t, again, test.check, test.want, "not tried again before ")
			if got := b.State(); got.Launches != 0 || got.Failures[test.check] != 1 {
				t.Errorf("state %+v, want one failure and no launch", got)
			}
		})
	}
}

func garbage(t *testing.T) string {
	t.Helper()
	path := filepath.Join(shared(t), "chromium")
	if err := os.WriteFile(path, []byte{0x7f, 'E', 'L', 'F', 0}, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A browser that never answers is ended with all that it started.
func TestBrowser_Open_Cancelled(t *testing.T) {
	s := settings(t)
	mark := filepath.Join(shared(t), "pids")
	if err := os.WriteFile(mark, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(mark, 0o666); err != nil {
		t.Fatal(err)
	}
	s.Path = fake(t, "sleep 1000 & echo $! $$ >"+mark+"; wait")
	b := start(t, s)
	ctx, cancel := context.WithCancel(within(t))
	failed := make(chan error, 1)
	go func() {
		_, err := b.Open(ctx, chromium.TabOptions{})
		failed <- err
	}()
	var pids []string
	eventually(t, "the browser has started", func() bool {
		data, err := os.ReadFile(mark)
		pids = strings.Fields(string(data))
		return err == nil && len(pids) == 2
	})
	cancel()
	err := <-failed
	var u *chromium.Unavailable
	if err == nil || errors.As(err, &u) {
		t.Errorf("error %v, want that of the context", err)
	}
	for _, text := range pids {
		if pid, err := strconv.Atoi(text); err != nil || alive(pid) {
			t.Errorf("process %q is still there (%v)", text, err)
		}
	}
	if got := b.State(); len(got.Failures) != 0 {
		t.Errorf("failures %v, want none", got.Failures)
	}
}

// What the agent knows stays with the agent.
func TestBrowser_Environment(t *testing.T) {
	t.Setenv("SHOP_TOKEN", "s3cret")
	tab := open(t, start(t, settings(t)))
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", tab.Leader()))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
	slices.Sort(got)
	if want := []string{"HOME=" + tab.Dir(), "TMPDIR=" + tab.Dir()}; !slices.Equal(got, want) {
		t.Errorf("environment %q, want %q", got, want)
	}
	info, err := os.Stat(tab.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v of the private directory, want 0700", info.Mode().Perm())
	}
}
