package rum

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const fullBeacon = `{"v":1,"path":"/p/garden-chair-4711","device":"mobile","rate":1,"values":{"ttfb":312,"fcp":1204,"lcp":2388,"inp":96,"cls":0.0421}}`

// nowhere is where an answer goes to.
type nowhere struct {
	header http.Header
	code   int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(code int)        { n.code = code }

// BenchmarkBeacon measures what a beacon costs beside net/http.
func BenchmarkBeacon(b *testing.B) {
	for _, bench := range []struct {
		name  string
		body  string
		spoil func(*http.Request)
		code  int
	}{
		{"accepted", fullBeacon, func(*http.Request) {}, http.StatusNoContent},
		{"wrong origin", fullBeacon, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		{"malformed", strings.Replace(fullBeacon, `"v":1`, `"v":2`, 1), func(*http.Request) {}, http.StatusBadRequest},
		{"too large", strings.Repeat(" ", 1<<20), func(*http.Request) {}, http.StatusRequestEntityTooLarge},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s, body := testServer(b), strings.NewReader(bench.body)
			r := testRequest(b, bench.body)
			bench.spoil(r)
			w := &nowhere{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(bench.body)
				r.Body = io.NopCloser(body)
				clear(w.header)
				s.ServeHTTP(w, r)
			}
			if w.code != bench.code {
				b.Errorf("answer %d, want %d", w.code, bench.code)
			}
		})
	}
}

// BenchmarkBeacon_TooOften measures a flood from one network.
func BenchmarkBeacon_TooOften(b *testing.B) {
	s := testServer(b)
	now := s.now()
	s.now = func() time.Time { return now }
	r := testRequest(b, fullBeacon)
	w := &nowhere{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
}

// BenchmarkReadings reads a server on which every place is filled.
func BenchmarkReadings(b *testing.B) {
	s := testServer(b)
	fill(b, s)
	b.ReportAllocs()
	for b.Loop() {
		s.Readings()
	}
}
