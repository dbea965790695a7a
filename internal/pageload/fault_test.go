package pageload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/pageload"
)

// serve answers with HTML, and with status 204 for what it does not know, so that nothing fails by accident.
func serve(t *testing.T, pages map[string]string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	if _, ok := pages["/"]; !ok {
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	}
	for path, page := range pages {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, page)
		})
	}
	return start(t, mux)
}

func start(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// startTLS serves with a certificate that nobody trusts, and does not log that.
func startTLS(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// usable fails the test when the browser does not load a plain page any more.
func usable(t *testing.T) {
	t.Helper()
	shop := serve(t, map[string]string{"/fine": "<p>fine"})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	if l := load(t, page, "http://shop.example/fine"); l.Text != "fine" || l.Vitals.LCP == nil {
		t.Errorf("the next page has text %q and LCP %v, want fine and one", l.Text, l.Vitals.LCP)
	}
}

func TestGoto_NoDocument(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/loop?"+r.URL.RawQuery+"x", http.StatusFound)
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=x.zip")
		_, _ = w.Write(make([]byte, 1000))
	})
	mux.HandleFunc("/drop", func(w http.ResponseWriter, _ *http.Request) { hangUp(w) })
	mux.HandleFunc("/local", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	shop := start(t, mux)
	secure := startTLS(t, mux)
	tests := []struct {
		name, url string
		cause     string
		status    int
		redirects int
		download  bool
	}{
		{name: "redirect loop", url: "http://shop.example/loop", cause: "net::ERR_TOO_MANY_REDIRECTS", redirects: 19},
		{name: "no content", url: "http://shop.example/nothing", cause: "net::ERR_ABORTED", status: 204},
		{name: "download", url: "http://shop.example/file", cause: "net::ERR_ABORTED", status: 200, download: true},
		{name: "connection closed", url: "http://shop.example/drop", cause: "net::ERR_EMPTY_RESPONSE"},
		{name: "bad certificate", url: "https://secure.example/nothing", cause: "net::ERR_CERT_AUTHORITY_INVALID"},
		{name: "to a file", url: "http://shop.example/local", cause: "net::ERR_UNSAFE_REDIRECT"},
		{name: "no address", url: "http://[", cause: "Cannot navigate to invalid URL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			page, _ := open(t, map[string]*httptest.Server{"shop.example": shop, "secure.example": secure}, quick())
			if err := page.Goto(visitContext(t), test.url); !errors.Is(err, pageload.ErrNoDocument) {
				t.Errorf("got error %v, want %v", err, pageload.ErrNoDocument)
			}
			l := read(t, page)
			if l.Error != test.cause || l.Status != test.status || l.Redirect != test.redirects || l.Download != test.download {
				t.Errorf("got %q, status %d, %d redirects, download %v; want %q, %d, %d, %v",
					l.Error, l.Status, l.Redirect, l.Download, test.cause, test.status, test.redirects, test.download)
			}
			if l.Vitals != (pageload.Vitals{}) || l.Text != "" {
				t.Errorf("got vitals %+v and text %q, want none", l.Vitals, l.Text)
			}
			usable(t)
		})
	}
}

// TestRead_NotDrawn waits for a script that does not come: nothing is drawn, and yet the page answers.
func TestRead_NotDrawn(t *testing.T) {
	t.Parallel()
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<head><script src=/hangs></script></head><p>x")
			return
		}
		<-r.Context().Done()
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	if err := page.Goto(visitContext(t), "http://shop.example/"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if page.Settle(ctx) {
		t.Error("settled while a script hangs")
	}
	l := read(t, page)
	if l.Hung || l.Settled || l.Status != 200 || l.Vitals.FCP != nil || l.Vitals.TTFB == nil {
		t.Errorf("got %+v, want a page that is not drawn", l)
	}
	if shot, err := page.Screenshot(visitContext(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got picture %v, %v; want none", shot, err)
	}
}

func TestGoto_HangingSocket(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	shop := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-wait:
		case <-r.Context().Done():
		}
	}))
	defer close(wait)
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // enough to ask on a busy machine too
	defer cancel()
	if err := page.Goto(ctx, "http://shop.example/"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want that the time is over", err)
	}
	l := read(t, page)
	if l.Status != 0 || l.Hung || l.Crashed || l.Vitals != (pageload.Vitals{}) || l.Counts.Requests != 1 {
		t.Errorf("got %+v, want one request without an answer", l)
	}
}

func TestRead_OddPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, html string
		check      func(*pageload.Load) bool
	}{
		{"empty", "", func(l *pageload.Load) bool {
			return l.Status == 200 && l.Vitals.LCP == nil && l.Vitals.FCP == nil && l.Vitals.CLS == nil && l.Vitals.TTFB != nil
		}},
		{"never paints", "<div style='width:9px;height:9px'></div>", func(l *pageload.Load) bool { return l.Vitals.LCP == nil && l.Vitals.CLS == nil }},
		{"alert, confirm and prompt", "<script>alert(1);confirm(2);prompt(3)</script><p>after", func(l *pageload.Load) bool {
			return l.Dialogs == 3 && l.Text == "after" && l.Vitals.LCP != nil
		}},
		{"overridden globals", `<script>
			performance.getEntriesByType = performance.getEntriesByName = () => [];
			PerformanceObserver = function () { throw 1 }; JSON.stringify = JSON.parse = () => { throw 2 };
			Array.prototype.sort = Array.prototype.forEach = () => { throw 3 }; Reflect.get = null; Document.prototype.querySelector = null;
			Promise.prototype.then = () => { throw 4 }; setTimeout = requestAnimationFrame = null;
			</script><title>t</title><p>still here`, func(l *pageload.Load) bool {
			return l.Vitals.LCP != nil && l.Text == "still here" && l.Content.Title == "t" && l.Counts.JSErrors == 0
		}},
		{"clobbered document", `<title>t</title><form name=querySelector></form><form name=querySelectorAll></form><img name=body><form id=channelwatchVitals>
			<input name=id></form><form name=title></form><p>still here`, func(l *pageload.Load) bool {
			return l.Content.Title == "t" && strings.Contains(l.Text, "still here") && l.Content.Pictures == 1
		}},
		{"unpaired surrogates", `<script>document.write("<p>\ud800x");document.title="\udc00";console.error("\ud83d")</script>`, func(l *pageload.Load) bool {
			return strings.HasSuffix(l.Text, "x")
		}},
		{"moved on by meta refresh", "<meta http-equiv=refresh content='0;url=/fine'>", func(l *pageload.Load) bool {
			return l.Text == "fine" && l.Redirect == 1 && strings.HasSuffix(l.URL, "/fine") && *l.Vitals.TTFB >= l.Document.Start && l.Document.Start > 0
		}},
		{"moved on by script", "<p>first<script>setTimeout(() => location.replace('/fine'), 100)</script>", func(l *pageload.Load) bool {
			return l.Text == "fine" && l.Redirect == 1 && l.Moves == 1 && *l.Vitals.LCP > 100*time.Millisecond && l.Counts.Requests == 2 && l.Counts.Failed == 0
		}},
		{"moved on to nothing", "<p>first<script>location = '/nothing'</script>", func(l *pageload.Load) bool {
			return l.Text == "first" && l.Redirect == 0 && l.Moves == 0 && l.Error == "" && l.Vitals.LCP != nil
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shop := serve(t, map[string]string{"/odd": test.html, "/fine": "<p>fine"})
			page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
			if l := load(t, page, "http://shop.example/odd"); !test.check(l) {
				t.Errorf("got %+v, vitals %+v", l, l.Vitals)
			}
		})
	}
}

// TestPopups lets a customer's click open windows, which no browser blocks.
func TestPopups(t *testing.T) {
	t.Parallel()
	shop := serve(t, map[string]string{"/": "<button onclick=\"document.title = typeof window.open('/fine') + typeof window.open('/fine', 'b', 'width=9')\">x</button>", "/fine": "<p>fine"})
	page, tab := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	load(t, page, "http://shop.example/")
	if err := page.Click(visitContext(t), "button"); err != nil {
		t.Fatal(err)
	}
	for ctx := visitContext(t); ; {
		var targets struct {
			All []cdp.TargetInfo `json:"targetInfos"`
		}
		if err := tab.Conn().Call(ctx, "", "Target.getTargets", nil, &targets); err != nil {
			t.Fatal(err)
		}
		windows := 0
		for _, target := range targets.All {
			if target.Type == "page" && target.Context == tab.Context() {
				windows++
			}
		}
		if title, _ := page.Title(ctx); windows == 1 && title == "objectobject" {
			break
		}
	}
	if l := read(t, page); l.Status != 200 || l.Crashed {
		t.Errorf("got %+v, want the page as it was", l)
	}
}

func TestRead_Login(t *testing.T) {
	t.Parallel()
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="staff"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "<p>staff only")
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	if l := load(t, page, "http://shop.example/"); l.Status != 401 || l.Error != "" {
		t.Errorf("got status %d and error %q, want 401", l.Status, l.Error)
	}
}

// TestGoto_BeforeUnload leaves a page that asks whether it may be left.
func TestGoto_BeforeUnload(t *testing.T) {
	t.Parallel()
	shop := serve(t, map[string]string{"/": "<button>x</button><script>onbeforeunload = (e) => { e.preventDefault() }</script>", "/fine": "<p>fine"})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	load(t, page, "http://shop.example/")
	if err := page.Click(visitContext(t), "button"); err != nil { // else the browser does not ask
		t.Fatal(err)
	}
	if l := load(t, page, "http://shop.example/fine"); l.Text != "fine" || l.Dialogs != 1 {
		t.Errorf("got text %q after %d dialogs, want fine after 1", l.Text, l.Dialogs)
	}
}

func TestRead_Hung(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"endless loop":  "setTimeout(() => { for (;;); }, 300)",
		"endless boxes": "setTimeout(() => { for (;;) alert(1) }, 300)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop := serve(t, map[string]string{"/": "<p>x<script>" + script + "</script>"})
			page, tab := open(t, map[string]*httptest.Server{"shop.example": shop}, pageload.Options{Quiet: visitTime, Least: visitTime})
			ctx := visitContext(t)
			if err := page.Goto(ctx, "http://shop.example/"); err != nil {
				t.Fatal(err)
			}
			settling, cancel := context.WithTimeout(ctx, 3*time.Second) // the script has begun by then
			defer cancel()
			page.Settle(settling)
			short, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			l, err := page.Read(short)
			if err != nil || !l.Hung || l.Status != 200 || l.Vitals.LCP != nil {
				t.Errorf("got %+v, %v; want a page that hung", l, err)
			}
			page.Close()
			tab.Close()
			usable(t)
		})
	}
}

func TestRead_Crashed(t *testing.T) {
	t.Parallel()
	shop := serve(t, map[string]string{"/": "<p>x"})
	page, tab := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	load(t, page, "http://shop.example/")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = tab.Conn().Call(ctx, tab.Session(), "Page.crash", nil, nil) // never answered
	l := read(t, page)
	if !l.Crashed || l.Vitals.LCP != nil || l.Status != 200 {
		t.Errorf("got %+v, want a crash", l)
	}
	if err := page.Goto(visitContext(t), "http://shop.example/"); !errors.Is(err, pageload.ErrCrashed) {
		t.Errorf("got error %v, want %v", err, pageload.ErrCrashed)
	}
	page.Close()
	tab.Close()
	usable(t)
}

func TestRead_ManyRequests(t *testing.T) {
	const many = 3000
	var html strings.Builder
	for i := range many {
		fmt.Fprintf(&html, "<img src=/pixel?%d>", i)
	}
	shop := serve(t, map[string]string{"/": html.String()})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	l := load(t, page, "http://shop.example/")
	if l.Counts.Requests != many+1 || len(l.Requests) != 300 || l.Omitted != many+1-300 || l.Weight.Requests["image"] != many {
		t.Errorf("got %d requests, %d shown, %d omitted, %v", l.Counts.Requests, len(l.Requests), l.Omitted, l.Weight.Requests)
	}
}

func TestRead_Large(t *testing.T) {
	const size = 50 << 20
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>"+strings.Repeat("word ", 300_000))
		chunk := []byte("<!--" + strings.Repeat("x", 100<<10) + "-->") // costs no layout
		for sent := 0; sent < size; sent += len(chunk) {
			_, _ = w.Write(chunk)
		}
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	l := load(t, page, "http://shop.example/")
	if l.Weight.Bytes["document"] < size || len(l.Text) != 1<<20 && len(l.Text) != 1<<20-1 || l.Hung {
		t.Errorf("got %d bytes, %d bytes of text, hung %v", l.Weight.Bytes["document"], len(l.Text), l.Hung)
	}
}
