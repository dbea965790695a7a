package pageload_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestConsole(t *testing.T) {
	t.Parallel()
	const script = `console.log('plain', 1, true, null, undefined, {a: 1}, [1]);
console.warn('see https://user:pass@api.example/x?token=geheim#part, please');
console.error(new Error('boom'));
console.debug('d'); console.assert(false, 'wrong');
Promise.reject(new TypeError('later'));
throw new RangeError('uncaught\nsecond line');`
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<p>x<script src="/app.js?v=1"></script><img src=/gone><iframe src="http://ads.example/"></iframe>`)
	})
	mux.HandleFunc("/app.js", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, script) })
	ads := serve(t, map[string]string{"/": "<script>console.info('from the ad')</script>"})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": start(t, mux), "ads.example": ads}, quick())
	before := time.Now()
	l := load(t, page, "http://shop.example/")
	const app = "http://shop.example/app.js?v=xxx"
	want := []probe.ConsoleLine{
		{Level: "info", Text: "plain 1 true null undefined Object Array(1)", URL: app, Line: 1},
		{Level: "warning", Text: "see https://api.example/x?token=xxx please", URL: app, Line: 2},
		{Level: "error", Text: "Error: boom at http://shop.example/app.js?v=xxx", URL: app, Line: 3},
		{Level: "debug", Text: "d", URL: app, Line: 4},
		{Level: "error", Text: "wrong", URL: app, Line: 4},
		{Level: "error", Text: "Uncaught (in promise) TypeError: later", URL: app, Line: 5},
		{Level: "error", Text: "Uncaught RangeError: uncaught", URL: app, Line: 6},
		{Level: "error", Text: "Failed to load resource: the server responded with a status of 404 (Not Found)", URL: "http://shop.example/gone"},
		{Level: "info", Text: "from the ad", URL: "http://ads.example/", Line: 1},
	}
	byText := cmpopts.SortSlices(func(a, b probe.ConsoleLine) bool { return a.Text < b.Text })
	if diff := cmp.Diff(want, l.Console, byText, cmpopts.IgnoreFields(probe.ConsoleLine{}, "At")); diff != "" {
		t.Errorf("console (-want +got):\n%s", diff)
	}
	if l.Counts.JSErrors != 2 || len(l.Errors) != 2 || !equal(l.Counts.Console, map[string]int{"error": 5, "warning": 1, "info": 2, "debug": 1}) {
		t.Errorf("got %d exceptions, %v", l.Counts.JSErrors, l.Counts.Console)
	}
	for _, line := range l.Console {
		if line.At <= 0 || line.At > time.Since(before) {
			t.Errorf("%s at %v, want within the load", line.Text, line.At)
		}
	}
}

func TestConsole_Flood(t *testing.T) {
	t.Parallel()
	shop := serve(t, map[string]string{"/": `<script>for (let i = 0; i < 5000; i++) { console.error('x'.repeat(100000 * (i < 10))); setTimeout(() => { throw i }) }</script>`})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	l := load(t, page, "http://shop.example/")
	if l.Counts.JSErrors != 5000 || l.Counts.Console["error"] != 10000 || len(l.Console) != 100 || len(l.Errors) != 30 {
		t.Errorf("got %d exceptions (%d shown), %v lines (%d shown)", l.Counts.JSErrors, len(l.Errors), l.Counts.Console, len(l.Console))
	}
	if n := len(l.Console[0].Text); n > 510 {
		t.Errorf("got a line of %d bytes", n)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	ads := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "geheim", SameSite: http.SameSiteNoneMode, Secure: true, MaxAge: 86400})
	}))
	secureAds := startTLS(t, ads.Config.Handler)
	shop := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "geheim", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.SetCookie(w, &http.Cookie{Name: "all", Value: "geheim", Domain: "shop.example"})
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<p>x<img src="https://ads.example/pixel"><script>document.cookie = 'script=geheim'</script>`)
	}))
	page, tab := open(t, map[string]*httptest.Server{"www.shop.example": shop, "ads.example": secureAds}, quick())
	trust(t, tab)
	l := load(t, page, "https://www.shop.example/")
	want := []pageload.Cookie{
		{Name: "all", Domain: ".shop.example"},
		{Name: "id", Domain: "ads.example", ThirdParty: true, Secure: true, SameSite: "None", Lifetime: 24 * time.Hour},
		{Name: "script", Domain: "www.shop.example"},
		{Name: "session", Domain: "www.shop.example", HTTPOnly: true, SameSite: "Lax"},
	}
	slices.SortFunc(l.Cookies, func(a, b pageload.Cookie) int { return strings.Compare(a.Name, b.Name) })
	closeTo := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < time.Minute })
	if diff := cmp.Diff(want, l.Cookies, closeTo); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

func TestMixedContent(t *testing.T) {
	t.Parallel()
	plain := start(t, assets(nil))
	shop := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<p>x<script src="http://cdn.example/script?1"></script><img src="https://shop.example/self">`)
	}))
	page, tab := open(t, map[string]*httptest.Server{"shop.example": shop, "cdn.example": plain}, quick())
	trust(t, tab)
	l := load(t, page, "https://shop.example/")
	if !slices.Equal(l.Mixed, []string{"http://cdn.example/script?xxx"}) || l.Weight.Insecure != 1 || l.Counts.Failed != 1 {
		t.Errorf("got mixed %v, %d insecure, %d failed", l.Mixed, l.Weight.Insecure, l.Counts.Failed)
	}
}

func TestFilmstrip(t *testing.T) {
	shop := serve(t, map[string]string{"/": `<h1 id=n>0</h1><script>let i = 0; const tick = setInterval(() => { n.textContent = ++i; if (i === 30) clearInterval(tick) }, 50)</script>`})
	options := screen()
	options.Least = 2 * time.Second
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, options)
	l := load(t, page, "http://shop.example/")
	if n := len(l.Filmstrip); n < 3 || n > 12 {
		t.Errorf("got %d frames, want a few", n)
	}
	last := time.Duration(-1)
	for _, frame := range l.Filmstrip {
		if frame.At <= last || frame.At > l.Duration+time.Second || frame.Width != 400 || frame.Height != 320 || frame.Media != "image/jpeg" || len(frame.Data) > 20<<10 {
			t.Errorf("got frame of %d x %d with %d bytes at %v", frame.Width, frame.Height, len(frame.Data), frame.At)
		}
		last = frame.At
	}
}

// TestScreenshot_Large shows noise, which no PNG makes small.
func TestScreenshot_Large(t *testing.T) {
	t.Parallel()
	noise := picture(t, 1000, 800)
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/noise.png" {
			_, _ = w.Write(noise)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<style>body{margin:0}</style><img src=/noise.png>`)
	}))
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, screen())
	load(t, page, "http://shop.example/")
	shot, err := page.Screenshot(visitContext(t))
	if err != nil || shot.Media != "image/jpeg" || shot.Bytes > 512<<10 || shot.Width != 1000 || shot.Height != 800 {
		t.Errorf("got %+v, %v; want a JPEG", shot, err)
	}
}
