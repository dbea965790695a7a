package httpx_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"runtime"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// share returns a client of common that gets along with its options.
func share(tb testing.TB, common *httpx.Common, opts httpx.Options) *httpx.Client {
	tb.Helper()
	client, err := common.New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

func TestCommon_KeepsOptionsApart(t *testing.T) {
	t.Parallel()
	addr := listen(t, answer("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 3\r\n\r\nfar"))
	var common httpx.Common
	for _, tt := range []struct {
		name   string
		opts   httpx.Options
		reason probe.Reason
	}{
		{"follows", httpx.Options{MaxRedirects: 1}, probe.RedirectLimit},
		{"does not follow", httpx.Options{}, ""},
		{"does not follow either", httpx.Options{}, ""},
		{"follows with a header", httpx.Options{MaxRedirects: 1, Header: http.Header{"X-A": {"1"}}}, probe.RedirectLimit},
		{"reads less", httpx.Options{BodyLimit: 2}, probe.BodyTooLarge},
		{"follows, too", httpx.Options{MaxRedirects: 1}, probe.RedirectLimit},
	} {
		resp := do(t, share(t, &common, tt.opts), &httpx.Request{URL: "http://" + addr})
		if resp.Reason != tt.reason {
			t.Errorf("%s: got reason %q (%s), want %q", tt.name, resp.Reason, resp.Detail, tt.reason)
		}
	}
}

// A mistake must not stay when it is corrected, nor be taken for right after a client without it.
func TestCommon_RefusesMistakesEachTime(t *testing.T) {
	t.Parallel()
	var common httpx.Common
	for _, resolver := range []string{"nowhere", "127.0.0.1:53", "nowhere"} {
		if _, err := common.New(httpx.Options{Resolver: resolver}); (err != nil) != (resolver == "nowhere") {
			t.Errorf("resolver %q: got error %v", resolver, err)
		}
	}
}

func TestCommon_ReadsChangedFiles(t *testing.T) {
	t.Parallel()
	var none *authority
	old, renewed := none.issue(t, ca(template("Old"))), none.issue(t, ca(template("Renewed")))
	leaf := renewed.issue(t, template("shop", "127.0.0.1"))
	addr := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf.with()}}, hello)
	var common httpx.Common
	opts := httpx.Options{TLS: httpx.TLSOptions{CAFile: old.file(t)}}
	if resp := do(t, share(t, &common, opts), &httpx.Request{URL: "https://" + addr}); resp.Reason != probe.TLSUntrusted && resp.Reason != probe.TLSIncompleteChain {
		t.Fatalf("got reason %q (%s), want one about trust", resp.Reason, resp.Detail)
	}
	content, err := os.ReadFile(renewed.file(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(opts.TLS.CAFile, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if resp := do(t, share(t, &common, opts), &httpx.Request{URL: "https://" + addr}); resp.Reason != "" {
		t.Errorf("with the renewed authority: got reason %q (%s), want none", resp.Reason, resp.Detail)
	}
}

// A client of its own keeps several kilobytes. Not parallel: what others allocate would count.
func TestCommon_SharesWhatIsEqual(t *testing.T) {
	const clients, most = 1000, 200
	var common httpx.Common
	kept := make([]*httpx.Client, 0, clients)
	before := live()
	for range clients {
		kept = append(kept, share(t, &common, httpx.Options{
			Header: http.Header{"Accept-Language": {"en"}, "X-A": {"1"}}, MaxRedirects: 10, AllowedHosts: []string{"shop.example"},
			Protocols: []string{httpx.HTTP1}, TLS: httpx.TLSOptions{MinVersion: tls.VersionTLS13},
		}))
	}
	if each := (live() - before) / clients; each > most {
		t.Errorf("a client with equal options keeps %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(kept)
}

// live returns the bytes that are in use.
func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
