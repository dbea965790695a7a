package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/web"
)

// packed asks for something as a browser does and returns it as it came over the wire, and unpacked.
func packed(t *testing.T, url string) (response *http.Response, wire int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	response, raw := do(t, r)
	if response.Header.Get("Content-Encoding") != "gzip" {
		return response, len(raw), raw
	}
	unpacked, err := gzip.NewReader(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return response, len(raw), string(plain)
}

// files returns the addresses of what a page loads.
func files(t *testing.T, page, body string) []string {
	t.Helper()
	var out []string
	doc := parse(t, body)
	for _, n := range append(find(doc, "link"), find(doc, "script")...) {
		if href := attr(n, "href") + attr(n, "src"); href != "" {
			base := page[:strings.LastIndexByte(page, '/')+1]
			for strings.HasPrefix(href, "../") {
				href, base = href[3:], base[:strings.LastIndexByte(base[:len(base)-1], '/')+1]
			}
			out = append(out, base+strings.TrimPrefix(href, "./"))
		}
	}
	return out
}

// TestPages_AreLight adds up what a browser loads for a page of an agent with 60 channels.
func TestPages_AreLight(t *testing.T) {
	const most = 150 << 10
	base := serve(t, &source{channels: channels()}, withViews(fleet(60)), func(o *web.Options) { o.Updates = func() uint64 { return 0 } })
	for _, path := range []string{"/", "/?range=28d&for=it", "/channels/channel-1", "/touchpoints/channel-1/home", "/incidents", "/wall"} {
		response, total, body := packed(t, base+path)
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %d, encoded %q, want 200 and gzip", path, response.StatusCode, response.Header.Get("Content-Encoding"))
		}
		for _, file := range files(t, base+path, body) {
			response, size, _ := packed(t, file)
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s loads %s: %d", path, file, response.StatusCode)
			}
			total += size
		}
		t.Logf("%s: %d bytes over the wire", path, total)
		if total > most {
			t.Errorf("%s: %d bytes over the wire, want at most %d", path, total, most)
		}
	}
}

func TestAssets_AreKept(t *testing.T) {
	base := serve(t, &source{})
	_, _, body := packed(t, base+"/")
	for _, url := range files(t, base+"/", body) {
		fresh, _, content := packed(t, url)
		if got := fresh.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", url, got)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("If-None-Match", fresh.Header.Get("ETag"))
		if again, rest := do(t, r); again.StatusCode != http.StatusNotModified || rest != "" {
			t.Errorf("%s again: %d with %d bytes, want 304", url, again.StatusCode, len(rest))
		}
		r.Header = http.Header{"Accept-Encoding": {"gzip;q=0, identity"}}
		if plain, rest := do(t, r); plain.Header.Get("Content-Encoding") != "" || !bytes.Equal([]byte(rest), []byte(content)) {
			t.Errorf("%s for a reader without gzip: encoded %q, %d bytes, want %d plain ones", url, plain.Header.Get("Content-Encoding"), len(rest), len(content))
		}
	}
}

// TestAssets_OfAnotherVersion are asked for by a page that was open while the agent was replaced.
func TestAssets_OfAnotherVersion(t *testing.T) {
	base := serve(t, &source{})
	response, _, _ := packed(t, base+"/assets/0123/style.css")
	if response.StatusCode != http.StatusOK || response.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%d, Cache-Control %q, want 200 and no-cache", response.StatusCode, response.Header.Get("Cache-Control"))
	}
	for _, path := range []string{"/assets/0/none.css", "/assets/0/..%2fpages%2flayout.html", "/assets/0/layout.html"} {
		if response, _, _ := packed(t, base+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, response.StatusCode)
		}
	}
}

// TestAssets_CarryTheirLicence serves the licence of what others wrote beside it.
func TestAssets_CarryTheirLicence(t *testing.T) {
	_, _, licence := packed(t, serve(t, &source{})+"/assets/0/LICENSE")
	if !strings.Contains(licence, "MIT License") || !strings.Contains(licence, "Leon Sorokin") {
		t.Errorf("the licence of uPlot reads %q", licence)
	}
}
