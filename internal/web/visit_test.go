package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/web"
)

// visited serves devices with what browsers saw and told.
func visited(t *testing.T) string {
	t.Helper()
	return serve(t, &source{}, withViews(browsed()), withVisits(t))
}

// TestLatest_SaysWhatCustomersFeel reads the figures of the last load as both sides do.
func TestLatest_SaysWhatCustomersFeel(t *testing.T) {
	base := visited(t)
	marketing := document(t, base+"/touchpoints/web/home")
	want := []string{
		"Main content shown LCP 1.84 s Good Customers see the main content after 1.84 s. Good is at most 2.5 s.",
		"Steadiness CLS 0.137 Fair Content jumps while customers read or tap. Good is at most 0.1.",
		"Busy while loading TBT 130 ms Good The page can be used while it loads. Good is at most 200 ms.",
		"First sign of life FCP 612 ms Excellent Something shows after 612 ms. Good is at most 1.8 s.",
		"First byte TTFB 277 ms Excellent The first data of the page arrives after 277 ms. Good is at most 800 ms.",
	}
	if diff := cmp.Diff(want, texts(find(marketing, ".latest .vitals li"))); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	it := document(t, base+"/touchpoints/web/home?for=it")
	if got := texts(find(it, ".latest .vitals li")); len(got) != len(want) || !strings.Contains(got[0], "Largest Contentful Paint of img#hero (https://shop.example/hero.jpg).") {
		t.Errorf("IT reads %q, want the element that was timed", got)
	}
	for i, n := range find(it, ".vitals .figure span") {
		if got, want := text(n), text(find(marketing, ".vitals .figure span")[i]); got != want {
			t.Errorf("IT reads %q, marketing %q, want the same number", got, want)
		}
	}
	if got := text(find(marketing, "main p.quiet")[0]); got != "Looked at every 5m: https://shop.example/, critical" {
		t.Errorf("marketing reads %q above the figures", got)
	}
	const others = ". The middle one of 3 loads: 2.3 s, 1.84 s (shown), no figures."
	if got := text(find(it, ".latest p.quiet")[0]); !strings.Contains(got, "in HeadlessChrome 156.0.8078.79"+others) {
		t.Errorf("%q does not say which browser, and how the other loads were", got)
	}
	if got := text(find(marketing, ".latest p.quiet")[0]); strings.Contains(got, "HeadlessChrome") || !strings.Contains(got, others) {
		t.Errorf("marketing reads %q, want how the other loads were and no browser", got)
	}
	slow := texts(find(document(t, base+"/touchpoints/mobile/home"), ".latest .vitals li"))
	if len(slow) == 0 || !strings.HasPrefix(slow[0], "Main content shown LCP 3.26 s Fair Customers wait 3.26 s until they see the main content.") {
		t.Errorf("the slow page says %q", slow)
	}
}

// TestLatest_Pictures asks for every picture that a page shows.
func TestLatest_Pictures(t *testing.T) {
	base := visited(t)
	page := document(t, base+"/touchpoints/web/home?for=it")
	pictures := find(page, "main img")
	if len(pictures) != 1+6+2 { // screenshot, filmstrip, and both of the failure
		t.Fatalf("%d pictures, want 9", len(pictures))
	}
	for _, n := range pictures {
		src := attr(n, "src")
		if !strings.HasPrefix(src, "../../touchpoints/web/home/pictures/") {
			t.Fatalf("a picture comes from %q", src)
		}
		if attr(n, "alt") == "" || attr(n, "width") == "" || attr(n, "height") == "" || attr(n, "loading") != "lazy" {
			t.Errorf("a picture without words, size or patience: %v", n.Attr)
		}
		if response, _ := request(t, http.MethodGet, base+strings.TrimPrefix(src, "../..")); response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d, want 200", src, response.StatusCode)
		}
	}
	if got := attr(pictures[0], "alt"); got != "Screenshot of the page that the steps led to “Your basket”, 4 s after the start" {
		t.Errorf("the screenshot is called %q, want the page that it shows", got)
	}
	if got := text(find(page, ".latest figcaption")[0]); got != "where the steps led, “Your basket”, after 4 s" {
		t.Errorf("the screenshot has the caption %q", got)
	}
	if older := find(page, ".older img"); len(older) != 2 || attr(older[0], "alt") != "Screenshot of the page “"+hostile+"”, 900 ms after the start" {
		t.Error("the failure does not show what customers saw")
	}
}

// TestVisit_Requests reads the waterfall.
func TestVisit_Requests(t *testing.T) {
	page := document(t, visited(t)+"/touchpoints/web/home?for=it")
	table := find(page, "table.bars")[0]
	rows := find(table, "tbody tr")
	if len(rows) != 39 || !strings.Contains(text(find(table, "caption")[0]), "5 more are not shown.") {
		t.Fatalf("%d requests under %q, want 39, and that 5 were left out", len(rows), text(find(table, "caption")[0]))
	}
	var names []string
	for _, row := range rows[:9] {
		names = append(names, text(find(row, "summary")[0]))
	}
	if diff := cmp.Diff([]string{"shop.example", "main.css", "app.js", "hero.jpg", "a.woff2", "t.js", "missing.png", "pixel.tracker.example", "product-00.webp"}, names); diff != "" {
		t.Errorf("order of requests (-want +got):\n%s", diff)
	}
	bar := func(row *html.Node) (heights []string) {
		for _, rect := range find(row, "rect") {
			heights = append(heights, attr(rect, "height"))
		}
		return heights
	}
	for i, want := range map[int]struct {
		third, trouble, size string
		heights              []string
	}{
		0: {"", "", "18 kB", []string{"8", "8", "8"}},
		4: {"third party: fonts.example", "", "from cache", []string{"3", "3", "3"}},
		6: {"", "404", "310 B", []string{"8", "8", "8"}},
		7: {"third party: tracker.example", "no answer", "–", []string{"3", "3", "3"}},
	} {
		row := rows[i]
		third := ""
		if found := find(row, "th .type"); len(found) > 0 {
			third = text(found...)
		}
		if third != want.third || text(find(row, ".trouble")...) != want.trouble || text(find(row, "td.number")[0]) != want.size || !slices.Equal(bar(row), want.heights) {
			t.Errorf("request %d reads %q with bars %v, want %+v", i, text(row), bar(row), want)
		}
	}
	if got := spaced(find(rows[7], "dl"))[0]; !strings.Contains(got, "Answer none: net::ERR_CONNECTION_REFUSED") || !strings.Contains(got, "POST https://pixel.tracker.example/") {
		t.Errorf("details of a request without an answer: %q", got)
	}
	if got := text(find(rows[9], "th")[0]); !strings.Contains(got, "widget.js") || !strings.Contains(got, "not sent: block_hosts") || len(find(rows[9], ".trouble")) != 0 {
		t.Errorf("a request that was kept from being sent reads %q", got)
	}
	document := find(rows[0], "rect")
	if x, width := attr(document[1], "x"), attr(document[0], "width"); x != width || x == "0" {
		t.Errorf("waiting begins at %s, want where the connection stood, after %s", x, width)
	}
	if marks := find(table, "path"); len(marks) != 39 || attr(marks[0], "d") != attr(marks[38], "d") {
		t.Errorf("%d marks of the main content, want one in each row at the same place", len(marks))
	}
}

func TestVisit_Facts(t *testing.T) {
	page := document(t, visited(t)+"/touchpoints/web/home?for=it")
	visit := find(page, "details.visit")[0]
	if got, want := text(find(visit, "summary")[0]), "What it loaded: 70 requests, 1.97 MB, 5 sites of third parties"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
	want := []string{
		"Loaded 70 requests, 1.97 MB", "From third parties 5 sites, 412 kB (20 %)",
		"Failed requests 1 without an answer, 2 answered with an error", "Script errors 2",
		"Cookies set before anybody agreed 5, 2 of them of third parties", "Ended at https://shop.example/ (status 200, h2)",
		"Browser HeadlessChrome 156.0.8078.79",
	}
	if diff := cmp.Diff(want, spaced(find(visit, ".facts div"))); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	weights := find(visit, "table.weight")
	if len(weights) != 2 {
		t.Fatalf("%d tables of weight, want by kind and by site", len(weights))
	}
	if got := spaced(find(weights[0], "tbody tr")); !slices.Equal(got, []string{"image 44 1.21 MB", "script 25 742 kB", "document 1 18 kB"}) {
		t.Errorf("by kind: %q, want what was counted of all requests, the heaviest first", got)
	}
	if got := text(find(weights[1], "caption")...); got != "Third parties, of the first 39 requests" {
		t.Errorf("%q does not say that sites are those of the requests that are listed", got)
	}
	if diff := cmp.Diff([]string{"ads.example script 1 40 kB", "fonts.example font 1 0 B", "tracker.example fetch 1 0 B"}, spaced(find(weights[1], "tbody tr"))); diff != "" {
		t.Errorf("third parties (-want +got):\n%s", diff)
	}
	if got, want := texts(find(visit, ".console li")), []string{"error Uncaught TypeError: " + hostile + " https://shop.example/app.js:12", "warning slow"}; !slices.Equal(got, want) {
		t.Errorf("console %q, want %q", got, want)
	}
	if got, want := texts(find(visit, ".moves li")), []string{"div.banner after 1.5 s, shift 0.121", "something after 700 ms, shift 0.016"}; !slices.Equal(got, want) {
		t.Errorf("moves %q, want %q", got, want)
	}
}

// TestVisit_Phases explains the phases that only browsers have.
func TestVisit_Phases(t *testing.T) {
	base := visited(t)
	for side, want := range map[string]string{
		"marketing": "discover until the browser knew of the main content; load until the main content had arrived; render until it was on the screen.",
		"it":        "discover first byte to request of the largest content (load delay); load request of the largest content to its last byte (load duration); render last byte to paint (element render delay).",
	} {
		if got := texts(find(document(t, base+"/touchpoints/web/home?for="+side), ".result p.quiet")); !slices.Contains(got, want) {
			t.Errorf("for %s: %q, want %q among it", side, got, want)
		}
	}
}

// TestVisit_NoFigures shows a page whose last load failed, one of another agent, and one that no browser loads.
func TestVisit_NoFigures(t *testing.T) {
	failed := serve(t, &source{}, withViews(browsed()), withVisits(t), func(o *web.Options) {
		tp := o.Source.Channels()[0].Touchpoints[0]
		o.Recent.Drop(tp.Key())
		addResult(o, tp, brokenVisit(start()))
	})
	if got := text(find(document(t, failed+"/touchpoints/web/home"), ".latest")...); !strings.Contains(got, "This load has no figures: the page did not come up as it should.") {
		t.Errorf("after a failure: %q", got)
	}
	starved := serve(t, &source{}, withViews(browsed()), withVisits(t), func(o *web.Options) {
		tp := o.Source.Channels()[0].Touchpoints[0]
		r := visit(start().Add(4*time.Minute), 9*time.Second, desktopContent())
		o.Recent.Add(recent.Entry{Touchpoint: tp, Result: r, Verdict: quality.NotMeasured(probe.AgentStarved), Err: "late"})
	})
	latest := find(document(t, starved+"/touchpoints/web/home"), ".latest")[0]
	if got := texts(find(latest, ".vitals li")); len(got) != 3 || strings.Contains(text(latest), "9 s (shown)") || !strings.Contains(text(latest), "The measuring computer was overloaded") {
		t.Errorf("a starved agent's page says %q, want why, and what was recorded", text(latest))
	}
	remote := texts(find(document(t, serve(t, &source{}, withViews(browsed()))+"/touchpoints/web/home"), ".latest .vitals li"))
	if len(remote) != 3 || !strings.HasPrefix(remote[0], "Main content shown LCP 2.83 s Fair") {
		t.Errorf("of another agent's page: %q, want what was recorded", remote)
	}
	page := document(t, serve(t, &source{channels: channels()}, withViews(shop()))+"/touchpoints/web/home?for=it")
	for _, class := range []string{".latest", ".visit", ".parity", ".field", "#vitals", "#weight", "#sites"} {
		if len(find(page, class)) != 0 {
			t.Errorf("%s stands on a page that no browser loads", class)
		}
	}
}

// TestTouchpoint_LoadCharts draws how the page loaded over time.
func TestTouchpoint_LoadCharts(t *testing.T) {
	page := document(t, visited(t)+"/touchpoints/web/home")
	for id, want := range map[string][]string{
		"#vitals": {"main content (LCP): 2.83 s", "first sign of life (FCP): 880.3 ms", "first byte (TTFB): 393.4 ms"},
		"#weight": {"own site: 1.54 MB", "third parties: 406 kB"},
		"#sites":  {"sites: 6"},
	} {
		if got := texts(find(page, id+" .keys li")); !slices.Equal(got, want) {
			t.Errorf("%s says %q, want %q", id, got, want)
		}
	}
	if got := texts(find(page, "#weight .marks span")); !slices.Equal(got, []string{"2 MB", "1 MB", "0"}) {
		t.Errorf("the axis of the weight says %q", got)
	}
	if got := text(find(page, "#vitals .legend")...); !strings.Contains(got, "excellent ≤ 1.2 s · good ≤ 2.5 s · fair ≤ 4 s") {
		t.Errorf("the limits are %q", got)
	}
	if n := len(find(page, "#speed")); n != 0 {
		t.Error("the main content is drawn twice")
	}
}

// TestVisit_OfABusyPage counts what was counted, and not what the bounded lists of a load hold.
func TestVisit_OfABusyPage(t *testing.T) {
	base := serve(t, &source{}, withVisits(t), func(o *web.Options) {
		r := visit(start().Add(4*time.Minute), time.Second, desktopContent())
		v := &r.Evidence.Visits[1]
		v.Console = slices.Repeat([]probe.ConsoleLine{{Level: "error", Text: "\u202eesrever\x1b[31m"}}, 100)
		r.Measurements = append(r.Measurements,
			probe.Measurement{Metric: "page_console_messages", Label: "error", Value: 201}, probe.Measurement{Metric: "page_console_messages", Label: "warning", Value: 500})
		addResult(o, o.Source.Channels()[0].Touchpoints[0], r)
	})
	load := find(document(t, base+"/touchpoints/web/home?for=it"), "details.visit")[0]
	lines := texts(find(load, ".console li"))
	if len(lines) != 30 || lines[0] != "error esrever[31m" {
		t.Errorf("%d lines of the console such as %q, want 30 that turn nothing round", len(lines), lines[:1])
	}
	if got := text(load); !strings.Contains(got, "And 671 more.") {
		t.Errorf("%q does not say that 671 lines are not shown", got)
	}
}
