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
		"On Mobile website customers wait 1.42 s longer for the main content than on Web shop.",
	}
	if diff := cmp.Diff(want, texts(find(page, ".parity .differences li"))); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
	rows := []string{
		"Rating Fair Fair", "Main content after differs 1.84 s 3.26 s", "Loads 1.97 MB 1.97 MB", "Requests 70 70", "Answers with status 200 status 200",
		"Ends at https://shop.example/ https://shop.example/", "Title differs Shop – everything for the garden Shop – mobile",
		"Heading differs Spring sale –", "Words differs 520 310", "Links differs 64 41", "Pictures differs 22 12", "Last result 2 min ago 3 min ago",
	}
	got := spaced(find(page, ".sides tbody tr"))
	rows[0] = got[0] // rated elsewhere
	if diff := cmp.Diff(rows, got); diff != "" {
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
		{"half the weight", func(r *probe.Result) {
			r.Measurements = []probe.Measurement{{Metric: "page_load_bytes", Label: "image", Value: 600_000}, {Metric: "page_load_bytes", Label: "script", Value: 385_000}}
		}, []string{"Web shop loads 1.97 MB, Mobile website 985 kB."}},
		{"another heading", func(r *probe.Result) { r.Evidence.Visits[1].Content.Heading = "Winter sale" }, []string{
			"The heading differs: “Spring sale” on Web shop, “Winter sale” on Mobile website.",
		}},
		{"it was not loaded", func(r *probe.Result) {
			*r = probe.Result{Start: r.Start, Duration: time.Minute, Reason: probe.ConnectTimeout}
		}, []string{"At the last look at Mobile website: no connection."}},
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

// TestParity_OfOtherAgents compares what was recorded where this agent does not probe.
func TestParity_OfOtherAgents(t *testing.T) {
	page := document(t, serve(t, &source{}, withViews(browsed()))+"/touchpoints/web/home")
	want := []string{"Rating Good Fair", "Main content after differs 1.9 s 3.3 s", "Loads differs 1.97 MB 1.2 MB", "Requests 70 58"}
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
