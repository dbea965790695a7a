package chromium_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	goleak.VerifyTestMain(m)
}

// settings are those of an operator who changed little. Directories of browsers are below a directory of the test.
func settings(t *testing.T) probe.Browser {
	t.Helper()
	return probe.Browser{
		Dir: shared(t), Concurrency: 1, Idle: time.Minute, MaxRuns: 200, MaxAge: 6 * time.Hour, MaxMemory: 600 << 20,
	}
}

// shared returns a directory that other users can enter, which t.TempDir is not. No browser's directory may be in it when
// the test ends.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium-test-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := directories(t, dir); len(left) > 0 {
			t.Errorf("directories are left: %q", left)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// start returns a browser that is closed when the test ends, and must leave no zombie behind.
func start(t *testing.T, s probe.Browser) *chromium.Browser {
	t.Helper()
	if s.Path == "" {
		needed(t, shell)
	}
	b := chromium.New(s, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		b.Close()
		if left := chromium.Zombies(); len(left) > 0 {
			t.Errorf("zombies are left: %v", left)
		}
		if state := b.State(); state.Running || state.Memory != 0 {
			t.Errorf("state %+v after the end", state)
		}
	})
	return b
}

// The browsers of Debian.
const (
	shell = "/usr/lib/chromium/chromium-headless-shell"
	full  = "/usr/lib/chromium/chromium"
)

// needed fails a test without a browser that it needs.
func needed(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: apt-get install -y %s", err, filepath.Base(path))
	}
}

func directories(t *testing.T, base string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(base, "channelwatch-browser-*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, b *chromium.Browser) *chromium.Tab {
	t.Helper()
	return openWith(t, b, "direct://")
}

func openWith(t *testing.T, b *chromium.Browser, proxy string) *chromium.Tab {
	t.Helper()
	tab, err := b.Open(within(t), chromium.TabOptions{Proxy: proxy})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

func wantUnavailable(t *testing.T, err error, check probe.CheckID, texts ...string) {
	t.Helper()
	var u *chromium.Unavailable
	if !errors.As(err, &u) {
		t.Fatalf("error %v, want that the browser is unavailable", err)
	}
	for _, text := range texts {
		if u.Check != check || !strings.Contains(u.Detail, text) {
			t.Fatalf("%s: %q, want %s with %q", u.Check, u.Detail, check, text)
		}
	}
}

func call(t *testing.T, tab *chromium.Tab, method string, params, result any) {
	t.Helper()
	if err := tab.Conn().Call(within(t), tab.Session(), method, params, result); err != nil {
		t.Fatal(err)
	}
}

// evaluate returns what an expression has as its value, as text; a promise is waited for.
func evaluate(t *testing.T, tab *chromium.Tab, expression string) string {
	t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	call(t, tab, "Runtime.evaluate", map[string]any{"expression": "Promise.resolve((" + expression + ")).then(String)", "awaitPromise": true, "returnByValue": true}, &r)
	text, ok := r.Result.Value.(string)
	if !ok {
		t.Fatalf("evaluating %s: %+v", expression, r)
	}
	return text
}

// visit goes to an address and returns the browser's error text; empty when there is a document.
func visit(t *testing.T, tab *chromium.Tab, address string) string {
	t.Helper()
	var r struct{ ErrorText string }
	call(t, tab, "Page.navigate", map[string]string{"url": address}, &r)
	return r.ErrorText
}

func site(t *testing.T, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !is() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func alive(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(data), ") Z ")
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestBrowser_Open(t *testing.T) {
	b := start(t, settings(t))
	if s := b.State(); s.Running || s.Launches != 0 || s.Name != "" || !s.Sandbox {
		t.Errorf("state %+v before the first visit", s)
	}
	server := site(t, `<title>Shop</title>`)
	first := open(t, b)
	if failed := visit(t, first, server.URL); failed != "" {
		t.Fatal(failed)
	}
	if got := evaluate(t, first, `document.cookie = "seen=1", localStorage.setItem("seen", 1), document.cookie`); got != "seen=1" {
		t.Errorf("cookie %q, want the one that was set", got)
	}
	first.Close()
	first.Close()

	second := open(t, b)
	if first.Context() == second.Context() || second.Context() == "" {
		t.Errorf("contexts %q and %q, want two", first.Context(), second.Context())
	}
	visit(t, second, server.URL)
	if got := evaluate(t, second, `document.cookie + localStorage.getItem("seen")`); got != "null" {
		t.Errorf("%q of another visit is still there", got)
	}
	s := b.State()
	if !s.Running || s.Launches != 1 || s.Visits != 2 || len(s.Failures) != 0 || len(s.Recycles) != 0 {
		t.Errorf("state %+v, want one launch and two visits", s)
	}
	if s.Name != "chromium-headless-shell" || strings.Count(s.Version, ".") != 3 {
		t.Errorf("browser %q, version %q", s.Name, s.Version)
	}
	if want := s.Name + " " + s.Version; second.Browser() != want {
		t.Errorf("the tab is of %q, want %q", second.Browser(), want)
	}
	if s.Memory < 30<<20 || s.Memory > 600<<20 {
		t.Errorf("%d MiB of memory", s.Memory>>20)
	}
	if s.CPU <= 0 || s.CPU > time.Minute {
		t.Errorf("%v of processor time", s.CPU)
	}
}

// A visit that is given up while its tab is being opened leaves nothing behind in the browser.
func TestBrowser_Open_GivenUp(t *testing.T) {
	b := start(t, settings(t))
	tab := open(t, b)
	ctx, cancel := context.WithCancel(within(t))
	stop := tab.Conn().Listen("", func(e cdp.Event) {
		if e.Method == "Target.attachedToTarget" {
			cancel()
		}
	})
	defer stop()
	given, err := b.Open(ctx, chromium.TabOptions{})
	switch {
	case err == nil: // the last answer was on its way already
		given.Close()
	case !errors.Is(err, context.Canceled):
		t.Errorf("error %v, want that of the context", err)
	}
	tab.Close()
	last := open(t, b)
	var all struct{ BrowserContextIDs []string }
	if err := last.Conn().Call(within(t), "", "Target.getBrowserContexts", nil, &all); err != nil {
		t.Fatal(err)
	}
	if want := []string{last.Context()}; !slices.Equal(all.BrowserContextIDs, want) {
		t.Errorf("contexts %q, want %q", all.BrowserContextIDs, want)
	}
}

func TestTab_CPU(t *testing.T) {
	tab := open(t, start(t, settings(t)))
	before := tab.CPU()
	evaluate(t, tab, `(() => { const end = performance.now() + 300; while (performance.now() < end); return 1 })()`)
	busy := tab.CPU() - before
	// A loop of 300 ms by the clock uses less when others use the processor too, and never much more.
	if busy < 20*time.Millisecond || busy > 2*time.Second {
		t.Errorf("a busy page took %v", busy)
	}
	kill(t, tab.Leader())
	<-tab.Conn().Done()
	if after := tab.CPU(); after < before+busy {
		t.Errorf("%v after the end, %v before", after, before+busy)
	}
}

// Two tabs beside each other, each with its own proxy.
func TestTab_Proxy(t *testing.T) {
	b := start(t, settings(t))
	proxy := func(name string) string {
		s := site(t, "<title>"+name+"</title>")
		return strings.TrimPrefix(s.URL, "http://")
	}
	for name, tab := range map[string]*chromium.Tab{"one": openWith(t, b, proxy("one")), "two": openWith(t, b, proxy("two"))} {
		// Neither names nor loopback go past the proxy.
		for _, address := range []string{"http://shop.example/", "http://localhost/", "http://127.0.0.1:81/", "http://[::1]/"} {
			if failed := visit(t, tab, address); failed != "" {
				t.Errorf("%s: %s", address, failed)
				continue
			}
			eventually(t, address+" comes from proxy "+name, func() bool {
				return evaluate(t, tab, "location.href + document.title") == address+name
			})
		}
	}
}

func TestTab_NoProxy(t *testing.T) {
	server := site(t, "")
	tab := openWith(t, start(t, settings(t)), "")
	if failed := visit(t, tab, server.URL); failed != "net::ERR_PROXY_CONNECTION_FAILED" {
		t.Errorf("error %q, want that nothing is reached", failed)
	}
}

func TestTab_Denied(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			w.Header().Set("Content-Disposition", "attachment")
		}
		_, _ = w.Write([]byte("<title>Shop</title>"))
	}))
	defer server.Close()
	tab := open(t, start(t, settings(t)))
	visit(t, tab, server.URL)
	for _, name := range []string{"geolocation", "notifications", "camera", "microphone", "persistent-storage"} {
		got := evaluate(t, tab, `navigator.permissions.query({name: "`+name+`"}).then(p => p.state)`)
		if got != "denied" {
			t.Errorf("permission %s is %q, want denied", name, got)
		}
	}
	if failed := visit(t, tab, server.URL+"/file"); failed != "net::ERR_ABORTED" {
		t.Errorf("download: %q, want that it is aborted", failed)
	}
	downloaded := 0
	err := filepath.WalkDir(tab.Dir(), func(path string, _ os.DirEntry, _ error) error {
		if filepath.Base(path) == "file" {
			downloaded++
		}
		return nil
	})
	if err != nil || downloaded > 0 {
		t.Errorf("%d files downloaded, error %v", downloaded, err)
	}
}
