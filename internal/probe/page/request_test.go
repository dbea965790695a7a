package page_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// asked returns the header that a page is asked for with.
func asked(t *testing.T, channel probe.ChannelType, change func(*page.Config)) http.Header {
	t.Helper()
	var got atomic.Pointer[http.Header]
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Clone()
		header.Set("Host", r.Host)
		got.Store(&header)
		_, _ = w.Write([]byte("hello")) // a client that went away is the test's own
	})
	run(t, config(channel, url, change))
	return *got.Load()
}

func TestProbe_AsksAsTheDevice(t *testing.T) {
	t.Parallel()
	desktop := map[string]string{
		"Sec-Ch-Ua-Mobile": "?0", "Sec-Ch-Ua-Platform": `"Windows"`, "Sec-Ch-Viewport-Width": "1920", "Sec-Ch-Dpr": "1",
		"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Channelwatch/1.2.3",
		"Sec-Ch-Ua":  `"Chromium";v="156", "Not A(Brand";v="24", "Channelwatch";v="1"`,
	}
	phone := map[string]string{
		"Sec-Ch-Ua-Mobile": "?1", "Sec-Ch-Ua-Platform": `"Android"`, "Sec-Ch-Viewport-Width": "412", "Sec-Ch-Dpr": "2.625",
		"User-Agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36 Channelwatch/1.2.3",
	}
	tests := []struct {
		name    string
		channel probe.ChannelType
		change  func(*page.Config)
		want    map[string]string
	}{
		{"desktop web", probe.DesktopWeb, nil, desktop},
		{"mobile web", probe.MobileWeb, nil, phone},
		{"mobile app", probe.MobileApp, nil, phone},
		{"mobile display", probe.MobileDisplay, nil, phone},
		{"social", probe.Social, nil, desktop},
		{"desktop on a mobile channel", probe.MobileWeb, func(c *page.Config) { c.Profile = "desktop" }, desktop},
		{
			"own headers", probe.DesktopWeb,
			func(c *page.Config) {
				c.Headers = map[string]string{"accept-language": "de", "X-Segment": "vip", "user-agent": "mine", "host": "shop.example"}
			},
			map[string]string{"Accept-Language": "de", "X-Segment": "vip", "User-Agent": "mine", "Host": "shop.example", "Sec-Ch-Ua-Mobile": "?0"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := asked(t, tt.channel, tt.change)
			for name, want := range tt.want {
				if got.Get(name) != want {
					t.Errorf("%s: got %q, want %q", name, got.Get(name), want)
				}
			}
			for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Sec-Fetch-Dest"} {
				if len(got.Values(name)) != 1 {
					t.Errorf("%s: got %q, want one value", name, got.Values(name))
				}
			}
		})
	}
}

func TestProbe_SecretsStayWithTheFirstHostAndOutOfResults(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-token"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("Bearer "+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var elsewhere atomic.Value
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Store(r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "you sent %s", r.URL.Query().Get("echo"))
	})
	var first atomic.Value
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		first.Store(r.Header.Get("Authorization"))
		http.Redirect(w, r, other+"/"+secret+"?echo="+secret, http.StatusFound)
	})
	result := run(t, config(probe.DesktopWeb, url, func(c *page.Config) {
		c.SecretHeaders = map[string]probe.Secret{"authorization": {File: file}}
	}))
	if got := first.Load(); got != "Bearer "+secret {
		t.Errorf("first host: got %q, want the secret", got)
	}
	if got := elsewhere.Load(); got != "" {
		t.Errorf("second host: got %q, want nothing", got)
	}
	data, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if printed := string(data) + fmt.Sprintf("%+v", result); strings.Contains(printed, secret) {
		t.Errorf("got the secret in %s", printed)
	}
	last := result.Evidence.Exchanges[len(result.Evidence.Exchanges)-1]
	if want := "you sent [redacted]"; last.BodyStart != want {
		t.Errorf("body: got %q, want %q", last.BodyStart, want)
	}
}

func TestProbe_Redirects(t *testing.T) {
	t.Parallel()
	chain := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "/2", http.StatusFound)
		case "/2":
			http.Redirect(w, r, "/3", http.StatusMovedPermanently)
		case "/away":
			http.Redirect(w, r, "http://localhost:1/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			_, _ = w.Write([]byte("arrived")) // a client that went away is the test's own
		}
	}
	tests := []struct {
		name      string
		path      string
		change    func(*page.Config)
		want      probe.CheckID // reason or only finding
		exchanges int
	}{
		{"followed", "/1", nil, "", 3},
		{"as many as allowed", "/1", func(c *page.Config) { c.Redirects.Max = 2 }, "", 3},
		{"one too many", "/1", func(c *page.Config) { c.Redirects.Max = 1 }, probe.RedirectLimit, 2},
		{"not followed", "/1", func(c *page.Config) { c.Redirects.Max = 0 }, "status_unexpected", 1},
		{"wanted as it is", "/1", func(c *page.Config) { c.Redirects.Max, c.Expect.Status = 0, []string{"302"} }, "", 1},
		{"in circles", "/loop", nil, probe.RedirectLoop, 1},
		{"on its own host", "/1", func(c *page.Config) { c.Redirects.Hosts = []string{"shop.example"} }, "", 3},
		{"to another host", "/away", func(c *page.Config) { c.Redirects.Hosts = []string{"shop.example"} }, probe.RedirectForbidden, 1},
		{"lands elsewhere", "/1", func(c *page.Config) { c.Expect.FinalURL = "*/1" }, "final_url_wrong", 3},
		{"lands where it should", "/1", func(c *page.Config) { c.Expect.FinalURL = "*/3" }, "", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, config(probe.DesktopWeb, serve(t, chain)+tt.path, tt.change))
			got := result.Reason
			if len(result.Findings) == 1 {
				got += result.Findings[0].Check
			}
			if got != tt.want || len(result.Findings) > 1 || len(result.Evidence.Exchanges) != tt.exchanges {
				t.Errorf("got %q after %d exchanges, want %q after %d: %s", got, len(result.Evidence.Exchanges),
					tt.want, tt.exchanges, result.Detail)
			}
			if _, measured := result.Phases.Get(probe.Wait); !measured || result.Duration != result.Phases.Sum() {
				t.Errorf("got duration %v and phases %+v, want their sum", result.Duration, result.Phases)
			}
		})
	}
}

func TestProbe_BodyLimit(t *testing.T) {
	t.Parallel()
	url := serve(t, html(strings.Repeat("x", 2000)))
	result := run(t, config(probe.DesktopWeb, url, func(c *page.Config) { c.MaxBody = 1999 }))
	if result.Reason != probe.BodyTooLarge || len(result.Measurements) != 0 {
		t.Errorf("got reason %q and measurements %+v, want %q and none", result.Reason, result.Measurements, probe.BodyTooLarge)
	}
	result = run(t, config(probe.DesktopWeb, url, func(c *page.Config) { c.MaxBody = 2000 }))
	if result.Reason != "" {
		t.Errorf("got reason %q, want none: %s", result.Reason, result.Detail)
	}
}
