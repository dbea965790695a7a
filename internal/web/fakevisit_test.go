package web_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

// devices are the channels of a shop whose first page is loaded by browsers as on two devices.
func devices() []*probe.Channel {
	channel := func(name, title string, as probe.ChannelType) *probe.Channel {
		home := &probe.Touchpoint{
			Channel: name, Name: "home", Title: "Home", Kind: "browser", Tier: probe.Critical, Every: 5 * time.Minute, Timeout: 30 * time.Second,
			Pair:   "home",
			Limits: probe.Limits{Excellent: 1200 * time.Millisecond, Good: 2500 * time.Millisecond, Fair: 4 * time.Second},
			Built:  probe.Built{Profile: probe.Profile{URL: "https://shop.example/"}},
		}
		return &probe.Channel{Name: name, Title: title, Type: as, Touchpoints: []*probe.Touchpoint{home}}
	}
	return []*probe.Channel{channel("web", "Web shop", probe.DesktopWeb), channel("mobile", "Mobile website", probe.MobileWeb)}
}

// withVisits lets an agent probe devices, and remember what browsers saw of them: a good page on the desktop after one that failed, and a slow
// one that says something else on the phone.
func withVisits(tb testing.TB) func(*web.Options) {
	tb.Helper()
	return func(o *web.Options) {
		channels := devices()
		o.Source = &source{channels: channels, notices: []string{"Reload refused."}}
		desktop, phone := channels[0].Touchpoints[0], channels[1].Touchpoints[0]
		o.Recent = recent.New(8 << 20)
		add := func(tp *probe.Touchpoint, r probe.Result) {
			o.Recent.Add(recent.Entry{Touchpoint: tp, Result: r, Verdict: quality.Rate(o.Catalogue, tp.Limits, &r)})
		}
		now := time.Now()
		add(desktop, brokenVisit(now.Add(-11*time.Minute)))
		add(desktop, visit(now.Add(-2*time.Minute), 1840*time.Millisecond, desktopContent()))
		add(phone, visit(now.Add(-3*time.Minute), 3260*time.Millisecond, probe.Content{Title: "Shop – mobile", Words: 310, Links: 41, Pictures: 12, Nodes: 800}))
		o.Picture = func(string) (string, []byte, bool) { return "image/png", drawing(tb), true }
	}
}

func desktopContent() probe.Content {
	return probe.Content{Title: "Shop – everything for the garden", Heading: "Spring sale", Words: 520, Links: 64, Pictures: 22, Nodes: 1320}
}

// visit is the result of a load that showed its main content after lcp.
func visit(start time.Time, lcp time.Duration, content probe.Content) probe.Result {
	r := probe.Result{Start: start, Duration: lcp}
	for p, ms := range map[probe.Phase]time.Duration{
		probe.Resolve: 12, probe.Connect: 41, probe.TLS: 44, probe.Wait: 180, probe.Discover: 260, probe.Load: lcp/time.Millisecond - 620, probe.Render: 83,
	} {
		r.Phases.Add(p, ms*time.Millisecond)
	}
	r.Findings = []probe.Finding{{Check: probe.CertificateExpiring, Detail: "ends in 12 days"}}
	for _, m := range []struct {
		metric, label string
		value         float64
	}{
		{"page_load_requests", "document", 1},
		{"page_load_requests", "image", 44},
		{"page_load_requests", "script", 25},
		{"page_load_bytes", "document", 18_400},
		{"page_load_bytes", "image", 1_210_000},
		{"page_load_bytes", "script", 741_600},
		{"page_party_bytes", "first", 1_558_000},
		{"page_party_bytes", "third", 412_000},
		{"page_third_party_sites", "", 5},
		{"page_failed_requests", "no_answer", 1},
		{"page_failed_requests", "http_error", 2},
		{"page_js_errors", "", 2},
		{"page_cookies", "first", 3},
		{"page_cookies", "third", 2},
	} {
		r.Measurements = append(r.Measurements, probe.Measurement{Metric: m.metric, Label: m.label, Value: m.value})
	}
	v := probe.Visit{
		Run: 2, Published: true, Start: start, Browser: "HeadlessChrome 156.0.8078.79", URL: "https://shop.example/", Status: 200, Protocol: "h2", Settled: true,
		Vitals: map[string]float64{
			"lcp": lcp.Seconds(), "cls": 0.137, "tbt": 0.13, "fcp": 0.612, "ttfb": 0.277, "load": lcp.Seconds() + 1, "dom_ready": 0.9,
		},
		Largest: &probe.Element{Selector: "img#hero", URL: "https://shop.example/hero.jpg"}, Content: content,
		Shifts:     []probe.Shift{{At: 1500 * time.Millisecond, Value: 0.121, Selector: "div.banner"}, {At: 700 * time.Millisecond, Value: 0.016}},
		Console:    []probe.ConsoleLine{{At: time.Second, Level: "error", Text: "Uncaught TypeError: " + hostile, URL: "https://shop.example/app.js", Line: 12}, {Level: "warning", Text: "slow"}},
		Screenshot: &probe.Picture{At: 4 * time.Second, Media: "image/png", Width: 1350, Height: 940, ID: "5f0c3a9d1b7e5f0c3a9d1b7e"},
		Requests:   requests(lcp), Omitted: 5,
	}
	for i := range 6 {
		v.Filmstrip = append(v.Filmstrip, probe.Picture{At: time.Duration(i) * lcp / 5, Media: "image/png", Width: 400, Height: 278, ID: fmt.Sprintf("film-frame-%d", i)})
	}
	other := probe.Visit{Run: 1, Vitals: map[string]float64{"lcp": 2.301}}
	// The steps of the run led to another page; what customers saw there is its picture.
	end := probe.Visit{Run: 2, URL: "https://shop.example/basket", Status: 200, Screenshot: v.Screenshot, Content: probe.Content{Title: "Your basket"}}
	v.Screenshot = nil
	r.Evidence = &probe.Evidence{Visits: []probe.Visit{other, v, end, {Run: 3}}}
	return r
}

// requests are those of a page that was at rest a while after its main content showed.
func requests(lcp time.Duration) []probe.Request {
	const ms = time.Millisecond
	all := []probe.Request{
		{URL: "https://shop.example/", Method: "GET", Type: "document", Site: "shop.example", Status: 200, Protocol: "h2", MIME: "text/html", Bytes: 18_400, Blocked: 97 * ms, Wait: 180 * ms, Receive: 20 * ms},
		{URL: "https://shop.example/main.css", Method: "GET", Type: "stylesheet", Site: "shop.example", Status: 200, Protocol: "h2", MIME: "text/css", Bytes: 41_000, Start: 290 * ms, Wait: 60 * ms, Receive: 90 * ms},
		{URL: "https://shop.example/app.js", Method: "GET", Type: "script", Site: "shop.example", Status: 200, Protocol: "h2", MIME: "text/javascript", Bytes: 702_000, Start: 295 * ms, Wait: 70 * ms, Receive: 420 * ms},
		{URL: "https://shop.example/hero.jpg", Method: "GET", Type: "image", Site: "shop.example", Status: 200, Protocol: "h2", MIME: "image/jpeg", Bytes: 640_000, Start: 537 * ms, Wait: 80 * ms, Receive: lcp - 700*ms},
		{URL: "https://tags.ads.example/t.js?id=…", Method: "GET", Type: "script", Site: "ads.example", ThirdParty: true, Status: 200, Protocol: "h2", MIME: "text/javascript", Bytes: 39_600, Start: 700 * ms, Blocked: 120 * ms, Wait: 140 * ms, Receive: 40 * ms},
		{URL: "https://cdn.fonts.example/a.woff2", Method: "GET", Type: "font", Site: "fonts.example", ThirdParty: true, Status: 200, Cached: true, Start: 650 * ms, Receive: 2 * ms},
		{URL: "https://pixel.tracker.example/", Method: "POST", Type: "fetch", Site: "tracker.example", ThirdParty: true, Error: "net::ERR_CONNECTION_REFUSED", Start: 900 * ms, Blocked: 300 * ms},
		{URL: "https://chat.example/widget.js", Method: "GET", Type: "script", Site: "chat.example", ThirdParty: true, Error: "blocked", Start: 910 * ms},
		{URL: "https://shop.example/missing.png", Method: "GET", Type: "image", Site: "shop.example", Status: 404, Protocol: "h2", Bytes: 310, Start: 820 * ms, Wait: 60 * ms},
	}
	for i := range 30 {
		all = append(all, probe.Request{
			URL: fmt.Sprintf("https://shop.example/img/product-%02d.webp", i), Method: "GET", Type: "image", Site: "shop.example", Status: 200, Protocol: "h2",
			MIME: "image/webp", Bytes: int64(9_000 + 1_300*i), Start: time.Duration(900+25*i) * ms, Wait: 50 * ms, Receive: time.Duration(30+5*i) * ms,
		})
	}
	return all
}

// brokenVisit is the result of a page that was answered with an error.
func brokenVisit(start time.Time) probe.Result {
	return probe.Result{
		Start: start, Duration: 900 * time.Millisecond, Reason: probe.ConnectionClosed, Detail: "status 500, want 200",
		Evidence: &probe.Evidence{Visits: []probe.Visit{{
			Run: 1, Start: start, Browser: "HeadlessChrome 156.0.8078.79", URL: "https://shop.example/", Status: 500, Settled: true,
			Content:    probe.Content{Title: hostile, Heading: "Internal error", Words: 4},
			Screenshot: &probe.Picture{At: 900 * time.Millisecond, Media: "image/png", Width: 1350, Height: 940, ID: "broken-0123456789"},
			Filmstrip:  []probe.Picture{{At: 400 * time.Millisecond, Media: "image/png", Width: 400, Height: 278, ID: "broken-frame-0"}},
			Requests:   requests(900 * time.Millisecond)[:1],
		}}},
	}
}

// drawing is a picture of a made-up page.
func drawing(tb testing.TB) []byte {
	tb.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 1350, 940))
	for y := range 940 {
		for x := range 1350 {
			c := color.NRGBA{250, 250, 248, 255}
			switch {
			case y < 80:
				c = color.NRGBA{32, 60, 48, 255}
			case y > 120 && y < 520 && x > 60 && x < 1290:
				c = color.NRGBA{uint8(150 + x/20), 190, uint8(110 + y/8), 255}
			case y > 570 && y < 840 && (x-60)%320 < 280 && x > 60 && x < 1300:
				c = color.NRGBA{214, 220, 206, 255}
			}
			picture.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// browsed are views of devices.
func browsed() *fakeViews {
	f := shop()
	f.browsed, f.field = true, fakeField()
	return f
}

// addBrowsed adds what was recorded of a page in browsers.
func (f *fakeViews) addBrowsed(p *view.TouchpointPage) {
	p.Kind, p.Name = "browser", "home"
	p.Limits = &view.Limits{Excellent: 1.2, Good: 2.5, Fair: 4}
	p.Loads = &view.Loads{
		Vitals: []view.VitalOverTime{
			{Vital: probe.LCP, Line: fakeLine(2.9, 1.1, p.From, p.At)},
			{Vital: probe.FCP, Line: fakeLine(0.9, 0.3, p.From, p.At)},
			{Vital: probe.TTFB, Line: fakeLine(0.4, 0.1, p.From, p.At)},
		},
		Parties: []view.PartyOverTime{
			{Party: "first", Line: fakeLine(1.558e6, 2e5, p.From, p.At)}, {Party: "third", Line: fakeLine(4.12e5, 9e4, p.From, p.At)},
		},
		Sites: fakeLine(6, 2, p.From, p.At),
	}
	p.Pair = []view.PairSide{
		{Channel: "web", ChannelTitle: "Web shop", ChannelType: "desktop_web", Touchpoint: "home", Title: "Home", Rating: probe.Good, Seconds: new(1.9), Bytes: new(1.97e6), Requests: new(70.0)},
		{Channel: "mobile", ChannelTitle: "Mobile website", ChannelType: "mobile_web", Touchpoint: "home", Title: "Home", Rating: probe.Fair, Seconds: new(3.3), Bytes: new(1.2e6), Requests: new(58.0)},
	}
	p.Field = f.field
}

func fakeField() []view.Field {
	return []view.Field{
		{Group: "home", Device: "mobile", Title: "Home", Vitals: []view.FieldVital{
			{Vital: probe.LCP, Value: 3.31, Rating: probe.Fair, Count: 1240, Lab: new(1.84), LabRating: probe.Good},
			{Vital: probe.INP, Value: 0.216, Rating: probe.Fair, Count: 611},
			{Vital: probe.CLS, Value: 0.04, Rating: probe.Excellent, Count: 1190, Lab: new(0.137), LabRating: probe.Fair},
		}},
		{Group: "home", Device: "desktop", Title: "Home", Vitals: []view.FieldVital{
			{Vital: probe.LCP, Value: 1.6, Rating: probe.Good, Count: 402, Lab: new(1.84), LabRating: probe.Good},
		}},
	}
}
