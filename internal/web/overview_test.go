package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/channelwatch/channelwatch/internal/web"
)

// withViews lets an agent have scores.
func withViews(v web.Views) func(*web.Options) { return func(o *web.Options) { o.Views = v } }

func TestOverview_Rows(t *testing.T) {
	page := document(t, serve(t, &source{channels: channels()}, withViews(shop()))+"/")
	tests := []struct {
		channel string
		want    map[string]string // by selector
	}{
		{"app", map[string]string{
			".tile": "Poor", "h2": "Mobile app mobile app: Poor", ".why": "Customers wait for the page longer than was agreed.",
			".scores": "now41.2 24 h88.1 28 d– not enough data yet", ".agreement": "95 agreed over 28 days, 91.2 so far.",
		}},
		{"web", map[string]string{
			".tile": "Good", ".why": "Customers wait for the page longer than was agreed.", ".owners": "Marketing: brand@shop.example · IT: it@shop.example",
			".scores": "now88.7 24 h91.2 28 d96.4", ".agreement": "95 agreed over 28 days, 96.4 so far.",
		}},
		{"mobile", map[string]string{".tile": "Excellent", ".why": "Nothing to complain about.", ".scores": "now100 24 h99.9 28 d97.2"}},
		{"push", map[string]string{".tile": "Fair", ".scores": "now71 24 h93 so far 28 d– not enough data yet"}},
		{"social", map[string]string{
			".tile": "Unknown", ".why": "", ".agreement": "No agreement.",
			".scores": "now– not enough data yet 24 h– not enough data yet 28 d– not enough data yet",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.channel, func(t *testing.T) {
			for selector, want := range tt.want {
				if got := text(find(page, "#"+tt.channel+" "+selector)...); got != want {
					t.Errorf("%s: %q, want %q", selector, got, want)
				}
			}
		})
	}
	it := document(t, serve(t, &source{}, withViews(shop()))+"/?for=it")
	if got, want := texts(find(it, "#push .scores small")), []string{"so far, 12.3 % of it"}; !cmp.Equal(got, want) {
		t.Errorf("how much of a day was measured: %q, want %q", got, want)
	}
	if got := text(find(page, "head title")...); got != "2 not good, 1 unknown – Channels – Channelwatch" {
		t.Errorf("title %q", got)
	}
	headline := "3 of 6 channels are good or better right now. Not good: Mobile app (Poor), Push messages (Fair). Could not be measured: Social previews."
	if got := text(find(page, ".headline")...); got != headline {
		t.Errorf("headline: %q, want %q", got, headline)
	}
	if got := find(page, ".gaps"); len(got) != 1 {
		t.Errorf("what a dash means is said %d times, want once", len(got))
	}
}

// TestOverview_SameNumbersForBoth reads the page as either side: the sentences differ, no number does.
func TestOverview_SameNumbersForBoth(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	for _, path := range []string{"/", "/channels/web", "/touchpoints/web/home", "/incidents"} {
		marketing, it := document(t, base+path+"?for=marketing"), document(t, base+path+"?for=it")
		numbers := func(page *html.Node) []string {
			for _, folded := range find(page, "details") { // what only one of them unfolds
				folded.Parent.RemoveChild(folded)
			}
			var out []string
			for _, n := range find(page, "data") {
				out = append(out, attr(n, "value")+"="+text(n))
			}
			return out
		}
		got, want := numbers(it), numbers(marketing)
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s: %d numbers, differing for IT (-marketing +it):\n%s", path, len(want), diff)
		}
		if text(find(marketing, "main")...) == text(find(it, "main")...) {
			t.Errorf("%s says the same to both sides", path)
		}
	}
}

func TestOverview_Timeline(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	for back, marks := range map[string]int{"1h": 5, "24h": 7, "7d": 6, "28d": 6} {
		page := document(t, base+"/?range="+back)
		if got := len(find(page, ".when .strip")); got != 6 {
			t.Errorf("%s: %d strips, want one for each of 6 channels", back, got)
		}
		if got := len(find(page, ".when .axis text")); got < marks || got > marks+2 {
			t.Errorf("%s: %d marks of time, want %d to %d", back, got, marks, marks+2)
		}
		if diff := cmp.Diff([]string{back}, current(find(page, ".ranges a"))); diff != "" {
			t.Errorf("%s: range that is marked (-want +got):\n%s", back, diff)
		}
	}
	if got := attr(find(document(t, base+"/?range=7d"), "#web h2 a")[0], "href"); got != "./channels/web?range=7d" {
		t.Errorf("the channel's link is %q, want one that keeps the range", got)
	}
	page := document(t, base+"/?range=24h")
	lists := find(page, ".when .list table")
	if len(lists) != 5 {
		t.Fatalf("%d lists for those who do not see the strips, want those of 5 channels", len(lists))
	}
	ratings := texts(find(lists[1], "tbody td"))
	if title := text(find(lists[1], "caption")...); title != "Web shop" || !slices.Contains(ratings, "Fair") || slices.Contains(ratings, "Good") {
		t.Errorf("the list of %q says %v, want when Web shop was not good", title, ratings)
	}
	if titles := texts(find(page, ".when rect.fair title")); len(titles) == 0 || !strings.HasPrefix(titles[0], "Fair, ") {
		t.Errorf("the strips tell when it was fair: %q, want times", titles)
	}
	unknown := document(t, base+"/?range=99y")
	if got := current(find(unknown, ".ranges a")); len(got) != 1 || got[0] != "24h" {
		t.Errorf("an unknown range shows %q, want 24h", got)
	}
	for _, a := range find(unknown, "a") {
		if strings.Contains(attr(a, "href"), "99y") {
			t.Errorf("a link hands an unknown range on: %s", attr(a, "href"))
		}
	}
}
