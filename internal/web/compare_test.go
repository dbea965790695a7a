package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

func start() time.Time { return time.Now().Add(-4 * time.Minute) }

// addResult lets an agent remember a result.
func addResult(o *web.Options, tp *probe.Touchpoint, r probe.Result) {
	o.Recent.Add(recent.Entry{Touchpoint: tp, Result: r, Verdict: quality.Rate(o.Catalogue, tp.Limits, &r)})
}

// TestParity_SaysWhatDiffers compares a page on two devices.
func TestParity_SaysWhatDiffers(t *testing.T) {
	page := document(t, visited(t)+"/touchpoints/web/home")
	want := []string{
		"The title differs: “Shop – everything for the garden” on Web shop, “Shop – mobile” on Mobile website.",
		"Mobile website has no heading; Web shop says “Spring sale”.",
		"Web shop shows 520 words, Mobile website 310.",
		"On Mobile website customers wait 1.4 s longer for the main content than on Web shop, in three of four loads of the last hour.",
	}
	if diff := cmp.Diff(want, texts(find(page, ".parity .differences li"))); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
	rows := []string{
		"Rating Good Fair", "Main content after, in three of four loads of the last hour differs 1.9 s 3.3 s", "Loads 1.97 MB 1.97 MB", "Requests 70 70", "Answers with status 200 status 200",
		"Ends at https://shop.example/ https://shop.example/", "Title differs Shop – everything for the garden Shop – mobile",
		"Heading differs Spring sale –", "Words differs 520 310", "Links differs 64 41", "Pictures differs 22 12", "Last result 2 min ago 3 min ago",
	}
	if diff := cmp.Diff(rows, spaced(find(page, ".sides tbody tr"))); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	links := find(page, ".sides thead a")
	if len(links) != 2 || attr(links[1], "href") != "../../touchpoints/mobile/home" {
		t.Errorf("no way to the other side: %v", texts(links))
	}
	if got := text(find(page, ".parity")...); strings.Contains(got, "only known to the agent") {
		t.Error("both sides are probed here, the page says otherwise")
	}
}

// TestParity_Sentences names facts, and nothing that is not one.
func TestParity_Sentences(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *probe.Result)
		want   []string
	}{
		{"nothing differs", func(*probe.Result) {}, []string{"The page says the same on all devices: same title, same heading, about as many words."}},
		{"a little slower", func(r *probe.Result) { r.Duration += 150 * time.Millisecond }, []string{"The page says the same on all devices: same title, same heading, about as many words."}},
		{"another answer", func(r *probe.Result) {
			v := &r.Evidence.Visits[1]
			v.Status, v.URL = 404, "https://m.shop.example/gone"
		}, []string{
			"Web shop answers with status 200, Mobile website with status 404.",
			"Web shop leads to https://shop.example/, Mobile website to https://m.shop.example/gone.",
		}},
		{"the host of the device", func(r *probe.Result) { r.Evidence.Visits[1].URL = "https://m.shop.example/" }, []string{"The page says the same on all devices: same title, same heading, about as many words."}},
		{"slower", func(r *probe.Result) { r.Duration += time.Second }, []string{"On Mobile website customers wait 1 s longer for the main content than on Web shop."}},
		{"a heading that turns what follows", func(r *probe.Result) { r.Evidence.Visits[1].Content.Heading = "\u202eSale\u001b[1m" }, []string{
			"The heading differs: “Spring sale” on Web shop, “Sale[1m” on Mobile website.",
		}},
		{"half the weight", func(r *probe.Result) {
			r.Measurements = []probe.Measurement{{Metric: "page_load_bytes", Label: "image", Value: 600_000}, {Metric: "page_load_bytes", Label: "script", Value: 385_000}}
		}, []string{"Web shop loads 1.97 MB, Mobile website 985 kB."}},
		{"another heading", func(r *probe.Result) { r.Evidence.Visits[1].Content.Heading = "Winter sale" }, []string{
			"The heading differs: “Spring sale” on Web shop, “Winter sale” on Mobile website.",
		}},
		{"it was not loaded", func(r *probe.Result) {
			*r = probe.Result{Start: r.Start, Duration: time.Minute, Reason: probe.ConnectTimeout}
		}, []string{"Mobile website, at the last look: Customers wait for a connection that never comes."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := serve(t, &source{}, withVisits(t), func(o *web.Options) {
				phone := o.Source.Channels()[1].Touchpoints[0]
				r := visit(start(), 1840*time.Millisecond, desktopContent())
				tt.change(&r)
				addResult(o, phone, r)
			})
			got := texts(find(document(t, base+"/touchpoints/web/home"), ".parity .differences li"))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if _, body := request(t, http.MethodGet, base+"/touchpoints/web/home"); strings.Contains(body, "only known to the agent") {
				t.Error("both sides are probed here, the page says otherwise")
			}
		})
	}
}

// TestParity_OfKinds compares how long touchpoints take with those of their kind only: a page that was fetched has no main content.
func TestParity_OfKinds(t *testing.T) {
	tests := map[string]struct {
		web, mobile string
		want        []string
	}{
		"pages that are fetched": {"page", "page", []string{"On Mobile website customers wait 1.5 s longer for the answer than on Web shop."}},
		"a page and a browser":   {"browser", "page", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			base := serve(t, &source{}, func(o *web.Options) {
				channels := devices()
				channels[0].Touchpoints[0].Kind, channels[1].Touchpoints[0].Kind = tt.web, tt.mobile
				o.Source, o.Recent = &source{channels: channels}, recent.New(1<<20)
				addResult(o, channels[0].Touchpoints[0], probe.Result{Start: start(), Duration: 500 * time.Millisecond})
				addResult(o, channels[1].Touchpoints[0], probe.Result{Start: start(), Duration: 2 * time.Second})
			})
			page := document(t, base+"/touchpoints/web/home")
			if got := texts(find(page, ".parity .differences li")); !slices.Equal(got, tt.want) {
				t.Errorf("what differs: %q, want %q", got, tt.want)
			}
			for _, row := range spaced(find(page, ".sides tbody tr")) {
				if strings.HasPrefix(row, "Main content") || tt.want == nil && strings.HasPrefix(row, "Answers after") {
					t.Errorf("row %q compares what is not alike", row)
				}
			}
		})
	}
}

// TestParity_OfOtherAgents compares what was recorded where this agent does not probe.
func TestParity_OfOtherAgents(t *testing.T) {
	page := document(t, serve(t, &source{}, withViews(browsed()))+"/touchpoints/web/home")
	want := []string{"Rating Good Fair", "Main content after, in three of four loads of the last hour differs 1.9 s 3.3 s", "Loads differs 1.97 MB 1.2 MB", "Requests 70 58"}
	if diff := cmp.Diff(want, spaced(find(page, ".sides tbody tr"))); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if got := text(find(page, ".parity")...); !strings.Contains(got, "What a page says is only known to the agent that probes it.") {
		t.Errorf("%q does not say what is not known", got)
	}
	alone := serve(t, &source{}, withVisits(t), func(o *web.Options) {
		o.Source = &source{channels: o.Source.Channels()[:1]}
	})
	if n := len(find(document(t, alone+"/touchpoints/web/home"), ".parity")); n != 0 {
		t.Error("a page is compared with nothing")
	}
}

// TestField_BesideTheLab reads what customers' browsers told.
func TestField_BesideTheLab(t *testing.T) {
	base := visited(t)
	for _, path := range []string{"/touchpoints/web/home", "/channels/web"} {
		page := document(t, base+path)
		want := []string{
			"Home, on phones: in three of four visits the main content showed within 3.31 s (fair), as 1240 visits told. Our own probe: 1.84 s (good).",
			"Home, on computers: in three of four visits the main content showed within 1.6 s (good), as 402 visits told. Our own probe: 1.84 s (good).",
		}
		if diff := cmp.Diff(want, texts(find(page, ".field .differences li"))); diff != "" {
			t.Errorf("%s: sentences (-want +got):\n%s", path, diff)
		}
		rows := []string{
			"Home, on phones 3.31 s Fair probe: 1.84 s Good 216 ms Fair 0.04 Excellent probe: 0.137 Fair 1240",
			"Home, on computers 1.6 s Good probe: 1.84 s Good – – 402",
		}
		if diff := cmp.Diff(rows, spaced(find(page, ".fields tbody tr"))); diff != "" {
			t.Errorf("%s: table (-want +got):\n%s", path, diff)
		}
		if got := text(find(page, ".field")...); !strings.Contains(got, "anybody can forge them: they count in no score") {
			t.Errorf("%s does not say that the figures can be forged", path)
		}
	}
	if _, body := request(t, http.MethodGet, servePublic(t, web.PublicOptions{Views: browsed(), Channels: []string{"web"}})+"/"); strings.Contains(body, "browsers say") {
		t.Error("the public page says what customers' browsers told")
	}
}

// TestField_WordAndNumberAgree prints what is over a bound so that it reads so, by the bounds that the word is of.
func TestField_WordAndNumberAgree(t *testing.T) {
	views := browsed()
	views.field = []view.Field{
		{Group: "home", Device: "mobile", Title: "Home", Limits: &view.Limits{Excellent: 0.1, Good: 0.2, Fair: 0.3}, Vitals: []view.FieldVital{
			{Vital: probe.LCP, Value: 1.804, Rating: probe.Good, Count: 20, Lab: new(0.3001), LabRating: probe.Poor},
			{Vital: probe.CLS, Value: 0.0501, Rating: probe.Good, Count: 20, Lab: new(0.1004), LabRating: probe.Fair},
		}},
		{Group: "other", Device: "desktop", Vitals: []view.FieldVital{{Vital: probe.LCP, Value: 2.503, Rating: probe.Fair, Count: 9}}},
	}
	page := document(t, serve(t, &source{}, withViews(views))+"/touchpoints/web/home")
	want := []string{
		"Home, on phones 1.81 s Good probe: 301 ms Poor 0.051 Good probe: 0.101 Fair 20",
		"All other pages, on computers 2.51 s Fair – 9",
	}
	if diff := cmp.Diff(want, spaced(find(page, ".fields tbody tr"))); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	first := "Home, on phones: in three of four visits the main content showed within 1.81 s (good), as 20 visits told. Our own probe: 301 ms (poor)."
	if got := texts(find(page, ".field .differences li")); len(got) != 2 || got[0] != first {
		t.Errorf("sentences %q, want two, the first of them %q", got, first)
	}
}
