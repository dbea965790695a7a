package cdp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// launch starts a real browser that keeps sites in processes of their own, and returns a page of it.
func launch(t *testing.T) (*cdp.Conn, cdp.SessionID) {
	t.Helper()
	const binary = "/usr/lib/chromium/chromium-headless-shell"
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: apt-get install -y chromium-headless-shell", err)
	}
	home, err := os.MkdirTemp("", "cdp-test-") //nolint:usetesting // below t.TempDir another user cannot reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	fromAgent, toBrowser := pipe(t)
	fromBrowser, toAgent := pipe(t)
	cmd := exec.Command(binary, "--headless", "--remote-debugging-pipe", "--site-per-process", "--user-data-dir="+home)
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home}
	cmd.ExtraFiles = []*os.File{fromAgent, toAgent}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 { // Chromium refuses its sandbox to root
		const nobody = 65534
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = fromAgent.Close(), toAgent.Close()
	conn := cdp.Open(fromBrowser, toBrowser)
	t.Cleanup(func() {
		_ = conn.Close()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	var page struct{ TargetID string }
	call(t, conn, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &page)
	var attached struct{ SessionID cdp.SessionID }
	call(t, conn, "", "Target.attachToTarget", map[string]any{"targetId": page.TargetID, "flatten": true}, &attached)
	return conn, attached.SessionID
}

func call(t *testing.T, conn *cdp.Conn, session cdp.SessionID, method string, params, result any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := conn.Call(ctx, session, method, params, result); err != nil {
		t.Fatal(err)
	}
}

// traffic is what the browser says of its requests.
type traffic struct {
	mu       sync.Mutex
	urls     map[string]string // path by request
	finished map[string]bool   // by path
}

func (tr *traffic) note(e cdp.Event) {
	var p struct {
		RequestID string
		Request   struct{ URL string }
	}
	if json.Unmarshal(e.Params, &p) != nil {
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch e.Method {
	case "Network.requestWillBeSent":
		if u, err := url.Parse(p.Request.URL); err == nil {
			tr.urls[p.RequestID] = u.Path
		}
	case "Network.loadingFinished":
		tr.finished[tr.urls[p.RequestID]] = true
	}
}

func (tr *traffic) missing(paths []string) (missing []string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, path := range paths {
		if !tr.finished[path] {
			missing = append(missing, path)
		}
	}
	return missing
}

// Frames of other sites, frames in those and workers have sessions of their own: every request that the server sees must be
// heard by who listens to the page.
func TestConn_Follow_Browser(t *testing.T) {
	var served sync.Map
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Store(r.URL.Path, true)
		other := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, `<!doctype html><img src="/a.svg"><iframe src="%s/frame"></iframe>`, other)
		case "/frame":
			fmt.Fprintf(w, `<!doctype html><img src="/b.svg"><iframe src="%s/nested"></iframe><script>new Worker("/worker.js")</script>`, server.URL)
		case "/nested":
			fmt.Fprint(w, `<!doctype html><img src="/c.svg">`)
		case "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `fetch("/data")`)
		default:
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg"/>`)
		}
	}))
	defer server.Close()

	conn, page := launch(t)
	heard := &traffic{urls: make(map[string]string), finished: make(map[string]bool)}
	conn.Listen(page, heard.note)
	kinds := make(chan string, 100)
	call(t, conn, page, "Network.enable", nil, nil)
	err := conn.Follow(t.Context(), page, func(ctx context.Context, child cdp.SessionID, target cdp.TargetInfo) error {
		kinds <- target.Type
		return conn.Call(ctx, child, "Network.enable", nil, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, conn, page, "Page.navigate", map[string]string{"url": server.URL}, nil)

	all := []string{"/", "/a.svg", "/frame", "/b.svg", "/nested", "/c.svg", "/worker.js", "/data"}
	deadline := time.After(patience)
	for len(heard.missing(all)) > 0 {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("not heard: %q", heard.missing(all))
		}
	}
	for _, path := range all {
		if _, ok := served.Load(path); !ok {
			t.Errorf("%s was heard, but not served", path)
		}
	}
	close(kinds)
	count := make(map[string]int)
	for kind := range kinds {
		count[kind]++
	}
	if count["iframe"] != 2 || count["worker"] != 1 {
		t.Errorf("sessions %v below the page, want 2 frames and a worker", count)
	}
}

func TestConn_BrowserIsKilled(t *testing.T) {
	conn, page := launch(t)
	var about struct {
		ProcessInfo []struct {
			ID   int
			Type string
		}
	}
	call(t, conn, "", "SystemInfo.getProcessInfo", nil, &about)
	done := background(func() error {
		return conn.Call(t.Context(), page, "Runtime.evaluate", map[string]any{"expression": "new Promise(() => {})", "awaitPromise": true}, nil)
	})
	for _, p := range about.ProcessInfo {
		if p.Type == "browser" {
			if err := syscall.Kill(p.ID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := wait(t, done); !errors.Is(err, cdp.ErrClosed) {
		t.Errorf("error %v, want that the connection is closed", err)
	}
}
