package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

func servePublic(t *testing.T, opts web.PublicOptions) (base string) {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	server, err := web.NewPublic(opts)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + listen(t, server, "127.0.0.1:0").String()
}

// TestPublic_ShowsNothingElse gives a channel every secret that an agent knows and looks for them in what everybody gets.
func TestPublic_ShowsNothingElse(t *testing.T) {
	views := shop()
	base := servePublic(t, web.PublicOptions{Views: views, Channels: []string{"web", "push"}, Title: "How good we are"})
	_, body := request(t, http.MethodGet, base+"/")
	page := parse(t, body)
	if diff := cmp.Diff([]string{"Web shop desktop web: Good", "Push messages push: Fair"}, texts(find(page, "li.channel h2"))); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	if got := text(find(page, "#web .scores")...); got != "now88.7 24 h91.2 28 d96.4" {
		t.Errorf("scores %q, want those of the agent's own page", got)
	}
	for _, secret := range []string{
		"@shop.example", "host-a", "berlin", "1.2.3", "Mobile app", "slow_server", "/channels/", "/touchpoints/", "metrics", "api/v1", "incidents", "First byte",
		"95 agreed", "Agreement", "agreement",
	} {
		if strings.Contains(body, secret) {
			t.Errorf("the public page holds %q", secret)
		}
	}
	for _, a := range find(page, "a") {
		if href := attr(a, "href"); !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "?range=") {
			t.Errorf("the public page links to %q, want only itself", href)
		}
	}
}

// TestPublic_SaysOfWhenItIs shows scores of another time as what they are.
func TestPublic_SaysOfWhenItIs(t *testing.T) {
	for name, tt := range map[string]struct {
		age  time.Duration
		want string
	}{
		"fresh": {2 * time.Minute, ""},
		"old":   {3 * time.Hour, "What you see may be out of date: it is from "},
	} {
		views := shop()
		at := views.at.Add(-tt.age)
		for _, c := range views.channels {
			if c.Now != nil {
				c.Now.At = at
			}
		}
		page := document(t, servePublic(t, web.PublicOptions{Views: views, Channels: []string{"web"}})+"/")
		if got := text(find(page, ".notice")...); !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if got, want := attr(find(page, "#state time")[0], "datetime"), at.UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s: the page is as of %s, want %s", name, got, want)
		}
	}
}

func TestPublic_ServesNothingElse(t *testing.T) {
	base := servePublic(t, web.PublicOptions{Views: shop(), Channels: []string{"web"}})
	for _, path := range []string{
		"/metrics", "/-/healthy", "/-/ready", "/-/reload", "/events", "/wall", "/incidents", "/channels/web", "/touchpoints/web/home", "/badge/web.svg",
		"/api/v1/channels", "/api/v1/results", "/api/v1/config", "/api/v1/query?query=up", "/api/v1/openapi.json", "/debug/pprof/", "/assets/", "/nowhere",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if response, _ := request(t, method, base+path); response.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: %d, want 404", method, path, response.StatusCode)
			}
		}
	}
	if response, _ := request(t, http.MethodPost, base+"/"); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d, want 405", response.StatusCode)
	}
	if response, _ := request(t, http.MethodGet, base+"/?range=1y"); response.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown range: %d, want 400", response.StatusCode)
	}
}

// TestPublic_WithoutScores keeps to itself why there are none.
func TestPublic_WithoutScores(t *testing.T) {
	broken := shop()
	broken.err = errors.New("dialing prometheus.internal:9090")
	for name, opts := range map[string]web.PublicOptions{
		"history is not ready":    {Views: shop(), History: func() (string, bool) { return "disk /secret is full", false }},
		"views cannot be read":    {Views: broken},
		"no history in the build": {},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Channels = []string{"web"}
			response, body := request(t, http.MethodGet, servePublic(t, opts)+"/")
			if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "There are no scores to show just now.") {
				t.Errorf("%d %q, want 503 and a sentence", response.StatusCode, body)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "internal") {
				t.Errorf("the page says why:\n%s", body)
			}
		})
	}
}

// countingViews counts how often the overview is read.
type countingViews struct {
	*fakeViews
	overviews chan view.Range
}

func (v *countingViews) Overview(ctx context.Context, back view.Range) (*view.Overview, error) {
	v.overviews <- back
	return v.fakeViews.Overview(ctx, back)
}

// TestPublic_IsReadOnceForAll asks often.
func TestPublic_IsReadOnceForAll(t *testing.T) {
	views := &countingViews{shop(), make(chan view.Range, 100)}
	base := servePublic(t, web.PublicOptions{Views: views, Channels: []string{"web"}})
	for range 5 {
		document(t, base+"/")
		document(t, base+"/?range=7d")
	}
	close(views.overviews)
	var got []view.Range
	for r := range views.overviews {
		got = append(got, r)
	}
	if diff := cmp.Diff([]view.Range{view.Day, view.Week}, got); diff != "" {
		t.Errorf("ranges that were read (-want +got):\n%s", diff)
	}
}
