package rum_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// get asks for the script.
func (s *server) get(method string, headers ...string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+"/v1/vitals.js", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestScript_IsServedToEveryPage(t *testing.T) {
	s := serve(t, options())
	response, body := s.do(s.get(http.MethodGet, "Origin", "https://anywhere.example"))
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*",
		"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "public, max-age=86400", "Vary": "Accept-Encoding",
		"Content-Encoding": "", "Set-Cookie": "",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if response.StatusCode != http.StatusOK {
		t.Errorf("answer %d, want 200", response.StatusCode)
	}
	if !strings.HasSuffix(body, "(webVitals, 0.5);\n})();\n") {
		t.Errorf("the script ends with %q, want the share of page views that it measures", body[max(0, len(body)-60):])
	}
	if strings.Contains(body, "sourceMappingURL") {
		t.Error("the script names a source map that is not served")
	}
	if !strings.HasPrefix(body, "/*!") || !strings.Contains(body[:120], "Apache-2.0") {
		t.Errorf("the script begins with %.120q, want the licence of what it contains", body)
	}
	for _, never := range []string{"document.cookie", "localStorage", "sessionStorage", "indexedDB", "location.search", "location.hash", "location.href"} {
		if strings.Contains(body, never) {
			t.Errorf("the script uses %s", never)
		}
	}
	if len(body) > 12<<10 {
		t.Errorf("the script has %d bytes, want at most 12 KiB", len(body))
	}
}

func TestScript_Answers(t *testing.T) {
	s := serve(t, options())
	plain, body := s.do(s.get(http.MethodGet))
	etag := plain.Header.Get("ETag")
	for _, test := range []struct {
		name   string
		r      *http.Request
		code   int
		coding string
		empty  bool
	}{
		{"head", s.get(http.MethodHead), 200, "", true},
		{"compressed", s.get(http.MethodGet, "Accept-Encoding", "br, gzip, deflate"), 200, "gzip", false},
		{"gzip with a weight", s.get(http.MethodGet, "Accept-Encoding", "gzip;q=0"), 200, "", false},
		{"known", s.get(http.MethodGet, "If-None-Match", etag), 304, "", true},
		{"known to a proxy that compresses", s.get(http.MethodGet, "If-None-Match", `"x", W/`+etag), 304, "", true},
		{"known in another version", s.get(http.MethodGet, "If-None-Match", `"x"`), 200, "", false},
		{"posted", s.get(http.MethodPost), 405, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, got := s.do(test.r)
			if response.StatusCode != test.code || response.Header.Get("Content-Encoding") != test.coding || (got == "") != test.empty {
				t.Errorf("answer %d of %d bytes in %q", response.StatusCode, len(got), response.Header.Get("Content-Encoding"))
			}
			if test.coding != "" {
				unpacked, err := gzip.NewReader(strings.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				if content, err := io.ReadAll(unpacked); err != nil || string(content) != body {
					t.Errorf("it unpacks to %d bytes, %v, want the same as without", len(content), err)
				}
			}
			if test.code == 405 && response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", response.Header.Get("Allow"))
			}
		})
	}
}

func TestScript_ChangesWithTheShare(t *testing.T) {
	opts := options()
	first, _ := serve(t, opts).do(serve(t, opts).get(http.MethodGet))
	opts.Sample = 1
	all := serve(t, opts)
	second, body := all.do(all.get(http.MethodGet))
	if first.Header.Get("ETag") == second.Header.Get("ETag") {
		t.Error("scripts with another share of page views have the same ETag")
	}
	if !strings.Contains(body, "(webVitals, 1);") {
		t.Error("the script does not measure every page view")
	}
}

func TestScript_LibraryIsAsPublished(t *testing.T) {
	const folder = "assets/vendor/web-vitals/"
	library, err := os.ReadFile(folder + "web-vitals.iife.js")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(folder + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(library)
	if !strings.Contains(string(readme), hex.EncodeToString(sum[:])) {
		t.Errorf("the library's SHA-256 is %x, which %sREADME.md does not name", sum, folder)
	}
	licence, err := os.ReadFile(folder + "LICENSE")
	if err != nil || !strings.Contains(string(licence), "Apache License") {
		t.Errorf("no licence beside the library: %v", err)
	}
}
