package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/web"
)

// withProbe lets readers probe; every probe gives the same.
func withProbe(rec record.Record, err error) func(*web.Options) {
	return func(o *web.Options) {
		o.Probe = func(_ context.Context, channel, touchpoint string) (record.Record, error) {
			rec.Channel, rec.Touchpoint = channel, touchpoint
			return rec, err
		}
	}
}

// post sends a form as a browser does, with header fields in pairs.
func post(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(t, r)
}

func TestProbeNow_ShowsTheResult(t *testing.T) {
	rec := record.Record{
		Start: time.Now(), Duration: 0.25, Rating: probe.Fair,
		Findings: []record.Finding{{Title: "slow server", Marketing: "Customers wait.", IT: "Look at the server.", Detail: hostile}},
		Evidence: &probe.Evidence{Exchanges: []probe.Exchange{{Method: "GET", URL: "https://shop.example/", Addresses: []string{"192.0.2.7"}}}},
	}
	base := serve(t, &source{channels: channels()}, withViews(shop()), withProbe(rec, nil))
	page := document(t, base+"/touchpoints/web/search")
	form := find(page, "form.probe")
	if len(form) != 1 || attr(form[0], "method") != "post" || attr(form[0], "action") != "../../touchpoints/web/search" || len(find(form[0], "button")) != 1 {
		t.Fatalf("%d forms to probe, want one that posts to the page itself", len(form))
	}
	response, body := post(t, base+"/touchpoints/web/search", "Origin", base, "Sec-Fetch-Site", "same-origin")
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s, want 200", response.StatusCode, body)
	}
	probed := find(parse(t, body), ".probed")
	if len(probed) != 1 {
		t.Fatalf("%d results of a probe, want one", len(probed))
	}
	got := text(probed...)
	for _, want := range []string{"not counted in the score", "Fair", "took 250.0 ms", "slow server", "Customers wait.", "Look at the server.", hostile, "192.0.2.7"} {
		if !strings.Contains(got, want) {
			t.Errorf("the result does not say %q: %s", want, got)
		}
	}
	if strings.Contains(body, "<script>") {
		t.Error("what the channel sent became a script")
	}
	if got := text(find(parse(t, body), "head title")...); got != "Probed: Fair – Search – Channelwatch" {
		t.Errorf("title %q, want the rating in it", got)
	}
	// The page asks for itself again, and keeps the result.
	at := response.Request.URL
	if response.Request.Method != http.MethodGet || at.Fragment != "probed" {
		t.Errorf("%s %s shows the result, want GET and its place on the page", response.Request.Method, at)
	}
	if again := find(document(t, at.String()), ".probed"); len(again) != 1 {
		t.Errorf("asked for again, the page shows %d results, want one", len(again))
	}
	other := document(t, base+"/touchpoints/web/home?"+at.RawQuery)
	if got := text(find(other, "main")...); len(find(other, ".probed")) != 0 || !strings.Contains(got, "no longer kept") {
		t.Errorf("another touchpoint shows the result: %s", got)
	}
	if len(find(document(t, base+"/touchpoints/web/search"), ".probed")) != 0 {
		t.Error("the result stays on the page as if it counted")
	}
}

func TestProbeNow_Refuses(t *testing.T) {
	s := &source{channels: channels()}
	tests := []struct {
		name, path string
		option     func(*web.Options)
		header     []string
		status     int
		want       string
	}{
		{"another origin", "web/home", withProbe(record.Record{}, nil), []string{"Origin", "http://evil.example"}, 403, "cross-origin request refused"},
		{"another site", "web/home", withProbe(record.Record{}, nil), []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin request refused"},
		{"a subdomain", "web/home", withProbe(record.Record{}, nil), []string{"Sec-Fetch-Site", "same-site"}, 403, "cross-origin request refused"},
		{"a sandboxed frame", "web/home", withProbe(record.Record{}, nil), []string{"Origin", "null"}, 403, "cross-origin request refused"},
		{"no such touchpoint", "web/none", withProbe(record.Record{}, nil), nil, 404, "cannot probe such a touchpoint"},
		{"turned off", "web/home", func(*web.Options) {}, nil, 404, "cannot probe such a touchpoint"},
		{"another visit is under way", "web/home", withProbe(record.Record{}, web.ErrBusy), nil, 503, "Not probed: other pages are being looked at, which a visit now would disturb. Try again in 10 s."},
		{"not measured", "web/home", withProbe(record.Record{}, errors.New("the agent stops")), nil, 502, "Not probed: the agent stops."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := post(t, serve(t, s, tt.option)+"/touchpoints/"+tt.path, tt.header...)
			if response.StatusCode != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("%d, want %d with %q:\n%s", response.StatusCode, tt.status, tt.want, body)
			}
		})
	}
	page := document(t, serve(t, s)+"/touchpoints/web/home")
	if len(find(page, "form.probe")) != 0 {
		t.Error("there is a button that does nothing")
	}
}

// What must not be probed in between has no button, and asking all the same is refused.
func TestProbeNow_OnlyWhenDue(t *testing.T) {
	all := channels()
	all[0].Touchpoints[0].OnlyWhenDue = true
	base := serve(t, &source{channels: all}, func(o *web.Options) {
		o.Probe = func(context.Context, string, string) (record.Record, error) {
			t.Error("probed")
			return record.Record{}, nil
		}
	})
	path := "/touchpoints/" + all[0].Name + "/" + all[0].Touchpoints[0].Name
	page := document(t, base+path)
	if len(find(page, "form.probe")) != 0 || !strings.Contains(text(find(page, "main")...), "Probed when it is due only") {
		t.Error("there is a button, or nothing says why there is none")
	}
	response, body := post(t, base+path)
	if response.StatusCode != http.StatusConflict || !strings.Contains(body, "Not probed: this touchpoint is probed when it is due only.") {
		t.Errorf("%d, want 409 and why", response.StatusCode)
	}
}

func TestProbeNow_IsRateLimited(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	base := serve(t, &source{channels: channels()}, func(o *web.Options) {
		o.Probe = func(context.Context, string, string) (record.Record, error) {
			running <- struct{}{}
			<-release
			return record.Record{Start: time.Now()}, nil
		}
	})
	statuses := make(chan int, 2)
	for _, name := range []string{"home", "search"} {
		go func() {
			response, _ := post(t, base+"/touchpoints/web/"+name)
			statuses <- response.StatusCode
		}()
		<-running
	}
	for _, name := range []string{"home", "basket"} { // the same again, and a third at once
		response, body := post(t, base+"/touchpoints/web/"+name)
		if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "Not probed: ") {
			t.Errorf("%s: %d, Retry-After %q, want 429 and when to come back", name, response.StatusCode, response.Header.Get("Retry-After"))
		}
	}
	close(release)
	for range 2 {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("an allowed probe: %d, want 200", status)
		}
	}
	if response, _ := post(t, base+"/touchpoints/web/home"); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the same again within ten seconds: %d, want 429", response.StatusCode)
	}
}

// TestProbeNow_BusyUsesUpNoTurn: who was turned away can come back at once.
func TestProbeNow_BusyUsesUpNoTurn(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withProbe(record.Record{}, web.ErrBusy))
	for range 2 {
		response, _ := post(t, base+"/touchpoints/web/home")
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "10" {
			t.Errorf("%d, Retry-After %q, want 503 and 10", response.StatusCode, response.Header.Get("Retry-After"))
		}
	}
}
