package web_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

// everyPage are the pages of an agent over shop.
func everyPage() []string {
	return []string{"/", "/channels/web", "/channels/app", "/channels/social", "/touchpoints/web/home", "/touchpoints/web/search", "/incidents", "/wall"}
}

// TestPages_AreBuiltForEverybody checks what a reader with a keyboard or a screen reader needs on every page.
func TestPages_AreBuiltForEverybody(t *testing.T) {
	base, browsed := serve(t, &source{channels: channels(), notices: []string{"Reload refused."}}, withViews(shop())), visited(t)
	urls := []string{browsed + "/touchpoints/web/home?for=it", browsed + "/touchpoints/mobile/home", browsed + "/channels/web"}
	for _, path := range everyPage() {
		urls = append(urls, base+path)
	}
	for _, address := range urls {
		t.Run(strings.TrimPrefix(address, "http://"), func(t *testing.T) {
			page := document(t, address)
			if n := len(find(page, "h1")); n != 1 {
				t.Errorf("%d h1, want one", n)
			}
			if n := len(find(page, "main")); n != 1 {
				t.Errorf("%d main, want one", n)
			}
			level := 0
			for n := range page.Descendants() {
				if n.Type == html.ElementNode && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
					if next := int(n.Data[1] - '0'); next > level+1 {
						t.Errorf("heading %q is of level %d under level %d", text(n), next, level)
					}
					level = int(n.Data[1] - '0')
				}
			}
			for _, table := range find(page, "table") {
				if len(find(table, "caption")) != 1 {
					t.Errorf("a table has no caption: %s", text(table))
				}
				for _, th := range find(table, "th") {
					if attr(th, "scope") == "" {
						t.Errorf("the heading %q of a table has no scope", text(th))
					}
				}
			}
			regions := map[string]bool{}
			for _, n := range find(page, "div") {
				if name := attr(n, "aria-label"); attr(n, "role") == "region" {
					if name == "" || regions[name] {
						t.Errorf("a region is named %q, as another one or not at all", name)
					}
					regions[name] = true
				}
			}
			ids := map[string]int{}
			for n := range page.Descendants() {
				if id := attr(n, "id"); id != "" {
					if ids[id]++; ids[id] > 1 {
						t.Errorf("the id %q stands twice", id)
					}
				}
				if attr(n, "style") != "" || strings.HasPrefix(attr(n, "href"), "http") {
					t.Errorf("an inline style, or something from elsewhere: %v", n.Attr)
				}
			}
			if !strings.Contains(text(page), "Reload refused.") {
				t.Error("the notice is missing")
			}
		})
	}
}

// TestPages_HostileTitles gives every text of a channel's owner the form of an attack.
func TestPages_HostileTitles(t *testing.T) {
	views := shop()
	for i := range views.channels {
		c := &views.channels[i]
		c.Title, c.OwnerIT, c.OwnerMarketing = hostile, hostile, hostile
		c.Words = view.Words{Gap: hostile, Since: hostile, Cause: view.Sides{Marketing: hostile, IT: hostile}}
		c.Agreement.Words = view.Sides{Marketing: hostile, IT: hostile}
		for j := range c.Causes {
			c.Causes[j].Title, c.Causes[j].Marketing, c.Causes[j].IT = "</script>"+hostile, hostile, hostile
		}
	}
	for i := range views.incidents {
		views.incidents[i].Title, views.incidents[i].Words = hostile, view.Sides{Marketing: hostile, IT: hostile}
	}
	base := serve(t, &source{channels: channels()}, withViews(views))
	for _, path := range everyPage() {
		for _, side := range []string{"it", "marketing"} {
			_, body := request(t, http.MethodGet, base+path+"?for="+side)
			if strings.Contains(body, "<script>") || strings.Contains(body, "alert(1)</script") {
				t.Errorf("%s for %s holds a script of somebody else", path, side)
			}
			if !strings.Contains(body, "&lt;script&gt;") {
				t.Errorf("%s for %s does not show the title", path, side)
			}
		}
	}
}

// TestChannel_AddsUp reads the table and the chart as both sides would to check them.
func TestChannel_AddsUp(t *testing.T) {
	page := document(t, serve(t, &source{channels: channels()}, withViews(shop()))+"/channels/web?for=it")
	if got, want := texts(find(page, ".sum td.number")), []string{"88.7", "8.8", "2.5"}; !cmp.Equal(got, want) {
		t.Errorf("points %q, want %q", got, want)
	}
	sum := 0.0
	for _, n := range find(page, ".sum data") {
		var v float64
		if err := json.Unmarshal([]byte(attr(n, "value")), &v); err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	if math.Abs(sum-100) > 1e-9 {
		t.Errorf("score and points lost are %v together, want 100", sum)
	}
	var chart struct {
		T []int64
		V [][]*float64
	}
	printed := 0.0
	for _, s := range texts(find(page, ".sum td.number")) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		printed += v
	}
	if math.Abs(printed-100) > 1e-9 {
		t.Errorf("what is printed adds up to %v, want 100", printed)
	}
	if err := json.Unmarshal([]byte(find(page, "#lost script")[0].FirstChild.Data), &chart); err != nil {
		t.Fatal(err)
	}
	holes := 0
	for i := range chart.T {
		if chart.V[0][i] == nil {
			holes++
		}
	}
	keys := texts(find(page, "#lost .keys .value"))
	for i, key := range keys {
		if last := chart.V[i][len(chart.T)-1]; last == nil || key != strconv.FormatFloat(*last, 'f', -1, 64) {
			t.Errorf("the key says %s, the end of the line %v", key, last)
		}
		if tenths := *chart.V[i][0] * 10; math.Abs(tenths-math.Round(tenths)) > 1e-9 {
			t.Errorf("the line is at %v, want what the tables would print", *chart.V[i][0])
		}
	}
	if len(keys) != len(chart.V) {
		t.Errorf("%d keys for %d lines", len(keys), len(chart.V))
	}
	if len(chart.V) != 2 || len(chart.T) != 58 || holes != 1 {
		t.Errorf("%d lines over %d times with %d holes, want 2 over 57 and one hole", len(chart.V), len(chart.T), holes)
	}
}

func TestChannel_Parts(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	page := document(t, base+"/channels/web")
	want := []string{"Channel", "reachable last result Excellent", "correct last result Excellent", "fast last result Good", "trusted last result Excellent", "host: host-a.shop.example", ""}
	if diff := cmp.Diff(want, texts(find(page, ".strip-row .name"))); diff != "" {
		t.Errorf("rows on the time axis (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Checkout", "Home", "Search"}, texts(find(page, ".touchpoints tbody a"))); diff != "" {
		t.Errorf("touchpoints (-want +got):\n%s", diff)
	}
	if href := attr(find(page, ".touchpoints tbody a")[1], "href"); href != "../touchpoints/web/home" {
		t.Errorf("the touchpoint's link is %q", href)
	}
	if got := len(find(page, ".multiples figure")); got != 3 {
		t.Errorf("%d charts of speed, want 3", got)
	}
	if got := texts(find(page, ".incident h3")); !cmp.Equal(got, []string{"Mobile app: Poor", "Web shop: Fair"}) {
		t.Errorf("incidents %q", got)
	}
	empty := document(t, base+"/channels/social?range=7d")
	if got := text(find(empty, "main")...); !strings.Contains(got, "Not enough data yet.") || strings.Contains(got, " 0 ") {
		t.Errorf("a channel without data says %q, want that there is not enough", got)
	}
	if response, body := request(t, http.MethodGet, base+"/channels/none"); response.StatusCode != http.StatusNotFound || !strings.Contains(body, "There is no channel of this name") {
		t.Errorf("an unknown channel: %d %s", response.StatusCode, body)
	}
}

// TestChannel_Badge offers those who build pages a picture to copy, if the agent knows its own address.
func TestChannel_Badge(t *testing.T) {
	known := func(o *web.Options) { o.ExternalURL = "https://watch.shop.example" }
	for name, tt := range map[string]struct {
		base, path, want string
	}{
		"for IT":          {serve(t, &source{}, withViews(shop()), known), "/channels/web?for=it", "![Web shop](https://watch.shop.example/badge/web.svg)"},
		"for marketing":   {serve(t, &source{}, withViews(shop()), known), "/channels/web", ""},
		"unknown address": {serve(t, &source{}, withViews(shop())), "/channels/web?for=it", ""},
	} {
		if got := text(find(document(t, tt.base+tt.path), "pre")...); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestTouchpoint_Parts(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()), func(o *web.Options) { o.GrafanaURL = "https://grafana.example/" })
	page := document(t, base+"/touchpoints/web/search")
	got := text(find(page, "main")...)
	for _, want := range []string{
		"Web shop", "5 minutes88.724 hours91.2", "Customers wait for an answer that never comes.", "No complete response header came in time",
		`touchpoint:channelwatch_score:5m{channel="web"}`, "Open Grafana", "good ≤ 1.8 s", "Where the time goes",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
	want := []string{"connect: 96.7 ms", "wait: 867.2 ms"}
	if diff := cmp.Diff(want, texts(find(page, "#phases .keys li"))); diff != "" {
		t.Errorf("phases in words (-want +got):\n%s", diff)
	}
	if attr(find(page, "#phases .keys .cause2")[0], "class") != "key cause2" || len(find(page, "#phases path.cause2")) != 1 {
		t.Error("the colour of a phase in the list is not that of the picture")
	}
	if n := len(find(page, "figure")); n != 4 {
		t.Errorf("%d charts, want score, speed, phases and points lost", n)
	}
	elsewhere := document(t, base+"/touchpoints/app/home")
	if got := text(find(elsewhere, "main")...); !strings.Contains(got, "Another agent probes this touchpoint") || strings.Contains(got, "Last results") {
		t.Errorf("a touchpoint of another agent says %q", got)
	}
}

func TestIncidents_Filter(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	for query, want := range map[string][]string{"": {"Mobile app: Poor", "Web shop: Fair"}, "?channel=web": {"Web shop: Fair"}, "?channel=push&range=7d": {}} {
		page := document(t, base+"/incidents"+query)
		if diff := cmp.Diff(want, texts(find(page, ".incident h3"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	page := document(t, base+"/incidents?channel=web")
	if got := text(find(page, ".headline")...); got != "1 incident in the last 24 hours on Web shop." {
		t.Errorf("headline %q", got)
	}
	if got := text(find(page, ".incident .scores")...); got != "lasted1 hlowest score66" {
		t.Errorf("how long and how bad: %q", got)
	}
	if href := attr(find(page, ".ranges a")[2], "href"); href != "?channel=web&range=7d" {
		t.Errorf("another range forgets the channel: %q", href)
	}
	first := text(find(document(t, base+"/incidents"), ".incident")[0])
	for _, want := range []string{"Under pressure at that time: host-a.shop.example.", "Alerts: ChannelPoor (page).", "51.3 points on average: slow server", "so far47 min", "until now"} {
		if !strings.Contains(first, want) {
			t.Errorf("the incident does not say %q: %s", want, first)
		}
	}
	if response, _ := request(t, http.MethodGet, base+"/incidents?channel=none"); response.StatusCode != http.StatusNotFound {
		t.Errorf("incidents of an unknown channel: %d, want 404", response.StatusCode)
	}
}

// TestPages_WithoutScores keeps every page useful, and says why there are no scores.
func TestPages_WithoutScores(t *testing.T) {
	broken := shop()
	broken.err = errors.New("asking for scores: connection refused")
	for name, tt := range map[string]struct {
		option func(*web.Options)
		why    string
	}{
		"left out": {func(*web.Options) {}, "This agent keeps no history, so there are no scores"},
		"opening": {func(o *web.Options) {
			o.Views, o.History = shop(), func() (string, bool) { return "The history is opening.", false }
		}, "The history is opening."},
		"unreadable": {withViews(broken), "asking for scores: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			base := serve(t, &source{channels: channels()}, tt.option)
			for _, path := range []string{"/", "/channels/web", "/touchpoints/web/search", "/incidents", "/wall"} {
				if got := text(find(document(t, base+path), "main")...); !strings.Contains(got, tt.why) {
					t.Errorf("%s does not say why: %s", path, got)
				}
			}
			if got := texts(find(document(t, base+"/"), "tbody th")); !cmp.Equal(got, []string{"Home critical", "Search", "Basket"}) {
				t.Errorf("last results of %q", got)
			}
		})
	}
}

// TestPages_SayWhatAilsTheHistory shows scores and a notice.
func TestPages_SayWhatAilsTheHistory(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()), func(o *web.Options) {
		o.History = func() (string, bool) { return "The disk is full: nothing new is kept.", true }
	})
	for _, path := range []string{"/", "/channels/web", "/touchpoints/web/home", "/incidents", "/wall"} {
		page := document(t, base+path)
		if got := texts(find(page, ".notice")); !cmp.Equal(got, []string{"The disk is full: nothing new is kept."}) {
			t.Errorf("%s: notices %q", path, got)
		}
		if len(find(page, "data")) == 0 {
			t.Errorf("%s shows no number", path)
		}
	}
}

// TestPages_LookBackOverAnHourAtFirst shows a newcomer more than an empty day with a dot at its end.
func TestPages_LookBackOverAnHourAtFirst(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(&youngViews{shop()}))
	for _, path := range []string{"/", "/channels/web", "/touchpoints/web/home"} {
		if got := current(find(document(t, base+path), ".ranges a")); !cmp.Equal(got, []string{"1h"}) {
			t.Errorf("%s looks back over %q, want 1h", path, got)
		}
		for _, a := range find(document(t, base+path), "main a") {
			if href := attr(a, "href"); strings.Contains(href, "range=") && !strings.HasPrefix(href, "?range=") {
				t.Errorf("%s hands on a range that nobody chose: %s", path, href)
			}
		}
		axis := find(document(t, base+path), ".when .axis")[0]
		from, err := time.Parse(time.RFC3339, attr(axis, "data-from"))
		if err != nil {
			t.Fatal(err)
		}
		until, err := time.Parse(time.RFC3339, attr(axis, "data-until"))
		if err != nil {
			t.Fatal(err)
		}
		if shown := until.Sub(from); shown != 10*time.Minute {
			t.Errorf("%s shows %s of ten minutes that were recorded", path, shown)
		}
		if got := current(find(document(t, base+path+"?range=24h"), ".ranges a")); !cmp.Equal(got, []string{"24h"}) {
			t.Errorf("%s looks back over %q although a day was asked for", path, got)
		}
	}
}

// TestPages_LeadToTheEvidence goes from a channel to the results that explain it.
func TestPages_LeadToTheEvidence(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	link := find(document(t, base+"/channels/web"), ".why a")
	if len(link) != 1 || attr(link[0], "href") != "../touchpoints/web/checkout#results" {
		t.Fatalf("%d links to what happened, want one to the worst touchpoint", len(link))
	}
	for query, want := range map[string][]string{"?for=it": {"results", "when", "charts"}, "": {"when", "charts", "results"}} {
		var got []string
		for _, section := range find(document(t, base+"/touchpoints/web/search"+query), "section") {
			if id := attr(section, "aria-labelledby"); id != "" && id != "queries" {
				got = append(got, id)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("order of %q (-want +got):\n%s", query, diff)
		}
	}
}

// TestPages_ClaimNothingOfUnrecordedTime looks at a record of ten minutes.
func TestPages_ClaimNothingOfUnrecordedTime(t *testing.T) {
	young := serve(t, &source{channels: channels()}, withViews(&youngViews{shop()}))
	none := shop()
	none.channels, none.incidents = nil, nil
	empty := serve(t, &source{}, withViews(none))
	for url, want := range map[string]string{
		young + "/incidents?range=24h":             "2 incidents so far.",
		young + "/incidents?range=7d&channel=push": "No incident so far on Push messages: nothing was fair or poor.",
		empty + "/incidents":                       "Nothing has been recorded yet.",
		empty + "/":                                "No channels are known: this agent's configuration names none, and nothing was recorded.",
	} {
		if got := text(find(document(t, url), ".headline")...); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

// TestPages_OfNoAddress leads people home, and tells programs what they are used to.
func TestPages_OfNoAddress(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	for path, home := range map[string]string{"/nothing": "./", "/channels/": "../", "/a/b/c": "../../"} {
		response, body := ask(t, base+path, "Accept", "text/html,*/*")
		page := parse(t, body)
		if got := attr(find(page, "main a")[0], "href"); response.StatusCode != http.StatusNotFound || got != home {
			t.Errorf("%s: %d with a way to %q, want 404 and %q", path, response.StatusCode, got, home)
		}
		if response, body := ask(t, base+path); response.StatusCode != http.StatusNotFound || body != "404 page not found\n" {
			t.Errorf("%s for a program: %d %q", path, response.StatusCode, body)
		}
	}
}
