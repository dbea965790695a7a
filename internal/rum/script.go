package rum

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the script's parts
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

//go:embed assets/vendor/web-vitals/web-vitals.iife.js
var webVitals string

//go:embed assets/vitals.js
var vitalsScript string

// script is what pages load, ready to be sent.
type script struct {
	plain, gzip []byte
	etag        string
}

// newScript puts together the script that measures a share of all page views. It leaves no name in the page's scope.
func newScript(sample float64) (*script, error) {
	library, _, _ := strings.Cut(webVitals, "\n//# sourceMappingURL=")
	plain := "/*! with web-vitals, https://github.com/GoogleChrome/web-vitals, Copyright Google LLC, Apache-2.0 */\n" +
		"(() => {\n" + library + "\n" + strings.TrimRight(vitalsScript, "\n;") +
		"(webVitals, " + strconv.FormatFloat(sample, 'g', -1, 64) + ");\n})();\n"
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(plain))
	return &script{[]byte(plain), packed.Bytes(), `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// ServeHTTP sends the script. Every page may load it, also with integrity checks or cross-origin isolation, which ask for
// the two cross-origin headers. A browser keeps it for a day: that is how long another share of page views takes to be in
// force everywhere.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "want GET")
		return
	}
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Cache-Control", "public, max-age=86400")
	header.Set("Vary", "Accept-Encoding")
	header.Set("Etag", s.etag)
	if strings.Contains(r.Header.Get("If-None-Match"), s.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	body := s.plain
	if takesGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = s.gzip
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the reader may have gone
}

// takesGzip reports whether a reader takes gzip. Whoever gives it a weight gets the script as it is.
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(coding) == "gzip" {
			return true
		}
	}
	return false
}
