package browser_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// bad is a page that misbehaves in one way.
type bad struct {
	name    string
	handler http.HandlerFunc
	change  func(*browser.Config)
	reason  probe.Reason
	detail  string // part of it, or of what was found
	timeout time.Duration
}

// badPages returns the pages of the table, which all servers but the last ones are for.
func badPages() []bad {
	script := func(code string) http.HandlerFunc {
		return html("<title>Bad</title><h1>Shop</h1><script>" + code + "</script>")
	}
	return []bad{
		{"an endless loop", looping, nil, "page_hung", "stopped answering", 10 * time.Second},
		{"an endless loop at once", script("for (;;);"), nil, "page_hung", "stopped answering", 10 * time.Second},
		{
			"a click that ends in a loop", html("<title>Bad</title><h1>Shop</h1><button id=go>Go</button><script>go.onclick = () => { for (;;); }</script>"),
			func(c *browser.Config) { c.Steps = []browser.Step{{Click: "#go"}} }, "page_hung", "stopped answering", 12 * time.Second,
		},
		{"alert", script("alert('hello')"), nil, "", "dialog_boxes: 1 dialog boxes, want none", 0},
		{"alert without end", script("setInterval(alert, 1)"), nil, "", "dialog_boxes_many: ", 20 * time.Second},
		{"confirm, over and over", script("for (let i = 0; i < 5; i++) confirm('sure?')"), nil, "", "dialog_boxes_many: 5 dialog boxes", 0},
		{
			"out of memory", script("const all = []; for (;;) all.push(new Array(4e6).fill(0.5))"), nil,
			"page_crashed", "crashed", 50 * time.Second,
		},
		{
			"too many bytes", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					html("<h1>Shop</h1><script>fetch('/huge').then(r => r.blob())</script>")(w, r)
					return
				}
				_, _ = io.CopyN(w, zeros{}, 60<<20)
			}, nil, "page_too_large", "bytes, want at most 52428800", 0,
		},
		{
			"3,000 requests", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					html("<h1>Shop</h1><script>for (let i = 0; i < 3000; i++) fetch('/' + i)</script>")(w, r)
				}
			}, nil, "page_too_large", "2000", 50 * time.Second,
		},
		{
			"a redirect loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, nil,
			probe.RedirectLoop, "ERR_TOO_MANY_REDIRECTS", 0,
		},
		{
			"a download", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Disposition", "attachment; filename=a.zip")
				w.Header().Set("Content-Type", "application/zip")
				_, _ = io.WriteString(w, "PK")
			}, nil, "page_download", "is a download", 0,
		},
		{
			"an error", func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				html("<h1>Internal Server Error</h1>")(w, r)
			}, nil, "status_unexpected", "status 500, want 2xx", 0,
		},
		{
			"an error without content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, nil,
			"status_unexpected", "status 404, want 2xx", 0,
		},
		{"an empty page", html(""), nil, "nothing_painted", "nothing was painted", 0},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, nil, "nothing_painted", "", 0},
		{
			"metadata", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
			}, nil, probe.AddressForbidden, "169.254.169.254", 0,
		},
		{
			"a file", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
			}, nil,
			probe.RedirectMalformed, "ERR_UNSAFE_REDIRECT", 0,
		},
		{
			"loopback without leave", html("<h1>Shop</h1>"), func(c *browser.Config) { c.AllowPrivate = false },
			probe.AddressForbidden, "allow_private", 0,
		},
		{
			"a body that stops", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, "<html><head><script src=/never></script>")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}, nil, "nothing_painted", "nothing was painted", 10 * time.Second,
		},
		{
			"a hanging server", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil,
			probe.ResponseTimeout, "no answer", 10 * time.Second,
		},
		{
			"hangs up", func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_ = conn.Close()
				}
			}, nil, probe.ConnectionClosed, "ERR_EMPTY_RESPONSE", 0,
		},
	}
}

// looping answers with a page that loops a while after it was shown. What it asks for stays open, so that it is not at rest
// before, however late a busy machine begins the loop.
func looping(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		html("<title>Bad</title><h1>Shop</h1><script>fetch('/open').then(() => setTimeout(() => { for (;;); }, 300))</script>")(w, r)
		return
	}
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestProbe_BadPages visits page after page with one browser: each has exactly one reason, in time, and the browser is
// good for the next one.
func TestProbe_BadPages(t *testing.T) {
	kind := browser.QuickKind()
	keep, err := kind.Build(local("http://127.0.0.1:1/", nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	fine := local(serve(t, html("<title>Fine</title><h1>Shoes</h1>"))+"/", nil)
	t.Run("all", func(t *testing.T) { visitBadPages(t, kind) })
	flooded := local(serve(t, html("<title>Bad</title><h1>Shop</h1><script>setTimeout(() => console.log('x'.repeat(7e7)), 300)</script>"))+"/", nil)
	if result := run(t, kind, flooded); result.Reason != "" {
		t.Errorf("a page that floods its console has the reason %q: %s", result.Reason, result.Detail)
	}
	result := run(t, kind, fine)
	if result.Reason != "" {
		t.Errorf("afterwards a fine page has the reason %q: %s", result.Reason, result.Detail)
	}
	for _, reading := range kind.State() {
		if reading.Metric == "browser_failures_total" && reading.Value != 0 {
			t.Errorf("got %v, want no browser lost to a page", reading)
		}
	}
}

func visitBadPages(t *testing.T, kind probe.Kind) {
	t.Helper()
	for _, tt := range badPages() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := local(serve(t, tt.handler)+"/", tt.change)
			within := tt.timeout
			if within == 0 {
				within = time.Minute
			}
			start := time.Now()
			result := runWithin(t, kind, c, within)
			if took := time.Since(start); took > within+5*time.Second {
				t.Errorf("came back after %v, want it at most 5 s after %v", took, within)
			}
			if got := findings(&result); result.Reason != tt.reason || !strings.Contains(got, tt.detail) {
				t.Errorf("got reason %q (%s) and findings %q, want %q: …%s…", result.Reason, result.Detail, got, tt.reason, tt.detail)
			}
			checkFailed(t, &result)
			visits := result.Evidence.Visits
			if tt.reason == "status_unexpected" && (len(visits) != 1 || visits[0].Screenshot == nil) {
				t.Errorf("got visits %+v, want one with a picture of the error", visits)
			}
		})
	}
}

// checkFailed checks that a page that failed has no figures, and phases that add up.
func checkFailed(t *testing.T, result *probe.Result) {
	t.Helper()
	if result.Reason == "" {
		return
	}
	if len(result.Measurements) > 0 || len(result.Findings) > 0 {
		t.Errorf("got measurements %v and findings %v, want none: the page failed", result.Measurements, result.Findings)
	}
	for _, visit := range result.Evidence.Visits {
		if visit.Vitals != nil {
			t.Errorf("got vitals %v, want none", visit.Vitals)
		}
	}
	if sum := result.Phases.Sum(); result.Duration <= 0 || sum != result.Duration {
		t.Errorf("got duration %v and phases that add up to %v, want the same", result.Duration, sum)
	}
}

// runWithin probes once with a timeout.
func runWithin(t *testing.T, kind probe.Kind, c *browser.Config, timeout time.Duration) probe.Result {
	t.Helper()
	built, err := kind.Build(c, setup())
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestProbe_ReloadsItself watches the page for as long as pages are in earnest: between two of its loads it is at rest for a
// moment.
func TestProbe_ReloadsItself(t *testing.T) {
	url := serve(t, html("<title>Bad</title><h1>Shop</h1><script>setTimeout(() => location.reload(), 200)</script>"))
	result := runWithin(t, browser.PatientKind(), local(url+"/", nil), 12*time.Second)
	if result.Reason != probe.RedirectLoop || !strings.Contains(result.Detail, "the page sent itself on") {
		t.Errorf("got reason %q: %s, want %q", result.Reason, result.Detail, probe.RedirectLoop)
	}
	checkFailed(t, &result)
}

func TestProbe_BadCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(html("<h1>Shop</h1>"))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // browsers that hang up on a bad certificate are expected
	server.StartTLS()
	defer server.Close()
	result := run(t, browser.QuickKind(), local(server.URL, nil))
	if result.Reason != probe.TLSUntrusted || !strings.Contains(result.Detail, "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("got reason %q: %s, want %q", result.Reason, result.Detail, probe.TLSUntrusted)
	}
	checkFailed(t, &result)
}

// TestProbe_Names looks at what the network says of names and ports.
func TestProbe_Names(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	dns, err := net.ListenPacket("udp", "127.0.0.1:0") // takes questions and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dns.Close() })
	kind := browser.QuickKind()
	for name, tt := range map[string]struct {
		url    string
		reason probe.Reason
	}{
		"closed port":           {fmt.Sprintf("http://localhost:%d/", closed), probe.ConnectRefused},
		"closed port with TLS":  {fmt.Sprintf("https://localhost:%d/", closed), probe.ConnectRefused},
		"a resolver that hangs": {"http://shop.example/", probe.DNSTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			result := runWithin(t, kind, local(tt.url, func(c *browser.Config) { c.Resolver = dns.LocalAddr().String() }), 8*time.Second)
			if result.Reason != tt.reason {
				t.Errorf("got reason %q: %s, want %q", result.Reason, result.Detail, tt.reason)
			}
			checkFailed(t, &result)
		})
	}
}
