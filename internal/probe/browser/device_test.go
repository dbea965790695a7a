package browser_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// asked is what a server saw of a device.
type asked struct {
	Phone, Product bool
	Chrome         string // whether the version is that of the client hints
	Screen         string // as a script of the page sees it
	Touch          string
}

func TestProbe_Profiles(t *testing.T) {
	t.Parallel()
	const page = `<title>Shop</title><meta name=viewport content="width=device-width"><h1>Shoes</h1><script>
		fetch('/seen?screen=' + innerWidth + 'x' + innerHeight + '@' + devicePixelRatio + '&touch=' + (navigator.maxTouchPoints > 0));
	</script>`
	kind := browser.QuickKind()
	for profile, want := range map[string]asked{
		"desktop":     {false, true, "same", "1350x940@1", "false"},
		"mobile":      {true, true, "same", "412x823@1.75", "true"},
		"mobile-slow": {true, true, "same", "412x823@1.75", "true"},
		"native":      {false, true, "same", "1350x940@1", "false"},
	} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var got asked
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				agent := r.UserAgent()
				if r.URL.Path == "/seen" {
					got.Screen, got.Touch = r.URL.Query().Get("screen"), r.URL.Query().Get("touch")
					return
				}
				if r.URL.Path == "/" {
					got.Phone = strings.Contains(agent, "Android") && strings.Contains(agent, " Mobile ") && r.Header.Get("Sec-Ch-Ua-Mobile") == "?1"
					got.Product = strings.HasSuffix(agent, " Channelwatch/1.2.3") && !strings.Contains(agent, "Headless")
					_, version, _ := strings.Cut(agent, "Chrome/")
					version, _, _ = strings.Cut(version, ".")
					got.Chrome = "other"
					if strings.Contains(r.Header.Get("Sec-Ch-Ua"), fmt.Sprintf(`"Chromium";v="%s"`, version)) {
						got.Chrome = "same"
					}
					html(page)(w, r)
				}
			})
			// Client hints are for secure pages, and loopback counts as one.
			result := run(t, kind, local(strings.Replace(url, "127.0.0.1", "localhost", 1)+"/", func(c *browser.Config) { c.Profile = profile }))
			if result.Reason != "" {
				t.Fatalf("got reason %q: %s", result.Reason, result.Detail)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("device (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProbe_ShapingAddsUp compares the time to first byte of one server with two delays on two lines: what the line takes
// is added to what the server takes, so that a back end that gets slower is seen.
func TestProbe_ShapingAddsUp(t *testing.T) {
	const slower = 600 * time.Millisecond
	kind := browser.QuickKind()
	keep, err := kind.Build(local("http://127.0.0.1:1/", nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	ttfb := func(profile string, delay time.Duration) time.Duration {
		t.Helper()
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			<-timer.C
			html("<title>Shop</title><h1>Shoes</h1>")(w, r)
		})
		result := run(t, kind, local(url+"/", func(c *browser.Config) { c.Profile = profile }))
		if result.Reason != "" {
			t.Fatalf("%s: got reason %q: %s", profile, result.Reason, result.Detail)
		}
		return time.Duration(measured(&result, "web_vital_seconds", "ttfb") * float64(time.Second))
	}
	for _, tt := range []struct {
		profile string
		line    time.Duration // one round trip to connect, one to ask; an address is not looked up
	}{{"desktop", 2 * 40 * time.Millisecond}, {"mobile", 2 * 150 * time.Millisecond}, {"mobile-slow", 2 * 300 * time.Millisecond}} {
		quick, slow := time.Hour, time.Hour // the best: a busy machine adds to some of them
		fits := func() bool { return within(quick, tt.line, 0.15, 60*time.Millisecond) }
		adds := func() bool { return within(slow-quick, slower, 0.15, 0) }
		for tries := 0; tries < 8 && (!fits() || !adds()); tries++ {
			quick, slow = min(quick, ttfb(tt.profile, 0)), min(slow, ttfb(tt.profile, slower))
		}
		if !fits() {
			t.Errorf("%s: got a time to first byte of %v, want about %v", tt.profile, quick, tt.line)
		}
		if !adds() {
			t.Errorf("%s: a server that takes %v longer adds %v (%v, then %v), want within 15 %%", tt.profile, slower, slow-quick, quick, slow)
		}
	}
}

// within reports whether got is want, give or take a share of it and some time.
func within(got, want time.Duration, share float64, slack time.Duration) bool {
	return (got - want).Abs() <= time.Duration(share*float64(want))+slack
}

// measured returns a measurement, and -1 without it.
func measured(result *probe.Result, metric, label string) float64 {
	i := slices.IndexFunc(result.Measurements, func(m probe.Measurement) bool { return m.Metric == metric && m.Label == label })
	if i < 0 {
		return -1
	}
	return result.Measurements[i].Value
}

// TestProbe_LighthouseThrottlesInTheBrowser looks at what DevTools' latency is known for: it is a floor for each request
// that hides what the server takes.
func TestProbe_LighthouseThrottlesInTheBrowser(t *testing.T) {
	url := serve(t, html("<title>Shop</title><h1>Shoes</h1>"))
	c := local(url+"/", func(c *browser.Config) { c.Profile, c.Compat = "mobile", "lighthouse" })
	fitting(t, browser.QuickKind(), c, func(result *probe.Result) string {
		fcp, ttfb := measured(result, "web_vital_seconds", "fcp"), measured(result, "web_vital_seconds", "ttfb")
		if fcp < 0.56 {
			t.Errorf("got a first paint at %v s, want it above the floor of 562 ms", fcp)
		}
		if ttfb > 0.3 {
			return fmt.Sprintf("a first byte at %v s, want no floor under it", ttfb)
		}
		return ""
	})
}
