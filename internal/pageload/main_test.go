package pageload_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// browser is the one browser of all tests here: each opens tabs of its own.
var browser *chromium.Browser

func TestMain(m *testing.M) {
	browser = chromium.New(probe.Browser{
		Concurrency: 1, Idle: time.Minute, MaxRuns: 1000, MaxAge: time.Hour, MaxMemory: 4 << 30,
	}, slog.New(slog.DiscardHandler))
	code := m.Run()
	browser.Close()
	os.Exit(code)
}

// visitTime bounds a test that loads a page. It is far beyond what any of them takes.
const visitTime = 60 * time.Second

func visitContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), visitTime)
	t.Cleanup(cancel)
	return ctx
}

// open opens a page that reaches the given servers by their names, and nothing else.
func open(t *testing.T, names map[string]*httptest.Server, options pageload.Options) (*pageload.Page, *chromium.Tab) {
	t.Helper()
	tab, err := browser.Open(visitContext(t), chromium.TabOptions{Proxy: proxy(t, names)})
	if err != nil {
		t.Fatalf("%v; a browser is installed by apt-get install -y chromium-headless-shell", err)
	}
	t.Cleanup(tab.Close)
	page, err := pageload.Open(visitContext(t), tab, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(page.Close)
	return page, tab
}

// quick settles soon after nothing is under way: for tests that do not wait for what comes late. On a busy machine pages
// take their time from one thing to the next.
func quick() pageload.Options {
	return pageload.Options{Quiet: 600 * time.Millisecond, Least: 200 * time.Millisecond, Product: "Channelwatch/test"}
}

// load loads an address and returns what was measured. What the page got instead of a document is not an error here.
func load(t *testing.T, page *pageload.Page, address string) *pageload.Load {
	t.Helper()
	ctx := visitContext(t)
	if err := page.Goto(ctx, address); err == nil && !page.Settle(ctx) {
		t.Errorf("%s did not settle", address)
	}
	return read(t, page)
}

func read(t *testing.T, page *pageload.Page) *pageload.Load {
	t.Helper()
	l, err := page.Read(visitContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// proxy serves a forward proxy that knows names of hosts, such as shop.example, and returns its address.
func proxy(t *testing.T, names map[string]*httptest.Server) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, ok := names[r.URL.Hostname()]
		if r.Method == http.MethodConnect {
			target, ok = names[strings.Split(r.Host, ":")[0]]
		}
		switch {
		case !ok && r.URL.Hostname() == "127.0.0.1":
			forward(w, r, r.URL.Host)
		case !ok:
			hangUp(w)
		case r.Method == http.MethodConnect:
			tunnel(w, target.Listener.Addr().String())
		default:
			forward(w, r, target.Listener.Addr().String())
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	return server.Listener.Addr().String()
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func tunnel(w http.ResponseWriter, address string) {
	up, err := net.Dial("tcp", address)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = up.Close() }()
	down, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = down.Close() }()
	_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(up, down)
		_ = up.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(down, up)
}

// forward passes a plain request on as it is.
func forward(w http.ResponseWriter, r *http.Request, address string) {
	request := r.Clone(r.Context())
	request.RequestURI = ""
	request.URL = &url.URL{Scheme: "http", Host: address, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	request.Host = r.Host
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		hangUp(w)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	buffer := make([]byte, 32<<10)
	for {
		n, err := answer.Body.Read(buffer)
		_, _ = w.Write(buffer[:n])
		_ = http.NewResponseController(w).Flush()
		if err != nil {
			return
		}
	}
}
