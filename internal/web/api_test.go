package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

func TestAPI_SameNumbersAsTheViews(t *testing.T) {
	views := shop()
	base := serve(t, &source{channels: channels()}, withViews(views))
	want := func(value any, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n"
	}
	ctx := t.Context()
	tests := []struct{ path, want string }{
		{"channels", want(views.Overview(ctx, view.Day))},
		{"channels?range=7d", want(views.Overview(ctx, view.Week))},
		{"channels/web?range=28d", want(views.Channel(ctx, "web", view.Month))},
		{"touchpoints/web/home?range=1h", want(views.Touchpoint(ctx, "web", "home", view.Hour))},
		{"incidents", want(map[string]any{"incidents": views.incidents}, nil)},
		{"incidents?channel=app", want(map[string]any{"incidents": views.incidents[:1]}, nil)},
		{"incidents?channel=push", `{"incidents":[]}` + "\n"},
	}
	for _, tt := range tests {
		response, body := request(t, http.MethodGet, base+"/api/v1/"+tt.path)
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want 200 application/json", tt.path, response.StatusCode, response.Header.Get("Content-Type"))
		}
		if diff := cmp.Diff(tt.want, body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
	}
}

func TestAPI_Errors(t *testing.T) {
	broken := shop()
	broken.err = errors.New("asking for scores: timeout")
	ready := serve(t, &source{channels: channels()}, withViews(shop()))
	opening := serve(t, &source{}, withViews(shop()), func(o *web.Options) {
		o.History = func() (string, bool) { return "The history is opening.", false }
	})
	without, failing := serve(t, &source{}), serve(t, &source{}, withViews(broken))
	tests := []struct {
		name, url string
		status    int
		message   string
	}{
		{"unknown range", ready + "/api/v1/channels?range=2d", 400, "range: want one of 1h, 24h, 7d, 28d"},
		{"unknown channel", ready + "/api/v1/channels/none", 404, `channel "none": not found`},
		{"unknown touchpoint", ready + "/api/v1/touchpoints/web/none", 404, `touchpoint "none": not found`},
		{"unknown touchpoint's results", ready + "/api/v1/touchpoints/web/none/results", 404, "no such touchpoint on this agent"},
		{"incidents of an unknown channel", ready + "/api/v1/incidents?channel=none", 404, `channel "none": not found`},
		{"history opens", opening + "/api/v1/channels", 503, "The history is opening."},
		{"no history", without + "/api/v1/incidents", 503, "This agent keeps no history, so there are no scores: what you see are the last results."},
		{"views fail", failing + "/api/v1/channels", 503, "reading the recorded series: asking for scores: timeout"},
		{"no query API", ready + "/api/v1/query?query=up", 404, "no such path, or this agent has no history to query"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := request(t, http.MethodGet, tt.url)
			var answer map[string]string
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if diff := cmp.Diff(map[string]string{"error": tt.message}, answer); response.StatusCode != tt.status || diff != "" {
				t.Errorf("%d, want %d (-want +got):\n%s", response.StatusCode, tt.status, diff)
			}
			if later := response.Header.Get("Retry-After"); (tt.status == 503) != (later != "") {
				t.Errorf("Retry-After %q with %d", later, tt.status)
			}
		})
	}
}

// TestAPI_LeavesTheRestToPrometheus hands on what is not the pages' own, whole.
func TestAPI_LeavesTheRestToPrometheus(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()), func(o *web.Options) {
		o.QueryAPI = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("prometheus " + r.Method + " " + r.URL.String()))
		})
	})
	for _, path := range []string{"/api/v1/query?query=up", "/api/v1/label/channel/values", "/api/v1/status/buildinfo", "/api/v1/rules"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if _, body := request(t, method, base+path); body != "prometheus "+method+" "+path {
				t.Errorf("%s %s: %q, want it handed on", method, path, body)
			}
		}
	}
	for header, value := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/query?query=up", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header, value)
		response, err := (&http.Client{}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("a page of another origin (%s: %s) gets status %d, want 403", header, value, response.StatusCode)
		}
	}
	if response, wire, body := packed(t, base+"/api/v1/series?match[]="+strings.Repeat("x", 20_000)); response.Header.Get("Content-Encoding") != "gzip" || wire > 1000 || len(body) < 20_000 {
		t.Errorf("a long answer of %d bytes took %d over the wire, want it packed", len(body), wire)
	}
	if _, body := request(t, http.MethodGet, base+"/api/v1/channels"); strings.HasPrefix(body, "prometheus") {
		t.Error("the pages' own channels were handed on")
	}
}

func TestAPI_Results(t *testing.T) {
	base := serve(t, &source{channels: channels()})
	for path, want := range map[string][]string{"web/search": {"poor"}, "web/home": {"excellent"}, "web/basket": {}} {
		_, body := request(t, http.MethodGet, base+"/api/v1/touchpoints/"+path+"/results")
		var answer struct {
			Results []struct{ Rating string }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Results == nil {
			t.Fatalf("%v: %s", err, body)
		}
		got := []string{}
		for _, r := range answer.Results {
			got = append(got, r.Rating)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestAPI_Description(t *testing.T) {
	_, body := request(t, http.MethodGet, serve(t, &source{})+"/api/v1/openapi.json")
	var description struct{ OpenAPI string }
	if err := json.Unmarshal([]byte(body), &description); err != nil || !strings.HasPrefix(description.OpenAPI, "3.") {
		t.Errorf("%v, version %q of OpenAPI, want 3", err, description.OpenAPI)
	}
}
