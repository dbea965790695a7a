package agent_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

const listening = `
agent: {listen: "127.0.0.1:0", location: here}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
rum:
  listen: ADDRESS
  apps: [{channel: web, origins: [ORIGIN], groups: [{name: home, path: ^/$}]}]
  trusted_proxies: [PROXY]
channels:
  - {name: web, type: desktop_web, touchpoints: [{name: home, kind: page, with: {url: "http://127.0.0.1:1/"}}]}
`

func listeningWith(address, origin, proxy string) string {
	return strings.NewReplacer("ADDRESS", address, "ORIGIN", origin, "PROXY", proxy).Replace(listening)
}

// freeAddress returns an address that nobody listens on. Its host is that of this process alone, so that nobody else is
// given its port meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	host := fmt.Sprintf("127.1.%d.%d", os.Getpid()>>8&255, os.Getpid()&255)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// TestAgent_ListensToBeacons: what a customer's browser reports is among the agent's series.
func TestAgent_ListensToBeacons(t *testing.T) {
	address := freeAddress(t)
	r := start(t, listeningWith(address, "https://www.example.com", "10.0.0.0/8"))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/vitals",
		strings.NewReader(`{"v":1,"path":"/","device":"mobile","rate":1,"values":{"lcp":1900}}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://www.example.com")
	request.Header.Set("Content-Type", "text/plain")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if _ = response.Body.Close(); response.StatusCode != http.StatusNoContent {
		t.Errorf("status %d, want 204", response.StatusCode)
	}
	r.eventually("the value of the beacon", func() bool {
		return r.series("rum_web_vital_seconds_count", `channel="web"`, `device="mobile"`, `page_group="home"`, `source="rum"`, `vital="lcp"`) == "1" &&
			r.series("rum_web_vital_seconds_sum", `vital="lcp"`) == "1.9"
	})
}

func TestChecks_RUM(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"fine", listeningWith("127.0.0.1:0", "https://www.example.com", "10.0.0.1"), ""},
		{"an origin with a path", listeningWith("127.0.0.1:0", "https://www.example.com/shop", "10.0.0.1"), "rum.apps[0].origins[0]"},
		{"a proxy that is none", listeningWith("127.0.0.1:0", "https://www.example.com", "proxy"), `rum.trusted_proxies[0]: "proxy", want an address or a network such as 192.0.2.0/24`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &loaded{path: t.TempDir() + "/channelwatch.yaml"}
			l.write(t, tt.yaml)
			cfg, err := config.Load(l.path, kinds.All(), agent.Checks()...)
			if err == nil {
				cfg.Close()
			}
			if got := textOf(err); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
