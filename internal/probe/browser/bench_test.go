package browser_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// Parts of the page that visits are measured with: 71 requests, 23 of them for scripts, and 3 frames of other sites; 2 MB in all.
const (
	benchScripts  = 20
	benchPictures = 40
	benchFrames   = 3 // with a script and a picture each
)

// heavyPage is that page.
func heavyPage(port *int) http.HandlerFunc {
	noise := make([]byte, 34_000)
	_, _ = rand.Read(noise) // never fails
	script := fmt.Sprintf("{let s = 0; for (let i = 0; i < 1e5; i++) s += i; window.sum = s}/*%s*/", strings.Repeat("x", 20_000))
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			var page strings.Builder
			page.WriteString("<title>Shop</title><link rel=stylesheet href=/style.css><h1>Shoes</h1>")
			for i := range benchScripts {
				_, _ = fmt.Fprintf(&page, "<script defer src=/%d.js></script>", i)
			}
			for i := range benchPictures {
				_, _ = fmt.Fprintf(&page, "<img width=60 height=40 src=/%d.bmp>", i)
			}
			for i := range benchFrames {
				_, _ = fmt.Fprintf(&page, "<iframe src=http://ads%d.localhost:%d/frame></iframe>", i, *port)
			}
			html(page.String())(w, r)
		case r.URL.Path == "/frame":
			html("<body>Ad<script src=/tag.js></script><img src=/pixel.bmp>")(w, r)
		case strings.HasSuffix(r.URL.Path, ".js"):
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(script))
		case strings.HasSuffix(r.URL.Path, ".css"):
			w.Header().Set("Content-Type", "text/css")
			_, _ = w.Write([]byte("body{font-family:sans-serif}"))
		default:
			w.Header().Set("Content-Type", "image/bmp")
			_, _ = w.Write(bitmap(noise))
		}
	}
}

// bitmap returns a picture of 24 bit that is as large as its noise.
func bitmap(noise []byte) []byte {
	const width, header = 100, 54
	height := len(noise) / (3 * width)
	picture := make([]byte, header, header+len(noise))
	copy(picture, "BM")
	put := func(at int, n int) {
		for i := range 4 {
			picture[at+i] = byte(n >> (8 * i))
		}
	}
	put(2, header+len(noise))
	put(10, header)
	put(14, 40)
	put(18, width)
	put(22, height)
	picture[26], picture[28] = 1, 24
	return append(picture, noise...)
}

// BenchmarkVisit prints what a visit of a page of 2 MB and 70 requests costs: processor time of the browser and of the
// agent, which here holds the server, too, and the memory of the browser in the end. Memory after 100 visits:
//
//	go test -run '^$' -bench Visit -benchtime 100x ./internal/probe/browser
func BenchmarkVisit(b *testing.B) {
	var port int
	port, _ = serveSites(b, func(w http.ResponseWriter, r *http.Request) { heavyPage(&port)(w, r) })
	kind := browser.PatientKind()
	s := setup()
	s.Browser.MaxRuns = 1_000_000
	built, err := kind.Build(local(fmt.Sprintf("http://shop.localhost:%d/", port), nil), s)
	if err != nil {
		b.Fatal(err)
	}
	defer built.Close()
	visit := func() probe.Result {
		result, err := built.Prober.Probe(b.Context())
		if err != nil || result.Reason != "" {
			b.Fatalf("got error %v and reason %q: %s", err, result.Reason, result.Detail)
		}
		return result
	}
	weight := visit() // starts the browser
	var browsers, painted, runs float64
	own := ownTime(b)
	for b.Loop() {
		result := visit()
		browsers += measured(&result, "visit_cpu_seconds", "")
		painted += result.Duration.Seconds()
		runs++
	}
	own = ownTime(b) - own
	b.ReportMetric(browsers/runs, "browser-cpu-s/visit")
	b.ReportMetric(own.Seconds()/runs, "agent-cpu-s/visit")
	b.ReportMetric(painted/runs, "lcp-s")
	b.ReportMetric(measured(&weight, "page_party_requests", "first")+measured(&weight, "page_party_requests", "third"), "requests")
	b.ReportMetric((measured(&weight, "page_party_bytes", "first")+measured(&weight, "page_party_bytes", "third"))/1e6, "MB")
	for _, reading := range kind.State() {
		if reading.Metric == "browser_memory_bytes" {
			b.ReportMetric(reading.Value/(1<<20), "browser-MiB")
		}
	}
}

// ownTime returns the processor time of this process so far.
func ownTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
