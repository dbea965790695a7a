package browser_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// counting counts the bytes that a server sends.
type counting struct {
	net.Listener

	sent *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countingConn{conn, l.sent}, err
}

type countingConn struct {
	net.Conn

	sent *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// serveSites starts a server that counts what it sends, and returns its port: all names below localhost lead to it.
func serveSites(tb testing.TB, handler http.HandlerFunc) (port int, sent *atomic.Int64) {
	tb.Helper()
	sent = new(atomic.Int64)
	server := httptest.NewUnstartedServer(handler)
	server.Listener = counting{server.Listener, sent}
	server.Start()
	tb.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port, sent
}

// busyShop is a page of a shop with an ad in a frame of another site, which loads something of a third, and a hero image.
func busyShop(port *int) http.HandlerFunc {
	at := func(site, path string) string { return fmt.Sprintf("http://%s.localhost:%d%s", site, *port, path) }
	return func(w http.ResponseWriter, r *http.Request) {
		site, _, _ := strings.Cut(r.Host, ".")
		switch site + r.URL.Path {
		case "shop/":
			html(`<title>Shop</title><h1>Shoes</h1><style>body{margin:0}#banner{height:0}#banner.late{height:200px}</style>
				<div id=banner></div><img id=hero src=/hero.svg?w=9 width=600 height=400>
				<p id=below>Below the banner: a text that is pushed down when the banner comes, late as it is.</p>
				<iframe src="`+at("ads", "/frame")+`" width=300 height=200></iframe><img src=/missing.png><script src=/app.js></script>
				<script>setTimeout(() => document.querySelector('#banner').className = 'late', 1500)</script>`)(w, r)
		case "shop/hero.svg":
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><rect width="600" height="400" fill="red"/>`+
				strings.Repeat(" ", 100_000)+`</svg>`)
		case "shop/app.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = fmt.Fprint(w, "console.warn('careful'); null.boom;")
		case "shop/missing.png":
			http.NotFound(w, r)
		case "ads/frame":
			http.SetCookie(w, &http.Cookie{Name: "track", Value: "you", Secure: true, SameSite: http.SameSiteNoneMode})
			html(`<body>Ad`+strings.Repeat(" ", 50_000)+`<script src="`+at("tags", "/tag.js")+`"></script>`)(w, r)
		case "tags/tag.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = fmt.Fprint(w, strings.Repeat(" ", 30_000))
		}
	}
}

func TestProbe_BusyPage(t *testing.T) {
	var port int
	port, sent := serveSites(t, func(w http.ResponseWriter, r *http.Request) { busyShop(&port)(w, r) })
	kind := browser.PatientKind()
	result := run(t, kind, local(fmt.Sprintf("http://shop.localhost:%d/", port), func(c *browser.Config) {
		c.ApprovedDomains = []string{"tags.localhost"}
		c.Budget = browser.Budget{Bytes: new(int64(100_000)), Requests: new(6), ThirdPartySites: new(2), JSErrors: new(0)}
	}))
	if result.Reason != "" {
		t.Fatalf("got reason %q: %s", result.Reason, result.Detail)
	}
	got := map[probe.CheckID]string{}
	for _, finding := range result.Findings {
		got[finding.Check] = strings.ReplaceAll(finding.Detail, fmt.Sprint(port), "PORT")
	}
	var at time.Duration // a busy machine may be late with it
	if _, moved, _ := strings.Cut(got["layout_shift_slight"], "moved at "); moved != "" {
		at, _ = time.ParseDuration(strings.Fields(moved)[0])
	}
	if at < 1500*time.Millisecond || at > 20*time.Second {
		t.Errorf("got a shift at %v, want one after 1.5 s", at)
	}
	for check, part := range map[probe.CheckID]string{
		"layout_shift_slight":    "; img#hero moved at ",
		"js_errors":              "1 JavaScript errors, want none; the first is ",
		"failed_requests":        "1 requests to the page's own site failed, want none: http://shop.localhost:PORT/missing.png: status 404",
		"over_budget":            "bytes, want at most 100000; 1 JavaScript errors, want at most 0",
		"unapproved_site":        "1 third parties are not approved: ads.localhost (",
		"cookies_before_consent": "1 third-party cookies before any click, want none: track of ads.localhost",
	} {
		if !strings.Contains(got[check], part) {
			t.Errorf("%s: got %q, want …%s…", check, got[check], part)
		}
		delete(got, check)
	}
	if len(got) > 0 {
		t.Errorf("got further findings %v, want none", got)
	}
	if want := fmt.Sprintf("#hero (http://shop.localhost:%d/hero.svg?w=xxx)", port); !strings.HasSuffix(result.Slowest, want) {
		t.Errorf("slowest: got %q, want it to end in %q", result.Slowest, want)
	}
	checkWeight(t, &result, sent.Load())
	checkPhases(t, &result)
}

// checkWeight compares the bytes of a page with those that the server sent: frames of other sites are part of them.
func checkWeight(t *testing.T, result *probe.Result, sent int64) {
	t.Helper()
	sum, parts := 0.0, map[string]float64{}
	for _, m := range result.Measurements {
		switch m.Metric {
		case "page_party_bytes":
			sum += m.Value
		case "page_load_requests", "page_party_requests", "page_failed_requests", "page_cookies", "page_console_messages":
			if m.Value > 0 {
				parts[m.Metric+" "+m.Label] = m.Value
			}
		}
	}
	if off := sum/float64(sent) - 1; off < -0.02 || off > 0.02 {
		t.Errorf("got %.0f bytes where the server sent %d, want within 2 %%", sum, sent)
	}
	if sites := measured(result, "page_third_party_sites", ""); sites != 2 {
		t.Errorf("got %v third parties, want 2", sites)
	}
	want := map[string]float64{
		"page_load_requests document": 2, "page_load_requests image": 2, "page_load_requests script": 2,
		"page_party_requests first": 4, "page_party_requests third": 2, "page_failed_requests http_error": 1,
		"page_cookies third": 1, "page_console_messages warning": 1, "page_console_messages error": 2,
	}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("parts of the page (-want +got):\n%s", diff)
	}
}

// checkPhases checks that the phases add up to what is published as Largest Contentful Paint.
func checkPhases(t *testing.T, result *probe.Result) {
	t.Helper()
	painted := time.Duration(measured(result, "web_vital_seconds", "lcp") * float64(time.Second))
	if (result.Duration-painted).Abs() > time.Microsecond || result.Phases.Sum() != result.Duration {
		t.Errorf("got duration %v and phases of %v, want both to be the largest paint at %v", result.Duration, result.Phases.Sum(), painted)
	}
	for _, phase := range []probe.Phase{probe.Connect, probe.Wait, probe.Discover, probe.Load, probe.Render} {
		if _, ok := result.Phases.Get(phase); !ok {
			t.Errorf("phase %v is missing", phase)
		}
	}
}

// TestProbe_FailedParts has parts fail that come after more than evidence can hold, and one that ends too soon.
func TestProbe_FailedParts(t *testing.T) {
	var port int
	port, _ = serveSites(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			var pictures strings.Builder
			for i := range 310 {
				_, _ = fmt.Fprintf(&pictures, "<img src=/%d.svg>", i)
			}
			html("<title>Shop</title><h1>Shoes</h1>"+pictures.String()+
				fmt.Sprintf("<script src=/app.js></script><script src=http://tags.localhost:%d/missing.js></script>", port))(w, r)
		case r.URL.Path == "/app.js":
			w.Header().Set("Content-Type", "text/javascript")
			w.Header().Set("Content-Length", "100000")
			_, _ = fmt.Fprint(w, "let basket;")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, ".svg"):
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`)
		default:
			w.Header().Set("Content-Type", "text/javascript")
			w.WriteHeader(http.StatusNotFound)
		}
	})
	result := run(t, browser.QuickKind(), local(fmt.Sprintf("http://shop.localhost:%d/", port), nil))
	got := map[probe.CheckID]string{}
	for _, finding := range result.Findings {
		got[finding.Check] = strings.ReplaceAll(finding.Detail, fmt.Sprint(":", port), "")
	}
	want := map[probe.CheckID]string{
		"failed_requests":    "1 requests to the page's own site failed, want none: http://shop.localhost/app.js: status 200, but net::ERR_CONTENT_LENGTH_MISMATCH",
		"failed_third_party": "1 requests to third parties failed, want none: http://tags.localhost/missing.js: status 404",
	}
	if diff := cmp.Diff(want, got); diff != "" || result.Reason != "" {
		t.Errorf("reason %q, findings (-want +got):\n%s", result.Reason, diff)
	}
}

// TestProbe_NeverLoaded has pages whose main picture does not come: what was painted before it is no proof of speed.
func TestProbe_NeverLoaded(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hero.jpg":
			<-r.Context().Done()
		case "/late":
			html("<title>Shop</title><h1>Shoes</h1><script>alert('hello'); onload = () => fetch('/hero.jpg')</script>")(w, r)
		default:
			html("<title>Shop</title><h1>Shoes</h1><img src=/hero.jpg width=600 height=400>")(w, r)
		}
	})
	for path, want := range map[string]probe.CheckID{"/": "never_loaded", "/late": "dialog_boxes"} {
		result := runWithin(t, browser.QuickKind(), local(url+path, nil), 10*time.Second)
		if len(result.Findings) != 1 || result.Findings[0].Check != want || measured(&result, "visit_settled", "") != 0 {
			t.Errorf("%s: got reason %q and findings %+v, want only %s", path, result.Reason, result.Findings, want)
		}
		if want == "never_loaded" && !strings.HasSuffix(result.Findings[0].Detail, ": "+url+"/hero.jpg") {
			t.Errorf("got detail %q, want it to name the picture", result.Findings[0].Detail)
		}
	}
}

func TestProbe_BlockedHostsAreNotAsked(t *testing.T) {
	var port int
	var asked atomic.Int64
	port, _ = serveSites(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "ads.") {
			asked.Add(1)
		}
		busyShop(&port)(w, r)
	})
	result := run(t, browser.QuickKind(), local(fmt.Sprintf("http://shop.localhost:%d/", port), func(c *browser.Config) {
		c.BlockHosts = []string{"ads.localhost"}
	}))
	if n := asked.Load(); n != 0 || measured(&result, "page_third_party_sites", "") != 0 || measured(&result, "page_failed_requests", "no_answer") != 0 {
		t.Errorf("got %d requests to a blocked host, %v third parties and %v requests without answer, want none", n,
			measured(&result, "page_third_party_sites", ""), measured(&result, "page_failed_requests", "no_answer"))
	}
	for _, finding := range result.Findings {
		if finding.Check == "failed_third_party" {
			t.Errorf("got %+v, want no finding of what the operator blocks", finding)
		}
	}
}

func TestProbe_MedianOfThreeRuns(t *testing.T) {
	delays := []time.Duration{900 * time.Millisecond, 0, 450 * time.Millisecond}
	var visits atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			timer := time.NewTimer(delays[(visits.Add(1)-1)%3])
			defer timer.Stop()
			<-timer.C
			html("<title>Shop</title><h1>Shoes</h1>")(w, r)
		}
	})
	result := fitting(t, browser.QuickKind(), local(url+"/", func(c *browser.Config) { c.Runs = 3 }), func(result *probe.Result) string {
		if spread := measured(result, "web_vital_spread_seconds", ""); spread < 0.6 || spread > 1.4 {
			return fmt.Sprintf("a spread of %v s, want about 0.9", spread)
		}
		if result.Duration < delays[2] || result.Duration > delays[0] || !strings.Contains(result.Detail, "run 3 is the median of 3") {
			return fmt.Sprintf("%v (%s), want the run that took %v", result.Duration, result.Detail, delays[2])
		}
		return ""
	})
	var published []int
	pictures := 0
	for _, visit := range result.Evidence.Visits {
		if visit.Published {
			published = append(published, visit.Run)
		}
		if visit.Screenshot != nil {
			pictures++
		}
		if (len(visit.Filmstrip) > 0) != visit.Published {
			t.Errorf("run %d: got %d frames of a film, want some only of the published one", visit.Run, len(visit.Filmstrip))
		}
	}
	if diff := cmp.Diff([]int{3}, published); diff != "" || pictures != 3 {
		t.Errorf("published runs (-want +got):\n%sand %d pictures, want 3", diff, pictures)
	}
}

func TestProbe_WarmVisitUsesTheCache(t *testing.T) {
	var pages, pictures atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			pages.Add(1)
			html("<title>Shop</title><h1>Shoes</h1><img src=/a.svg>")(w, r)
		case "/a.svg":
			pictures.Add(1)
			w.Header().Set("Content-Type", "image/svg+xml")
			w.Header().Set("Cache-Control", "max-age=3600")
			_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`)
		}
	})
	result := run(t, browser.QuickKind(), local(url+"/", func(c *browser.Config) { c.Warm = true }))
	if pages.Load() != 2 || pictures.Load() != 1 {
		t.Errorf("got %d pages and %d pictures asked for, want the picture to come from the cache", pages.Load(), pictures.Load())
	}
	if bytes := measured(&result, "page_load_bytes", "image"); result.Reason != "" || bytes != 0 {
		t.Errorf("got reason %q (%s) and %v bytes of pictures, want the second visit's", result.Reason, result.Detail, bytes)
	}
}
