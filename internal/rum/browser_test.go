package rum_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/rum"
)

// shop is a website whose pages load the script from another origin.
type shop struct {
	*httptest.Server
	policy string // Referrer-Policy of its pages
}

const firstByte = 60 * time.Millisecond // until a page answers

// page shows an image, shifts once, and has a button that takes long. What it loads and where it sends are limited to what
// the README tells operators to allow.
const page = `<!doctype html><meta name=viewport content="width=device-width"><title>Shop</title>
<script async src="%s/v1/vitals.js"></script>
<button style="width:200px;height:100px">Buy</button><div id=above></div>
<img src=/hero.svg width=300 height=200>
<script>
document.querySelector("button").addEventListener("click", () => { const end = performance.now() + 80; while (performance.now() < end); });
addEventListener("load", () => setTimeout(() => { above.style.height = "60px"; }, 50));
</script>`

func newShop(t *testing.T, policy string) *shop {
	t.Helper()
	s := &shop{policy: policy}
	s.Server = httptest.NewUnstartedServer(nil)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) start(rumURL string) {
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, ".svg"):
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="300" height="200" fill="teal"/></svg>`)
		case strings.HasPrefix(r.URL.Path, "/p/"):
			select {
			case <-time.After(firstByte):
			case <-r.Context().Done():
			}
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3cr3t", Path: "/"}) // cookies know no ports: the beacon's server could get it
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Referrer-Policy", s.policy)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline' "+
				rumURL+"; connect-src "+rumURL)
			_, _ = fmt.Fprintf(w, page, rumURL)
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = fmt.Fprint(w, "<!doctype html><title>Elsewhere</title>Elsewhere")
		}
	})
	s.Start()
}

// field is a server of beacons that remembers what was asked of it.
type field struct {
	*rum.Server
	url      string
	headless bool // say of browsers that they have no window, as they do

	mu   sync.Mutex
	seen []*http.Request
}

func newField(t *testing.T, opts rum.Options) *field {
	t.Helper()
	f := &field{}
	var err error
	if f.Server, err = rum.New(opts); err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r)
		f.mu.Unlock()
		if !f.headless {
			// What a page sends when it goes has the browser's own user agent, whatever it is told to emulate.
			r.Header.Set("User-Agent", strings.Replace(r.UserAgent(), "HeadlessChrome", "Chrome", 1))
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(listening.Close)
	f.url = listening.URL
	return f
}

// beacons returns the requests that were not for the script.
func (f *field) beacons() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*http.Request
	for _, r := range f.seen {
		if r.URL.Path != "/v1/vitals.js" {
			all = append(all, r)
		}
	}
	return all
}

// visitor is somebody with a browser of their own.
type visitor struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // of one test
	tab *chromium.Tab
}

func newVisitor(t *testing.T, browser *chromium.Browser) *visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	tab, err := browser.Open(ctx, chromium.TabOptions{Proxy: "direct://"})
	if err != nil {
		t.Fatalf("opening a tab: %v (apt-get install -y chromium-headless-shell)", err)
	}
	t.Cleanup(tab.Close)
	v := &visitor{t, ctx, tab}
	v.call("Page.enable", nil)
	return v
}

func (v *visitor) call(method string, params any) {
	v.t.Helper()
	if err := v.tab.Conn().Call(v.ctx, v.tab.Session(), method, params, nil); err != nil {
		v.t.Fatal(err)
	}
}

// before runs a script in every page before its own.
func (v *visitor) before(script string) {
	v.t.Helper()
	v.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": script})
}

// goTo opens a page and waits for its load event.
func (v *visitor) goTo(url string) {
	v.t.Helper()
	loaded := make(chan struct{}, 1)
	stop := v.tab.Conn().Listen(v.tab.Session(), func(e cdp.Event) {
		if e.Method == "Page.loadEventFired" {
			select {
			case loaded <- struct{}{}:
			default:
			}
		}
	})
	defer stop()
	v.call("Page.navigate", map[string]any{"url": url})
	select {
	case <-loaded:
	case <-v.ctx.Done():
		v.t.Fatalf("%s does not load", url)
	}
}

// eval returns what an expression comes to in the page, promises kept.
func (v *visitor) eval(expression string) string {
	v.t.Helper()
	var result struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	params := map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}
	if err := v.tab.Conn().Call(v.ctx, v.tab.Session(), "Runtime.evaluate", params, &result); err != nil || result.Exception != nil {
		v.t.Fatalf("%s: %v %s", expression, err, result.Exception)
	}
	return string(result.Result.Value)
}

// entry is a promise that is kept once the page has an entry of a type; of events, one that a visitor caused.
func entry(kind string) string {
	return fmt.Sprintf(`new Promise(seen => new PerformanceObserver(list => list.getEntries().some(e => e.entryType !== "event" || e.interactionId) && seen(true))
		.observe({type: %q, buffered: true, durationThreshold: 16}))`, kind)
}

// look looks at a page of the shop, and goes elsewhere.
func (v *visitor) look(s *shop, path string) {
	v.t.Helper()
	v.goTo(s.URL + path)
	v.eval(entry("largest-contentful-paint"))
	v.eval(entry("layout-shift"))
	for seen := false; !seen; { // a click may come before the page takes any
		for _, what := range []string{"mousePressed", "mouseReleased"} {
			v.call("Input.dispatchMouseEvent", map[string]any{"type": what, "x": 60, "y": 50, "button": "left", "clickCount": 1})
		}
		seen = v.eval("Promise.race(["+entry("event")+", new Promise(none => setTimeout(none, 1000, false))])") == "true"
	}
	v.goTo(s.URL + "/elsewhere")
}

const (
	customer = `Object.defineProperty(Navigator.prototype, "webdriver", {get: () => false});`
	lucky    = `Math.random = () => 0.49;`
)

// TestBrowser lets a real browser look at pages of one origin that load the script from another.
func TestBrowser(t *testing.T) {
	browser := chromium.New(probe.Browser{Concurrency: 1, Idle: time.Minute}, slog.New(slog.DiscardHandler))
	t.Cleanup(browser.Close)
	start := func(t *testing.T, policy string) (*field, *shop) {
		t.Helper()
		s := newShop(t, policy)
		opts := options()
		opts.Apps = []rum.App{{
			Channel: "shop", Origins: []string{"http://" + s.Listener.Addr().String()}, Groups: []rum.Group{{Name: "product", Path: "^/p/"}},
		}}
		f := newField(t, opts)
		s.start(f.url)
		return f, s
	}
	t.Run("on a desktop", func(t *testing.T) {
		f, s := start(t, "strict-origin-when-cross-origin")
		v := newVisitor(t, browser)
		v.before(customer + lucky)
		v.before(`const real = matchMedia; window.matchMedia = (q) => q === "(pointer: fine)" ? {matches: true} : real(q);`) // there is no mouse
		v.look(s, "/p/chair?mail=a@example.com#reviews")
		f.await(t, "accepted")
		f.wantPageView(t, "desktop")
		f.wantPrivacy(t, s.URL)
		if left := v.eval("window.webVitals === undefined && localStorage.length + sessionStorage.length === 0"); left != "true" {
			t.Error("the script leaves something in the page")
		}
	})
	t.Run("on a phone, from a page that sends no referrer", func(t *testing.T) {
		f, s := start(t, "no-referrer")
		v := newVisitor(t, browser)
		v.before(customer + lucky)
		v.call("Emulation.setDeviceMetricsOverride", map[string]any{
			"width": 412, "height": 823, "screenWidth": 412, "screenHeight": 823, "deviceScaleFactor": 1.75, "mobile": true,
		})
		v.call("Emulation.setTouchEmulationEnabled", map[string]any{"enabled": true, "maxTouchPoints": 5})
		v.look(s, "/p/chair")
		f.await(t, "accepted")
		f.wantPageView(t, "mobile")
		f.wantPrivacy(t, s.URL)
	})
	t.Run("on a tablet, with a browser that knows sendBeacon only", func(t *testing.T) {
		f, s := start(t, "")
		v := newVisitor(t, browser)
		v.before(customer + lucky + `delete Request.prototype.keepalive;`)
		v.call("Emulation.setDeviceMetricsOverride", map[string]any{
			"width": 1180, "height": 820, "screenWidth": 1180, "screenHeight": 820, "deviceScaleFactor": 2, "mobile": true,
		})
		v.call("Emulation.setTouchEmulationEnabled", map[string]any{"enabled": true, "maxTouchPoints": 5})
		v.look(s, "/p/chair")
		f.await(t, "accepted")
		if n := values(f.Server)["rum_web_vital_seconds_count{channel=shop,device=tablet,page_group=product,vital=lcp}"]; n != 1 {
			t.Errorf("%v views on a tablet, want 1: %v", n, grown(nil, values(f.Server)))
		}
	})
	t.Run("hidden twice", func(t *testing.T) {
		f, s := start(t, "")
		v := newVisitor(t, browser)
		v.before(customer + lucky)
		v.goTo(s.URL + "/p/chair")
		v.eval(entry("largest-contentful-paint"))
		v.eval(`Object.defineProperty(document, "visibilityState", {get: () => "hidden", configurable: true});
			document.dispatchEvent(new Event("visibilitychange", {bubbles: true})); delete document.visibilityState;`)
		f.await(t, "accepted")
		v.goTo(s.URL + "/elsewhere")
		v.look(s, "/p/table") // a view of its own
		f.awaitAll(t, "accepted", 2)
		if n := len(f.beacons()); n != 2 {
			t.Errorf("%d beacons of two page views, want 2", n)
		}
	})
	t.Run("without a window", func(t *testing.T) {
		f, s := start(t, "")
		f.headless = true
		v := newVisitor(t, browser)
		v.before(customer + lucky)
		v.look(s, "/p/chair")
		f.await(t, "automated")
	})
	for name, script := range map[string]string{
		"by a program":                   lucky,
		"with Global Privacy Control":    customer + lucky + `Object.defineProperty(Navigator.prototype, "globalPrivacyControl", {get: () => true});`,
		"with Do Not Track":              customer + lucky + `Object.defineProperty(Navigator.prototype, "doNotTrack", {get: () => "1"});`,
		"a page view that is not chosen": customer + `Math.random = () => 0.5;`,
	} {
		t.Run(name, func(t *testing.T) {
			f, s := start(t, "")
			silent := newVisitor(t, browser)
			silent.before(script)
			silent.look(s, "/p/silent")
			silent.tab.Close()
			// What the silent one would have sent has arrived before what another sends.
			other := newVisitor(t, browser)
			other.before(customer + lucky)
			other.look(s, "/p/chair")
			f.await(t, "accepted")
			if n := len(f.beacons()); n != 1 {
				t.Errorf("%d beacons, want that of the other visitor alone", n)
			}
		})
	}
}

// await waits until a beacon has an outcome.
func (f *field) await(t *testing.T, outcome string) {
	t.Helper()
	f.awaitAll(t, outcome, 1)
}

// awaitAll waits until as many have it.
func (f *field) awaitAll(t *testing.T, outcome string, want float64) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for values(f.Server)["rum_beacons_total{channel=shop,outcome="+outcome+"}"] < want {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("too few beacons: %v", grown(nil, values(f.Server)))
		}
	}
}

// wantPageView wants one view of a product, with all of its vitals.
func (f *field) wantPageView(t *testing.T, device string) {
	t.Helper()
	got := values(f.Server)
	at := "{channel=shop,device=" + device + ",page_group=product"
	value := func(vital string) float64 {
		if n := got["rum_web_vital_seconds_count"+at+",vital="+vital+"}"]; n != 1 {
			t.Errorf("%s is counted %v times, want once: %v", vital, n, grown(nil, got))
		}
		return got["rum_web_vital_seconds_sum"+at+",vital="+vital+"}"]
	}
	ttfb, fcp, lcp, inp := value("ttfb"), value("fcp"), value("lcp"), value("inp")
	if least := firstByte.Seconds(); ttfb < least || fcp < ttfb || lcp < fcp || lcp > 20 {
		t.Errorf("first byte %v s, first paint %v s, largest paint %v s: want them in order from %v s", ttfb, fcp, lcp, least)
	}
	if inp < 0.08 || inp > 10 {
		t.Errorf("the click takes %v s, want 0.08 s and the next paint", inp)
	}
	shift, n := got["rum_web_vital_layout_shift_ratio_sum"+at+"}"], got["rum_web_vital_layout_shift_ratio_count"+at+"}"]
	if device == "mobile" {
		shift = max(shift, 0.001) // the emulated screen is set up so late that the shift counts as the visitor's own
	}
	if n != 1 || shift <= 0 || shift > 1 {
		t.Errorf("a layout shift of %v in %v views, want some in one", shift, n)
	}
}

// wantPrivacy wants one simple request that tells nothing beside its body.
func (f *field) wantPrivacy(t *testing.T, origin string) {
	t.Helper()
	all := f.beacons()
	if len(all) != 1 {
		t.Fatalf("%d requests, want one beacon and no question before it", len(all))
	}
	r := all[0]
	if r.Method != http.MethodPost || r.Header.Get("Origin") != origin || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s of %q from %q, want a POST of text from %s", r.Method, r.Header.Get("Content-Type"), r.Header.Get("Origin"), origin)
	}
	if r.Header.Get("Cookie") != "" {
		t.Error("the beacon has cookies")
	}
	if referrer := r.Header.Get("Referer"); referrer != "" && referrer != origin+"/" {
		t.Errorf("the beacon's referrer is %q, want no more than the origin", referrer)
	}
}
