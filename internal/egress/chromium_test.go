package egress_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// engine returns a real browser, in a directory that its user can enter.
func engine(t *testing.T) *chromium.Browser {
	t.Helper()
	if err := chromium.Installed(""); err != nil {
		t.Fatalf("%v: apt-get install -y chromium-headless-shell", err)
	}
	dir, err := os.MkdirTemp("", "egress-test-") //nolint:usetesting // no other user can enter those
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := chromium.New(probe.Browser{Dir: dir, Concurrency: 1}, slog.New(slog.DiscardHandler))
	t.Cleanup(b.Close)
	return b
}

// visit opens a page through the proxy, and returns the error that the browser gives and what an expression is in it.
func visit(t *testing.T, b *chromium.Browser, p *egress.Proxy, url, expression string) (errorText, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	tab, err := b.Open(ctx, chromium.TabOptions{Proxy: p.Address()})
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	call := func(method string, params, result any) {
		if err := tab.Conn().Call(ctx, tab.Session(), method, params, result); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	}
	call("Security.setIgnoreCertificateErrors", map[string]any{"ignore": true}, nil)
	var navigated struct{ ErrorText string }
	call("Page.navigate", map[string]any{"url": url}, &navigated)
	if expression == "" || navigated.ErrorText != "" {
		return navigated.ErrorText, ""
	}
	var evaluated struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &evaluated)
	if evaluated.ExceptionDetails != nil {
		t.Fatalf("%s: %s", url, evaluated.ExceptionDetails.Exception.Description)
	}
	return "", string(evaluated.Result.Value)
}

// A real browser is as slow as the line, uses HTTP/2 and WebSockets, and tells failures from pages.
func TestChromium(t *testing.T) {
	const trip = 150 * time.Millisecond
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>shop</title><h1>Shop</h1>")
	})
	mux.Handle("/echo", websocket.Server{Handler: func(c *websocket.Conn) { _, _ = io.Copy(c, c) }})
	open80, _ := hostPort(t, plain(t, mux.ServeHTTP).URL)
	open443, _ := hostPort(t, secure(t, mux.ServeHTTP).URL)
	b := engine(t)
	opts := egress.Options{
		Delay: trip, Down: 1_638_400, Up: 750_000,
		Hosts: map[string]string{"shop.test:80": open80, "shop.test:443": open443, "gone.test": "127.0.0.1:1"},
		Block: []string{"*.ads.test"},
	}
	for scheme, want := range map[string]struct {
		trips    time.Duration
		protocol string
	}{"http": {2, "http/1.1"}, "https": {3, "h2"}} {
		t.Run(scheme, func(t *testing.T) {
			fits(t, "first byte", want.trips*trip, func() time.Duration {
				p := open(t, opts)
				defer p.Close()
				_, got := visit(t, b, p, scheme+"://shop.test/", `(() => {
					const n = performance.getEntriesByType("navigation")[0];
					return n.nextHopProtocol + " " + (n.responseStart - n.connectStart)})()`) // a refused certificate comes before
				protocol, start, _ := strings.Cut(strings.Trim(got, `"`), " ")
				var ms float64
				if _, err := fmt.Sscan(start, &ms); err != nil || protocol != want.protocol {
					t.Fatalf("got %q, %v, want protocol %s and a time", got, err, want.protocol)
				}
				return time.Duration(ms * float64(time.Millisecond))
			})
		})
		t.Run(scheme+" WebSocket", func(t *testing.T) {
			p := open(t, opts)
			_, got := visit(t, b, p, scheme+"://shop.test/", `new Promise((answer, fail) => {
				const s = new WebSocket(location.origin.replace("http", "ws") + "/echo");
				s.onopen = () => s.send("hello"); s.onmessage = e => answer(e.data); s.onerror = fail})`)
			if got != `"hello"` {
				t.Errorf("got %s back, want hello", got)
			}
		})
	}
	t.Run("failures", func(t *testing.T) {
		p := open(t, opts)
		for _, test := range []struct {
			url, err string
			reason   probe.Reason
		}{
			{"https://gone.test/", "net::ERR_TUNNEL_CONNECTION_FAILED", probe.ConnectRefused},
			{"http://gone.test/", "net::ERR_EMPTY_RESPONSE", probe.ConnectRefused},
			{"http://169.254.169.254/", "net::ERR_EMPTY_RESPONSE", probe.AddressForbidden},
			{"https://0x7f000001/", "net::ERR_TUNNEL_CONNECTION_FAILED", probe.AddressForbidden},
			{"http://localhost/", "net::ERR_EMPTY_RESPONSE", probe.AddressForbidden},
			{"https://[::ffff:127.0.0.1]/", "net::ERR_TUNNEL_CONNECTION_FAILED", probe.AddressForbidden},
		} {
			got, _ := visit(t, b, p, test.url, "")
			report := p.Report()
			host, port := strings.TrimSuffix(strings.SplitAfterN(test.url, "//", 2)[1], "/"), uint16(80)
			if strings.HasPrefix(test.url, "https") {
				port = 443
			}
			if reason, detail := report.Failure(host, port); got != test.err || reason != test.reason {
				t.Errorf("%s: got %s and %q (%s), want %s and %q", test.url, got, reason, detail, test.err, test.reason)
			}
		}
	})
	t.Run("blocked", func(t *testing.T) {
		p := open(t, opts)
		if got, _ := visit(t, b, p, "https://x.ads.test/", ""); got != "net::ERR_TUNNEL_CONNECTION_FAILED" {
			t.Errorf("got %q, want a refused tunnel", got)
		}
		if got, title := visit(t, b, p, "http://x.ads.test/", "document.title"); got != "" || title == `"shop"` {
			t.Errorf("got %q and the title %s, want an empty answer", got, title)
		}
		report := p.Report()
		if report.Blocked < 2 || len(report.Conns) > 0 || slices.ContainsFunc(report.Refused, func(r egress.Refusal) bool { return strings.HasSuffix(r.Host, "ads.test") }) {
			t.Errorf("got %+v, want two blocked and no connection", report)
		}
	})
}
