package chromium_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/chromium"
)

// status returns a field of /proc/PID/status.
func status(t *testing.T, pid int, field string) string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + field + `:\s*(\S+)`).FindSubmatch(data)
	if m == nil {
		t.Fatalf("no %s in the status of %d", field, pid)
	}
	return string(m[1])
}

func namespace(t *testing.T, pid int, kind string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestBrowser_Sandbox(t *testing.T) {
	tab := open(t, start(t, settings(t)))
	if uid := status(t, tab.Leader(), "Uid"); uid == "0" {
		t.Error("the browser runs as root")
	} else if os.Geteuid() == 0 && uid != "65534" {
		t.Errorf("the browser runs as user %s, want nobody", uid)
	}
	pid := renderers(t, tab)[0]
	const filter = "2" // SECCOMP_MODE_FILTER, seccomp(2)
	if mode := status(t, pid, "Seccomp"); mode != filter {
		t.Errorf("seccomp mode %s of a renderer, want %s", mode, filter)
	}
	if got := status(t, pid, "CapEff"); got != "0000000000000000" {
		t.Errorf("capabilities %s of a renderer, want none", got)
	}
	for _, kind := range []string{"user", "pid", "net"} {
		if namespace(t, pid, kind) == namespace(t, os.Getpid(), kind) {
			t.Errorf("a renderer is in the %s namespace of the agent", kind)
		}
	}
}

func TestBrowser_User(t *testing.T) {
	s := settings(t)
	s.User = "daemon"
	want := "1"
	if os.Geteuid() != 0 { // whoever is not root can become nobody else
		want = strconv.Itoa(os.Geteuid())
	}
	tab := open(t, start(t, s))
	if uid := status(t, tab.Leader(), "Uid"); uid != want {
		t.Errorf("the browser runs as user %s, want %s", uid, want)
	}
	if os.Geteuid() != 0 {
		return
	}
	for user, want := range map[string]string{
		"root":         "is root, which Chromium refuses its sandbox",
		"no-such-user": "name an account without privileges",
	} {
		s.User = user
		_, err := start(t, s).Open(within(t), chromium.TabOptions{})
		wantUnavailable(t, err, chromium.Failed, want)
	}
}

func TestBrowser_NoSandbox(t *testing.T) {
	s := settings(t)
	s.NoSandbox = true
	var log bytes.Buffer
	b := chromium.New(s, slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(b.Close)
	tab := open(t, b)
	if got := log.String(); !strings.Contains(got, `level=WARN msg="browser started" name=chromium-headless-shell`) || !strings.Contains(got, "sandbox=false") {
		t.Errorf("log %q, want a warning of the start without a sandbox", got)
	}
	if b.State().Sandbox {
		t.Error("the state tells of a sandbox")
	}
	if uid := status(t, tab.Leader(), "Uid"); uid == "0" {
		t.Error("the browser runs as root")
	}
	if mode := status(t, renderers(t, tab)[0], "Seccomp"); mode != "0" {
		t.Errorf("seccomp mode %s of a renderer, want none", mode)
	}
}
