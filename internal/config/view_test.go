package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// block returns the fields of one block of a view.
func block(t *testing.T, v config.View, typ, name string) map[string]string {
	t.Helper()
	for _, b := range v.Blocks {
		if b.Type == typ && b.Name == name {
			return b.Fields
		}
	}
	t.Fatalf("got no block %s %q in %+v", typ, name, v)
	return nil
}

func TestConfig_View(t *testing.T) {
	t.Setenv("SHOP_TOKEN", "hunter2")
	v := parse(t, oneTouchpoint(probe.MobileWeb, "limits: {good: 2s}",
		`with: {url: "https://me:hunter2@www.example.com/a?key=hunter2", headers: {X-Key: hunter2}, token: {env: SHOP_TOKEN}, `+
			`delay: 1d, max_body: 1MiB, expect: {index: false, status: [200, 204]}, json: {password: hunter2}, assert: [{jsonpath: $.a}]}`)+
		"agent: {location: berlin-1, recheck: 0}\n").View()
	equal(t, "agent", block(t, v, "agent", ""), map[string]string{
		"listen": "127.0.0.1:9977", "location": "berlin-1", "log.format": "text", "log.level": "info", "max_concurrent": "1000",
		"per_host": "32", "series_limit": "1000000", "recent_bytes": "16MiB", "pprof": "false",
	})
	equal(t, "channel", block(t, v, "channel", "mobile-web"), map[string]string{"title": "Mobile web", "type": "mobile_web"})
	equal(t, "touchpoint", block(t, v, "touchpoint", "mobile-web/home-page"), map[string]string{
		"title": "Home page", "kind": "page", "every": "30s", "timeout": "10s", "recheck": "0s", "tier": "standard", "weight": "1",
		"limits.excellent": "800ms", "limits.good": "2s", "limits.fair": "4s",
		"with.url": "https://www.example.com/a?key=hidden-f52f", "with.profile": "phone", "with.headers.X-Key": "hidden-f52f",
		"with.token": "{env: SHOP_TOKEN}", "with.delay": "1d", "with.max_body": "1MiB",
		"with.expect.index": "false", "with.expect.status[0]": "200", "with.expect.status[1]": "204",
		"with.json": "hidden-31cf", "with.assert[0].jsonpath": "$.a",
	})
}

// TestConfig_ViewHidesSecrets plants secrets wherever a request of a real kind can carry one.
func TestConfig_ViewHidesSecrets(t *testing.T) {
	secret := func(i int) string { return fmt.Sprintf("planted%dsecret", i) }
	t.Setenv("PLANTED", secret(0))
	var b strings.Builder
	b.WriteString("channels:\n  - name: app\n    type: mobile_app\n    touchpoints:\n")
	for i := range 100 {
		s := secret(i)
		fmt.Fprintf(&b, "      - {name: get-%d, kind: api, with: {url: \"https://www.example.com/?key=%s\", headers: {X-Key: %s}, secret_headers: {Authorization: {env: PLANTED}}}}\n", i, s, s)
		fmt.Fprintf(&b, "      - {name: post-%d, kind: api, with: {url: \"https://www.example.com/\", method: POST, body: %s}}\n", i, s)
		fmt.Fprintf(&b, "      - {name: json-%d, kind: api, with: {url: \"https://www.example.com/\", method: POST, json: {password: %s}}}\n", i, s)
		fmt.Fprintf(&b, "      - {name: page-%d, kind: page, with: {url: \"https://www.example.com/?a=%s&%s\", headers: {X-Session: %s}}}\n", i, s, s, s)
	}
	c, err := config.Parse("shop.yaml", []byte(b.String()), kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out, err := json.Marshal(c.View())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if at := strings.Index(string(out), secret(i)); at >= 0 {
			t.Fatalf("the view shows a secret: …%s…", out[max(0, at-100):at+len(secret(i))])
		}
	}
}

func TestDiff(t *testing.T) {
	base := oneTouchpoint(probe.MobileWeb, "every: 30s", `with: {url: "https://www.example.com/", headers: {X-Key: hunter2}}`)
	tests := []struct {
		name, to string
		want     []config.Change
	}{
		{"nothing", base + "# comment\n", nil},
		{"a field", strings.Replace(base, "every: 30s", "every: 1m", 1), []config.Change{
			{What: "changed", Type: "touchpoint", Name: "mobile-web/home-page", Fields: []config.FieldChange{{Field: "every", Old: "30s", New: "1m"}}},
		}},
		{"a hidden field and one that is new", strings.Replace(base, "X-Key: hunter2}", "X-Key: hunter3}, delay: 1s", 1), []config.Change{
			{What: "changed", Type: "touchpoint", Name: "mobile-web/home-page", Fields: []config.FieldChange{
				{Field: "with.delay", Old: "", New: "1s"},
				{Field: "with.headers.X-Key", Old: "hidden-f52f", New: "hidden-fb8c"},
			}},
		}},
		{"another touchpoint", strings.Replace(base, "home-page", "basket", 1), []config.Change{
			{What: "added", Type: "touchpoint", Name: "mobile-web/basket"},
			{What: "removed", Type: "touchpoint", Name: "mobile-web/home-page"},
		}},
		{"the agent", base + "agent: {per_host: 5}\n", []config.Change{
			{What: "changed", Type: "agent", Fields: []config.FieldChange{{Field: "per_host", Old: "32", New: "5"}}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			equal(t, "changes", config.Diff(overJSON(t, parse(t, base).View()), parse(t, test.to).View()), test.want)
		})
	}
}

// overJSON returns the view as it comes from a running agent.
func overJSON(t *testing.T, v config.View) config.View {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out config.View
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
