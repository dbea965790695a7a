package pageload_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/pageload"
)

func TestDevice(t *testing.T) {
	t.Parallel()
	type seen struct {
		Width, Height int
		Scale         float64
		Touch         int
		Agent         string
		Mobile        bool
		Platform      string
	}
	const ask = `navigator.userAgentData.getHighEntropyValues(['platform', 'model']).then((hints) => ({Width: innerWidth, Height: innerHeight, Scale: devicePixelRatio,
		Touch: navigator.maxTouchPoints, Agent: navigator.userAgent, Mobile: hints.mobile, Platform: hints.platform}))`
	tests := []struct {
		name   string
		device pageload.Device
		want   seen
		agent  string
	}{
		{"desktop", pageload.Device{Width: 1350, Height: 940, Scale: 1}, seen{1350, 940, 1, 0, "", false, "Linux"}, "(X11; Linux x86_64)"},
		{"phone", pageload.Device{Width: 412, Height: 823, Scale: 1.75, Phone: true}, seen{412, 823, 1.75, 5, "", true, "Android"}, "(Linux; Android 10; K)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			agents := map[string]bool{}
			pages := assets(map[string]string{
				"/{$}":   `<meta name=viewport content="width=device-width"><p>x<script>new Worker('/worker?100')</script><iframe src="https://ads.example/frame"></iframe>`,
				"/frame": "<img src='/image?100'>",
			})
			server := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				agents[r.UserAgent()] = true
				mu.Unlock()
				if r.URL.Path == "/worker" || r.URL.Path == "/data" {
					pages.ServeHTTP(w, r) // the browser sends no hints for workers
					return
				}
				if got, want := r.Header.Get("Sec-CH-UA-Mobile"), map[bool]string{true: "?1", false: "?0"}[test.device.Phone]; got != want {
					t.Errorf("%s: got Sec-CH-UA-Mobile %s, want %s", r.URL.Path, got, want)
				}
				if brands := r.Header.Get("Sec-CH-UA"); !strings.Contains(brands, `"Chromium";v="`) || strings.Contains(brands, "Headless") {
					t.Errorf("%s: got Sec-CH-UA %s, want Chromium", r.URL.Path, brands)
				}
				pages.ServeHTTP(w, r)
			}))
			options := quick()
			options.Device = test.device
			page, tab := open(t, map[string]*httptest.Server{"shop.example": server, "ads.example": server}, options)
			trust(t, tab)
			l := load(t, page, "https://shop.example/")
			if l.Counts.Requests != 5 || l.Weight.Insecure != 0 {
				t.Errorf("got %d requests, %d insecure, want 5, 0", l.Counts.Requests, l.Weight.Insecure)
			}
			got := evaluate[seen](t, tab, ask)
			agent := got.Agent
			got.Agent = ""
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if len(agents) != 1 || !agents[agent] {
				t.Errorf("requests had %v, want all %q", agents, agent)
			}
			if !strings.Contains(agent, test.agent) || strings.Contains(agent, "Headless") || !strings.HasSuffix(agent, " Channelwatch/test") {
				t.Errorf("got User-Agent %q, want %s and the agent's token", agent, test.agent)
			}
			shot, err := page.Screenshot(visitContext(t))
			if err != nil {
				t.Fatal(err)
			}
			width, height := int(float64(test.device.Width)*test.device.Scale), int(float64(test.device.Height)*test.device.Scale)
			if shot.Media != "image/png" || shot.Width != width || shot.Height < height || shot.Height > height+1 || shot.Bytes != int64(len(shot.Data)) {
				t.Errorf("got a picture of %d x %d, want %d x %d", shot.Width, shot.Height, width, height)
			}
		})
	}
}

func TestDevice_Throttling(t *testing.T) {
	shop := start(t, assets(map[string]string{"/{$}": `<p>x<script src="/script?50000"></script>`}))
	options := quick()
	options.Device.Network = &pageload.Throttling{Latency: 200 * time.Millisecond, Down: 800_000, Up: 800_000}
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, options)
	l := load(t, page, "http://shop.example/")
	// 50 kB at 100 kB/s take half a second, after the latency.
	if l.Vitals.Loaded == nil || *l.Vitals.Loaded < 650*time.Millisecond {
		t.Errorf("loaded after %v, want at least 650ms", l.Vitals.Loaded)
	}
}
