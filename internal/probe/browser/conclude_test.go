package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

const ms = time.Millisecond

// fine is a load in which nothing is wrong, with changes.
func fine(change func(*pageload.Load)) *pageload.Load {
	load := &pageload.Load{
		Start: time.Unix(1_700_000_000, 0), Duration: 6 * time.Second, URL: "https://shop.example/", Status: 200, Protocol: "h2", Settled: true,
		Text: "Shoes and hats", Content: probe.Content{Title: "Shop", Heading: "Shoes", Words: 300, Nodes: 40},
		Vitals: pageload.Vitals{
			TTFB: new(200 * ms), FCP: new(400 * ms), LCP: new(1000 * ms), LCPDiscover: new(100 * ms), LCPLoad: new(500 * ms),
			LCPRender: new(200 * ms), CLS: new(0.01), TBT: new(50 * ms), DOMReady: new(500 * ms), Loaded: new(1200 * ms), LongTasks: 2,
		},
		Weight: pageload.Weight{
			Bytes:    map[string]int64{"document": 5_000, "image": 90_000, "unheard of": 7},
			Requests: map[string]int{"document": 1, "image": 3, "unheard of": 1},
			First:    pageload.Party{Bytes: 60_000, Requests: 3}, Third: pageload.Party{Bytes: 35_007, Requests: 2},
			Sites: []pageload.Site{{Name: "ads.example", Bytes: 30_000, Requests: 1}, {Name: "cdn.example", Bytes: 5_007, Requests: 1}},
		},
		Counts:  pageload.Counts{Requests: 5, Console: map[string]int{"warning": 2}, Protocols: map[string]int{"h2": 5}},
		Largest: &probe.Element{Selector: "img#hero", URL: "https://shop.example/hero.jpg"},
	}
	load.Document.Phases.Add(probe.TLS, 40*ms)
	load.Document.Phases.Add(probe.Send, 1*ms)
	if change != nil {
		change(load)
	}
	return load
}

// wired is what the proxy tells of a good connection.
func wired() egress.Report {
	return egress.Report{Conns: []egress.Conn{{
		Host: "shop.example", Port: 443, Resolve: 10 * ms, ResolveAdded: 20 * ms, Connect: 5 * ms, ConnectAdded: 25 * ms,
	}}}
}

func concluded(change func(*browser.Config), runs ...browser.Run) probe.Result {
	return browser.Conclude(*config(probe.DesktopWeb, "https://shop.example/", change), setup(), runs...)
}

// findings writes down what was found.
func findings(result *probe.Result) string {
	var all []string
	if result.Reason != "" {
		all = append(all, "reason "+string(result.Reason)+": "+result.Detail)
	}
	for _, f := range result.Findings {
		all = append(all, string(f.Check)+": "+f.Detail)
	}
	return strings.Join(all, "\n")
}

func TestConclude_FinePage(t *testing.T) {
	t.Parallel()
	result := concluded(nil, browser.Run{Load: fine(nil), Egress: wired(), Wall: 6 * time.Second, CPU: 1500 * ms})
	if got := findings(&result); got != "" {
		t.Errorf("got %s, want nothing", got)
	}
	if want := "largest content after 1s; status 200, 95007 bytes in 5 requests"; result.Detail != want {
		t.Errorf("detail: got %q, want %q", result.Detail, want)
	}
	if want := "img#hero (https://shop.example/hero.jpg)"; result.Slowest != want {
		t.Errorf("slowest: got %q, want %q", result.Slowest, want)
	}
	phases := map[string]time.Duration{}
	for phase, span := range result.Phases.Spans() {
		phases[phase.String()] = span.Duration
	}
	want := map[string]time.Duration{
		"resolve": 30 * ms, "connect": 30 * ms, "tls": 40 * ms, "send": ms, "wait": 99 * ms, "discover": 100 * ms, "load": 500 * ms, "render": 200 * ms,
	}
	if diff := cmp.Diff(want, phases); diff != "" || result.Duration != time.Second {
		t.Errorf("duration %v, phases (-want +got):\n%s", result.Duration, diff)
	}
	checkNumbers(t, &result)
	if visits := result.Evidence.Visits; len(visits) != 1 || !visits[0].Published || visits[0].Vitals["lcp"] != 1 || visits[0].Vitals["cls"] != 0.01 {
		t.Errorf("got visits %+v, want a published one with its vitals", visits)
	}
}

func checkNumbers(t *testing.T, result *probe.Result) {
	t.Helper()
	got := map[string]float64{}
	for _, m := range result.Measurements {
		if m.Value != 0 {
			got[strings.TrimSpace(m.Metric+" "+m.Label)] = m.Value
		}
	}
	want := map[string]float64{
		"web_vital_seconds ttfb": 0.2, "web_vital_seconds fcp": 0.4, "web_vital_seconds lcp": 1, "web_vital_seconds tbt": 0.05,
		"web_vital_seconds dom_ready": 0.5, "web_vital_seconds load": 1.2, "web_vital_layout_shift_ratio": 0.01,
		"page_load_bytes document": 5_000, "page_load_bytes image": 90_000, "page_load_bytes other": 7,
		"page_load_requests document": 1, "page_load_requests image": 3, "page_load_requests other": 1,
		"page_party_bytes first": 60_000, "page_party_bytes third": 35_007, "page_party_requests first": 3, "page_party_requests third": 2,
		"page_third_party_sites": 2, "page_console_messages warning": 2, "page_protocol_requests h2": 5, "page_dom_nodes": 40,
		"page_long_tasks": 2, "visit_seconds": 6, "visit_cpu_seconds": 1.5, "visit_settled": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("measurements other than 0 (-want +got):\n%s", diff)
	}
}

func TestConclude_Phases(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		load   *pageload.Load
		egress egress.Report
		want   map[string]time.Duration
	}{
		"a text has no resource": {
			fine(func(l *pageload.Load) { l.Vitals.LCPDiscover, l.Vitals.LCPLoad = nil, nil }), wired(),
			map[string]time.Duration{"resolve": 30 * ms, "connect": 30 * ms, "tls": 40 * ms, "send": ms, "wait": 99 * ms, "render": 800 * ms},
		},
		"parts that are longer than the whole": {
			fine(func(l *pageload.Load) { l.Vitals.TTFB, l.Vitals.LCPLoad = new(50*ms), new(5*time.Second) }), wired(),
			map[string]time.Duration{"resolve": 30 * ms, "connect": 20 * ms, "tls": 0, "send": 0, "wait": 0, "discover": 100 * ms, "load": 850 * ms, "render": 0},
		},
		"no largest content": {
			fine(func(l *pageload.Load) { l.Vitals.LCP = nil }),
			egress.Report{},
			map[string]time.Duration{"tls": 40 * ms, "send": ms, "wait": 159 * ms, "render": 200 * ms},
		},
		"painted before the first byte": {
			fine(func(l *pageload.Load) { l.Vitals.LCP = new(100 * ms) }),
			egress.Report{},
			map[string]time.Duration{"tls": 40 * ms, "send": ms, "wait": 59 * ms, "discover": 0, "load": 0, "render": 0},
		},
	} {
		result := concluded(nil, browser.Run{Load: tt.load, Egress: tt.egress})
		got := map[string]time.Duration{}
		for phase, span := range result.Phases.Spans() {
			got[phase.String()] = span.Duration
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || result.Duration != result.Phases.Sum() {
			t.Errorf("%s: duration %v, phases (-want +got):\n%s", name, result.Duration, diff)
		}
	}
}

// TestConclude_StepsOnThePage has a step that blocks and shifts more than the load did: it is the load that is measured, and
// that findings name. What the step asks for in vain is the page's own.
func TestConclude_StepsOnThePage(t *testing.T) {
	t.Parallel()
	loaded := fine(func(l *pageload.Load) {
		l.Vitals.CLS, l.Vitals.TBT = new(0.2), new(300*ms)
		l.Shifts = []probe.Shift{{At: ms, Value: 0.2, Selector: "#banner"}}
		l.Blocking = []pageload.Script{{URL: "https://shop.example/load.js", At: 900 * ms, Duration: 350 * ms}}
	})
	end := fine(func(l *pageload.Load) {
		l.Vitals.CLS, l.Vitals.TBT, l.Vitals.INP = new(0.9), new(9000*ms), new(50*ms)
		l.Shifts = []probe.Shift{{At: 7000 * ms, Value: 0.7, Selector: "#go"}}
		l.Blocking = []pageload.Script{{URL: "https://shop.example/step.js", At: 7000 * ms, Duration: 9000 * ms}}
		l.Largest, l.Settled = &probe.Element{Selector: "p#bought"}, false
		l.Requests = []probe.Request{{URL: "https://shop.example/basket", Type: "fetch", Status: 500}}
		l.Weight.First.Failed = 1
	})
	result := concluded(nil, browser.Run{Load: loaded, End: end})
	want := "layout_shift: layout shift 0.200, want at most 0.1; #banner moved at 1ms (0.200)\n" +
		"blocking_scripts: scripts blocked the page for 300ms, want at most 200ms: https://shop.example/load.js for 350ms at 900ms\n" +
		"failed_requests: 1 requests to the page's own site failed, want none: https://shop.example/basket: status 500"
	if diff := cmp.Diff(want, findings(&result)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(result.Slowest, "img#hero") || len(result.Evidence.Visits) != 1 || !result.Evidence.Visits[0].Settled ||
		result.Evidence.Visits[0].Shifts[0].Selector != "#banner" {
		t.Errorf("got slowest %q and %+v, want one visit of the page as it loaded", result.Slowest, result.Evidence.Visits)
	}
}

func TestConclude_Findings(t *testing.T) {
	t.Parallel()
	request := func(r probe.Request) func(*pageload.Load) {
		return func(l *pageload.Load) { l.Requests = append(l.Requests, r) }
	}
	broken := func(r probe.Request) func(*pageload.Load) {
		return func(l *pageload.Load) {
			request(r)(l)
			if r.ThirdParty {
				l.Weight.Third.Failed++
			} else {
				l.Weight.First.Failed++
			}
		}
	}
	tests := []struct {
		name   string
		load   func(*pageload.Load)
		config func(*browser.Config)
		want   string
	}{
		{"shift at its bound", func(l *pageload.Load) { l.Vitals.CLS = new(0.05) }, nil, ""},
		{
			"a slight shift", func(l *pageload.Load) {
				l.Vitals.CLS, l.Shifts = new(0.06), []probe.Shift{{At: 1500 * ms, Value: 0.06, Selector: "#banner"}}
			}, nil,
			"layout_shift_slight: layout shift 0.060, want at most 0.05; #banner moved at 1.5s (0.060)",
		},
		{"a shift", func(l *pageload.Load) { l.Vitals.CLS = new(0.2) }, nil, "layout_shift: layout shift 0.200, want at most 0.1"},
		{"a heavy shift", func(l *pageload.Load) { l.Vitals.CLS = new(0.26) }, nil, "layout_shift_heavy: layout shift 0.260, want at most 0.25"},
		{
			"scripts that block a little", func(l *pageload.Load) { l.Vitals.TBT = new(101 * ms) }, nil,
			"blocking_scripts_slight: scripts blocked the page for 101ms, want at most 100ms",
		},
		{
			"scripts that block", func(l *pageload.Load) {
				l.Vitals.TBT = new(600 * ms)
				l.Blocking = []pageload.Script{{URL: "https://tags.example/a.js", At: 300 * ms, Duration: 400 * ms}, {At: time.Second, Duration: 300 * ms}}
			}, nil,
			"blocking_scripts: scripts blocked the page for 600ms, want at most 200ms: https://tags.example/a.js for 400ms at 300ms",
		},
		{"scripts that freeze", func(l *pageload.Load) { l.Vitals.TBT = new(601 * ms) }, nil, "blocking_scripts_heavy: scripts blocked the page for 601ms, want at most 600ms"},
		{"a slow reaction", func(l *pageload.Load) { l.Vitals.INP = new(160 * ms) }, nil, "slow_interaction_slight: the page took 160ms to react to a step, want at most 100ms"},
		{"a slower reaction", func(l *pageload.Load) { l.Vitals.INP = new(300 * ms) }, nil, "slow_interaction: the page took 300ms to react to a step, want at most 200ms"},
		{"hardly any reaction", func(l *pageload.Load) { l.Vitals.INP = new(700 * ms) }, nil, "slow_interaction_heavy: the page took 700ms to react to a step, want at most 500ms"},
		{
			"script errors", func(l *pageload.Load) {
				l.Counts.JSErrors = 3
				l.Errors = []probe.ConsoleLine{{Text: "TypeError:\n x is null", URL: "https://shop.example/app.js", Line: 7}}
			}, nil,
			`js_errors: 3 JavaScript errors, want none; the first is "TypeError: x is null" in https://shop.example/app.js:7`,
		},
		{
			"a missing picture", broken(probe.Request{URL: "https://shop.example/a.png", Type: "image", Status: 404}), nil,
			"failed_requests: 1 requests to the page's own site failed, want none: https://shop.example/a.png: status 404",
		},
		{
			"a tag without answer", broken(probe.Request{URL: "https://tags.example/", Type: "script", ThirdParty: true, Error: "net::ERR_CONNECTION_RESET"}), nil,
			"failed_third_party: 1 requests to third parties failed, want none: https://tags.example/: net::ERR_CONNECTION_RESET",
		},
		{
			"a script that is cut off", broken(probe.Request{URL: "https://shop.example/app.js", Type: "script", Status: 200, Error: "net::ERR_CONTENT_LENGTH_MISMATCH"}), nil,
			"failed_requests: 1 requests to the page's own site failed, want none: https://shop.example/app.js: status 200, but net::ERR_CONTENT_LENGTH_MISMATCH",
		},
		{
			"a document that is cut off", broken(probe.Request{URL: "https://shop.example/", Type: "document", Status: 200, Error: "net::ERR_INCOMPLETE_CHUNKED_ENCODING"}), nil,
			"failed_requests: 1 requests to the page's own site failed, want none: https://shop.example/: status 200, but net::ERR_INCOMPLETE_CHUNKED_ENCODING",
		},
		{"failures beyond the evidence", func(l *pageload.Load) { l.Weight.Third.Failed = 8 }, nil, "failed_third_party: 8 requests to third parties failed, want none"},
		{"given up by the page", request(probe.Request{URL: "https://tags.example/", Error: "net::ERR_ABORTED"}), nil, ""},
		{"kept out by the operator", request(probe.Request{URL: "https://tags.example/", Error: "blocked"}), nil, ""},
		{
			"an error page that is expected", func(l *pageload.Load) {
				broken(probe.Request{URL: l.URL, Type: "document", Status: 404})(l)
				l.Status = 404
			}, func(c *browser.Config) { c.Expect.Status = []string{"404"} }, "",
		},
		{
			"many pictures", func(l *pageload.Load) {
				for range 7 {
					broken(probe.Request{URL: "https://a.example/", Status: 500})(l)
				}
			}, nil,
			"failed_requests: 7 requests to the page's own site failed, want none: " +
				strings.Repeat("https://a.example/: status 500, ", 4) + "https://a.example/: status 500 and 2 more",
		},
		{
			"a picture that never comes", func(l *pageload.Load) {
				l.Settled, l.Vitals.Loaded = false, nil
				l.Pending = []probe.Request{{URL: "https://tags.example/t.js", ThirdParty: true}, {URL: "https://shop.example/hero.jpg"}}
			}, nil,
			"never_loaded: still loading after 6s: https://tags.example/t.js, https://shop.example/hero.jpg",
		},
		{
			"a tag that never comes", func(l *pageload.Load) {
				l.Settled, l.Vitals.Loaded = false, nil
				l.Pending = []probe.Request{{URL: "https://tags.example/t.js", ThirdParty: true}}
			}, nil,
			"never_loaded_third_party: still loading after 6s: https://tags.example/t.js",
		},
		{
			"a page that goes on asking", func(l *pageload.Load) {
				l.Settled, l.Pending = false, []probe.Request{{URL: "https://shop.example/poll"}}
			}, nil, "",
		},
		{"a page without end", func(l *pageload.Load) { l.Settled, l.Vitals.Loaded = false, nil }, nil, "never_loaded: still loading after 6s"},
		{"boxes", func(l *pageload.Load) { l.Dialogs = 2 }, nil, "dialog_boxes: 2 dialog boxes, want none"},
		{"too many boxes", func(l *pageload.Load) { l.Dialogs = 3 }, nil, "dialog_boxes_many: 3 dialog boxes, one after the other, want none"},
		{"as many requests as may be", func(l *pageload.Load) { l.Counts.Requests, l.Counts.Blocked = 2001, 1 }, nil, ""},
		{
			"too many requests, which the proxy did not see", func(l *pageload.Load) { l.Counts.Requests = 2001 }, nil,
			"reason page_too_large: 2001 requests, want at most 2000",
		},
		{"within the budget", nil, func(c *browser.Config) {
			c.Budget = browser.Budget{Bytes: new(int64(95_007)), Requests: new(5), ThirdPartySites: new(2), JSErrors: new(0)}
		}, ""},
		{"over the budget", nil, func(c *browser.Config) {
			c.Budget = browser.Budget{Bytes: new(int64(95_006)), Requests: new(4), ThirdPartySites: new(1), JSErrors: new(0)}
		}, "over_budget: 95007 bytes, want at most 95006; 5 requests, want at most 4; 2 third-party sites, want at most 1"},
		{"approved", nil, func(c *browser.Config) { c.ApprovedDomains = []string{"ads.example", "*.cdn.example", "cdn.example"} }, ""},
		{
			"not approved", nil, func(c *browser.Config) {
				c.ApprovedDomains = []string{"example", "ADS.example."}
				c.ApprovedDomains[0] = "dn.example"
			},
			"unapproved_site: 1 third parties are not approved: cdn.example (5007 bytes, 1 requests)",
		},
		{
			"approved in part", func(l *pageload.Load) {
				l.Weight.Sites[0].Hosts = []string{"bad.ads.example", "good.ads.example"}
			}, func(c *browser.Config) { c.ApprovedDomains = []string{"good.ads.example", "cdn.example"} },
			"unapproved_site: 1 third parties are not approved: bad.ads.example",
		},
		{
			"insecure parts", func(l *pageload.Load) { l.Mixed = []string{"http://a.example/1.png"} }, nil,
			"mixed_content: 1 insecure parts on a secure page, want none: http://a.example/1.png",
		},
		{
			"cookies", func(l *pageload.Load) {
				l.Cookies = []pageload.Cookie{{Name: "own", Domain: "shop.example"}, {Name: "b", Domain: "ads.example", ThirdParty: true}, {Name: "a", Domain: "ads.example", ThirdParty: true}}
			}, nil,
			"cookies_before_consent: 2 third-party cookies before any click, want none: a of ads.example, b of ads.example",
		},
		{
			"own cookies", func(l *pageload.Load) {
				l.Cookies = []pageload.Cookie{
					{Name: "session", Domain: "shop.example"},
					{Name: "b", Domain: ".shop.example", Lifetime: 1},
					{Name: "a", Domain: "shop.example", Lifetime: 400 * 24 * time.Hour},
					{Name: "track", Domain: "ads.example", ThirdParty: true, Lifetime: time.Hour},
				}
			}, nil,
			"cookies_before_consent: 1 third-party cookies before any click, want none: track of ads.example\n" +
				"own_cookies_before_consent: 2 cookies of the page's own site that outlive the session before any click, want none: " +
				"a of shop.example, b of .shop.example",
		},
		{
			"many own cookies", func(l *pageload.Load) {
				for range 6 {
					l.Cookies = append(l.Cookies, pageload.Cookie{Name: "a", Domain: "shop.example", Lifetime: time.Hour})
				}
			}, nil,
			"own_cookies_before_consent: 6 cookies of the page's own site that outlive the session before any click, want none: " +
				strings.Repeat("a of shop.example, ", 4) + "a of shop.example and 1 more",
		},
		{"plain http", func(l *pageload.Load) { l.URL = "http://shop.example/?a=b" }, nil, "not_https: landed on http://shop.example/?a=xxx, want https"},
		{"this machine", func(l *pageload.Load) { l.URL = "http://shop.localhost/" }, nil, ""},
		{"expected words", nil, func(c *browser.Config) {
			c.Expect = browser.Expect{Text: []string{"SHOES  and"}, NotText: []string{"boots"}, Title: "S*p", FinalURL: "https://SHOP.example:443"}
		}, ""},
		{"other words", nil, func(c *browser.Config) {
			c.Expect = browser.Expect{Text: []string{"Boots"}, NotText: []string{"HATS"}, Title: "s*p", FinalURL: "https://shop.example/?a=b"}
		}, `text_missing: 300 words without "Boots"; the text starts with "Shoes and hats"` + "\n" +
			`text_forbidden: the page says "HATS", want none of it` + "\n" +
			`title_wrong: title "Shop", want "s*p"` + "\n" +
			`final_url_wrong: landed on https://shop.example/, want https://shop.example/?a=xxx`},
		{"another query", func(l *pageload.Load) { l.URL = "https://shop.example/?a=c#top" }, func(c *browser.Config) {
			c.Expect.FinalURL = "https://shop.example/?a=b"
		}, "final_url_wrong: landed on https://shop.example/?a=xxx, want https://shop.example/?a=xxx (they differ in the query)"},
		{"a place on the page", func(l *pageload.Load) { l.URL = "https://shop.example/#top" }, func(c *browser.Config) {
			c.Expect.FinalURL = "https://shop.example/"
		}, ""},
		{
			"a page that says not found", func(l *pageload.Load) { l.Content = probe.Content{Title: "404 | Shop", Heading: "Page not found"} }, nil,
			`soft_404: status 200, but the heading says "Page not found"`,
		},
		{
			"a page that says so and has an expected text", func(l *pageload.Load) { l.Content = probe.Content{Title: "404 | Shop", Heading: "Page not found"} },
			func(c *browser.Config) { c.Expect.Text = []string{"hats"} }, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result := concluded(tt.config, browser.Run{Load: fine(tt.load)})
			if diff := cmp.Diff(tt.want, findings(&result)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
