package agent_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const crossing = `
agent: {listen: "127.0.0.1:0", location: here, recheck: 0s}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
channels:
  - name: web
    type: desktop_web
    touchpoints:
      - {name: sign-up, kind: page, every: 1s, timeout: 1sALSO, with: {url: "URL"}}
  - name: app
    type: mobile_app
    touchpoints:
      - {name: home, kind: page, every: 1s, timeout: 1s, with: {url: "URL"}}
`

// TestAgent_CountsInEveryChannel: what crosses channels is probed once, and its results are those of each of them.
func TestAgent_CountsInEveryChannel(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<title>Shop</title>shop")) }))
	defer shop.Close()
	with := func(also string) string { return strings.NewReplacer("URL", shop.URL, "ALSO", also).Replace(crossing) }
	r := start(t, with(", also_in: [app]"))
	last := func(channel string) string {
		return r.series("probe_last_timestamp_seconds", `channel="`+channel+`"`, `touchpoint="sign-up"`)
	}
	r.eventually("results in both channels", func() bool { return last("web") != "" && last("app") != "" })
	if n := r.series("touchpoint_weight", `channel="app"`, `touchpoint="sign-up"`); n != "1" {
		t.Errorf("weight %q in the other channel, want 1", n)
	}
	_, page := r.get(http.MethodGet, "/touchpoints/app/sign-up")
	if !strings.Contains(page, shop.URL) {
		t.Error("the page of the touchpoint in the other channel does not show what was seen")
	}
	status, _ := r.get(http.MethodPost, "/touchpoints/app/sign-up")
	if status != http.StatusOK {
		t.Errorf("status %d for an extra probe from the other channel, want 200", status)
	}
	if status, _ = r.get(http.MethodPost, "/touchpoints/web/sign-up"); status != http.StatusTooManyRequests {
		t.Errorf("status %d for one more from its own channel, want 429: it is the same probe", status)
	}

	r.write(with(""))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.eventually("the other channel to be without it", func() bool { return last("app") == "" && last("web") != "" })
	if status, _ := r.get(http.MethodGet, "/touchpoints/app/sign-up"); status != http.StatusNotFound {
		t.Errorf("status %d for the page in the other channel, want 404", status)
	}
}
