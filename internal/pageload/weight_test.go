package pageload_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// counted counts what a server really wrote.
type counted struct {
	net.Listener
	bytes atomic.Int64
}

type countedConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (l *counted) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &countedConn{conn, &l.bytes}, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

func startCounted(t *testing.T, handler http.Handler) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	l := &counted{Listener: server.Listener}
	server.Listener = l
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server, &l.bytes
}

// pixel is a GIF, whatever follows it.
const pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01\x44\x00\x3b"

// assets serves every path with as many bytes as its query says, and pages as they are given.
func assets(pages map[string]string) http.Handler {
	mux := http.NewServeMux()
	for path, page := range pages {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, page)
		})
	}
	for ending, media := range map[string]string{
		"/script": "text/javascript", "/style": "text/css", "/image": "image/gif", "/data": "application/json", "/font": "font/woff2", "/worker": "text/javascript",
	} {
		mux.HandleFunc(ending, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", media)
			w.Header().Set("Access-Control-Allow-Origin", "*")
			var size int
			_, _ = fmt.Sscanf(r.URL.RawQuery, "%d", &size)
			body := make([]byte, size)
			for i := range body {
				body[i] = ' '
			}
			switch ending {
			case "/image":
				copy(body, pixel) // a browser stops loading what is no image
			case "/worker":
				copy(body, "fetch('/data?30000').then(() => postMessage('done'))")
			}
			_, _ = w.Write(body)
		})
	}
	return mux
}

// TestWeight_Parties loads a page with a frame of another site and a worker, and compares with what the servers wrote.
func TestWeight_Parties(t *testing.T) {
	t.Parallel()
	shop, shopBytes := startCounted(t, assets(map[string]string{"/{$}": `<!doctype html><h1>Shop</h1><link rel=stylesheet href="/style?20000">
		<style>@font-face{font-family:f;src:url(/font?15000)} p{font-family:f}</style><p>text</p>
		<script src="http://cdn.shop.example/script?30000"></script><img src="/image?40000"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
		<script>fetch('/data?10000'); new Worker('/worker?100')</script>
		<iframe src="http://ads.example/frame"></iframe>`}))
	ads, adBytes := startCounted(t, assets(map[string]string{
		"/frame": `<img src="/image?60000"><script src="/script?25000"></script><iframe src="http://tags.example/inner"></iframe>`,
	}))
	tags, tagBytes := startCounted(t, assets(map[string]string{"/inner": `<script>fetch('/data?35000'); new Worker('/worker?200')</script>`}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop, "cdn.shop.example": shop, "ads.example": ads, "tags.example": tags}, quick())
	l := load(t, page, "http://shop.example/")
	w := l.Weight
	for what, side := range map[string]struct{ got, want int64 }{
		"first party": {w.First.Bytes, shopBytes.Load()},
		"third party": {w.Third.Bytes, adBytes.Load() + tagBytes.Load()},
	} {
		if math.Abs(float64(side.got-side.want)) > 0.02*float64(side.want) {
			t.Errorf("%s: got %d bytes, want %d as the servers wrote", what, side.got, side.want)
		}
	}
	if w.First.Requests != 8 || w.Third.Requests != 7 || l.Counts.Requests != 15 {
		t.Errorf("got %d and %d of %d requests, want 8 and 7 of 15", w.First.Requests, w.Third.Requests, l.Counts.Requests)
	}
	wantRequests := map[string]int{"document": 3, "script": 4, "stylesheet": 1, "image": 2, "font": 1, "fetch": 4}
	if !equal(w.Requests, wantRequests) {
		t.Errorf("got requests %v, want %v", w.Requests, wantRequests)
	}
	var names []string
	for _, s := range w.Sites {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"ads.example", "tags.example"}) || !slices.Equal(w.Sites[0].Kinds, []string{"document", "image", "script"}) ||
		!slices.Equal(w.Sites[0].Hosts, []string{"ads.example"}) {
		t.Errorf("got sites %+v, want ads.example and tags.example", w.Sites)
	}
	var sum int64
	for _, n := range w.Bytes {
		sum += n
	}
	if sum != w.First.Bytes+w.Third.Bytes || w.Insecure != 15 || l.Counts.Protocols["http_1"] != 15 {
		t.Errorf("got %d bytes by type, %d insecure, protocols %v; want %d, 15, all", sum, w.Insecure, l.Counts.Protocols, w.First.Bytes+w.Third.Bytes)
	}
	for _, r := range l.Requests {
		if r.Status != 200 || r.ThirdParty != (r.Site != "shop.example") || r.Start < 0 || r.Start > l.Duration || r.Bytes == 0 {
			t.Errorf("got bar %+v", r)
		}
	}
}

func equal[V comparable](a, b map[string]V) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func TestWeight_Compressed(t *testing.T) {
	t.Parallel()
	const size = 100_000
	shop, wrote := startCounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "gzip")
		writeGzip(w, size)
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	l := load(t, page, "http://shop.example/")
	if got := l.Weight.Bytes["document"]; math.Abs(float64(got-wrote.Load())) > 0.02*float64(got) || got > size*4/5 {
		t.Errorf("got %d bytes, want %d as transferred", got, wrote.Load())
	}
}

func TestCounts_Protocols(t *testing.T) {
	t.Parallel()
	plain := start(t, assets(nil))
	shop := httptest.NewUnstartedServer(assets(map[string]string{"/{$}": `<p>x<img src="/image?100"><img src="http://cdn.example/image?100">`}))
	shop.EnableHTTP2 = true
	shop.Config.ErrorLog = log.New(io.Discard, "", 0)
	shop.StartTLS()
	t.Cleanup(shop.Close)
	page, tab := open(t, map[string]*httptest.Server{"shop.example": shop, "cdn.example": plain}, quick())
	trust(t, tab)
	l := load(t, page, "https://shop.example/")
	if l.Protocol != "h2" || l.Counts.Protocols["h2"] != 2 {
		t.Errorf("got %s and %v, want h2 twice", l.Protocol, l.Counts.Protocols)
	}
	if _, ok := l.Document.Phases.Get(probe.TLS); !ok {
		t.Errorf("got phases %+v, want a TLS handshake", l.Document.Phases)
	}
}

func TestWeight_Redirected(t *testing.T) {
	t.Parallel()
	away := serve(t, map[string]string{"/end": "<p>end"})
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://www.away.example/end", http.StatusFound)
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop, "www.away.example": away}, quick())
	l := load(t, page, "http://shop.example/")
	if l.Redirect != 1 || l.URL != "http://www.away.example/end" || l.Weight.Third.Requests != 0 || l.Weight.First.Requests != 2 || l.Document.Start <= 0 {
		t.Errorf("got %d redirects to %s, %+v", l.Redirect, l.URL, l.Weight)
	}
	if l.Requests[0].Status != 302 || l.Requests[0].ThirdParty || *l.Vitals.TTFB < l.Document.Start {
		t.Errorf("got hop %+v before %v, want a 302 of the page's own", l.Requests[0], l.Document.Start)
	}
}

func TestCounts_FailedRequests(t *testing.T) {
	t.Parallel()
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<p>x<script src=/gone></script><img src=/broken><img src=/dropped><img src="http://blocked.example/pixel"><img src="http://unknown.example/">
				<script>const c = new AbortController(); fetch('/slow', {signal: c.signal}).catch(() => 0); setTimeout(() => c.abort(), 50)</script>`)
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/slow":
			<-r.Context().Done()
		default:
			hangUp(w)
		}
	}))
	options := quick()
	options.Blocked = func(host string) bool { return host == "blocked.example" }
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, options)
	l := load(t, page, "http://shop.example/")
	if c := l.Counts; c.Requests != 7 || c.HTTPErrors != 2 || c.Failed != 2 || c.Blocked != 1 {
		t.Errorf("got %+v, want 7 requests, 2 errors, 2 without answer, 1 blocked", c)
	}
	errors := map[string]string{}
	for _, r := range l.Requests {
		if r.Error != "" {
			errors[r.URL] = r.Error
		}
	}
	want := map[string]string{
		"http://shop.example/dropped": "net::ERR_EMPTY_RESPONSE", "http://unknown.example/": "net::ERR_EMPTY_RESPONSE",
		"http://blocked.example/pixel": "blocked", "http://shop.example/slow": "net::ERR_ABORTED",
	}
	if !equal(errors, want) {
		t.Errorf("got %v, want %v", errors, want)
	}
	if len(l.Weight.Sites) != 1 || l.Weight.Sites[0].Name != "unknown.example" {
		t.Errorf("got sites %+v, want unknown.example: nobody reaches what is blocked", l.Weight.Sites)
	}
}

// TestSettle_LongRequests waits for what ends, and not for what is held open.
func TestSettle_LongRequests(t *testing.T) {
	const late = 700 * time.Millisecond
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<p>x<script>new EventSource('/events'); fetch('/late')</script>`)
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/late":
			delay(r, late)
		}
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	if l := load(t, page, "http://shop.example/"); !l.Settled || l.Duration < late {
		t.Errorf("settled %v after %v, want after %v", l.Settled, l.Duration, late)
	}
}

func TestWeight_OtherWorkers(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/", assets(map[string]string{"/{$}": `<p>x<script>navigator.serviceWorker.register('/sw.js'); new SharedWorker('/worker?100')</script>`}))
	mux.HandleFunc("/sw.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, "oninstall = (e) => e.waitUntil(fetch('/data?50000'))")
	})
	shop := start(t, mux)
	options := quick()
	options.Least = 2 * time.Second
	page, _ := open(t, nil, options)
	l := load(t, page, shop.URL) // on a loopback address, where plain HTTP may have service workers
	// A shared worker is nobody's child: what it does is not seen, and not waited for.
	if l.Weight.Bytes["fetch"] < 50000 || l.Weight.Requests["script"] != 2 {
		t.Errorf("got %+v of %+v", l.Weight, l.Requests)
	}
}

func writeGzip(w io.Writer, size int) {
	z := gzip.NewWriter(w)
	random := rand.New(rand.NewPCG(3, 4))
	for range size {
		_, _ = z.Write([]byte{'a' + byte(random.IntN(16))})
	}
	_ = z.Close()
}

// trust makes a tab accept the certificates of test servers.
func trust(t *testing.T, tab *chromium.Tab) {
	t.Helper()
	if err := tab.Conn().Call(visitContext(t), tab.Session(), "Security.setIgnoreCertificateErrors", map[string]any{"ignore": true}, nil); err != nil {
		t.Fatal(err)
	}
}
