package api_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// build returns a prober of the defaults with the URL and changes.
func build(t *testing.T, url string, change func(*api.Config)) (probe.Built, error) {
	t.Helper()
	c := api.Kind().NewConfig(probe.MobileApp).(*api.Config)
	c.URL = url
	if change != nil {
		change(c)
	}
	return api.Kind().Build(c, probe.Setup{
		Channel: "app", Touchpoint: "products", Type: probe.MobileApp, Every: time.Minute, Timeout: 10 * time.Second,
		Location: "test", UserAgent: "Channelwatch/1.2.3",
	})
}

// run probes once.
func run(t *testing.T, url string, change func(*api.Config)) probe.Result {
	t.Helper()
	built, err := build(t, url, change)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// serve starts a server that answers every request with handle.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// answer returns a handler that sends a JSON document.
func answer(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, document)
	}
}

func TestProbe_Findings(t *testing.T) {
	t.Parallel()
	const document = `{"items":[{"id":1,"price":9.5}],"maintenance":true}`
	cases := map[string]struct {
		handle http.HandlerFunc
		change func(*api.Config)
		want   []probe.Finding
	}{
		"fine without rules": {handle: answer(document)},
		"fine with rules": {handle: answer(document), change: func(c *api.Config) {
			c.Expect.ContentType = []string{"application/json"}
			c.Expect.JSON = []assert.JSONRule{{Path: "$.items[0].price", Min: new(0.01)}}
		}},
		"not found": {
			handle: http.NotFound,
			want:   []probe.Finding{{Check: assert.StatusUnexpected, Detail: "status 404, want 2xx"}},
		},
		"several expectations fail on one body": {
			handle: answer(document),
			change: func(c *api.Config) {
				c.Expect.Contains = []string{"sold out"}
				c.Expect.JSON = []assert.JSONRule{{Path: "$.items[0].price", Max: new(5.0)}, {Path: "$.maintenance", Equals: false}}
			},
			want: []probe.Finding{
				{Check: assert.TextMissing, Detail: `51 bytes without "sold out"; the body starts with "{\"items\":[{\"id\":1,\"price\":9.5}],\"maintenance\":true}"`},
				{Check: assert.JSONUnexpected, Detail: "$.items[0].price is 9.5, want at most 5"},
				{Check: assert.JSONUnexpected, Detail: "$.maintenance is true, want false"},
			},
		},
		"a redirect is the answer when none is followed": {
			handle: http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP,
			change: func(c *api.Config) { c.Redirects.Max = 0 },
			want:   []probe.Finding{{Check: assert.StatusUnexpected, Detail: "status 302, want 2xx"}},
		},
		"a slow answer is too slow for what is expected": {
			handle: answer(document),
			change: func(c *api.Config) { c.Expect.Duration.Max = 1 },
			want:   []probe.Finding{{Check: assert.DurationExceeded}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, serve(t, c.handle)+"/v1/products", c.change)
			for i := range result.Findings {
				if result.Findings[i].Check == assert.DurationExceeded {
					result.Findings[i].Detail = "" // holds the time that it took
				}
			}
			if diff := cmp.Diff(c.want, result.Findings); diff != "" || result.Reason != "" {
				t.Errorf("reason %q, findings (-want +got):\n%s", result.Reason, diff)
			}
			start := result.Evidence.Exchanges[0].BodyStart
			if (start != "") != (len(c.want) > 0) {
				t.Errorf("got the start of the body %q, want it exactly when something is wrong", start)
			}
		})
	}
}

func TestProbe_IncompleteAnswerIsNotCheckedFurther(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"items":`)
	})
	result := run(t, url, func(c *api.Config) { c.Expect.JSON = []assert.JSONRule{{Path: "$.items", Type: "array"}} })
	if result.Reason != probe.BodyTruncated || len(result.Findings) > 0 || len(result.Measurements) > 0 {
		t.Errorf("got reason %q, findings %v and measurements %v; want %q alone",
			result.Reason, result.Findings, result.Measurements, probe.BodyTruncated)
	}
}

func TestProbe_FollowsRedirects(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusPermanentRedirect)
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path)
	})
	result := run(t, url+"/old", func(c *api.Config) {
		c.Method, c.Body = http.MethodPost, "x"
		c.Expect.Contains = []string{"POST /new"}
	})
	if result.Reason != "" || len(result.Findings) > 0 || len(result.Evidence.Exchanges) != 2 {
		t.Errorf("got reason %q, findings %v and %d exchanges; want a good answer after 2",
			result.Reason, result.Findings, len(result.Evidence.Exchanges))
	}
}

func TestProbe_MeasuresTheTransferredBody(t *testing.T) {
	t.Parallel()
	var sent int
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		var body strings.Builder
		z := gzip.NewWriter(&body)
		_, _ = z.Write(make([]byte, 5000))
		_ = z.Close()
		sent = body.Len()
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, body.String())
	})
	result := run(t, url, func(c *api.Config) { c.Expect.Size = assert.SizeRule{Min: 5000, Max: new(int64(5000))} })
	want := []probe.Measurement{{Metric: "api_response_bytes", Value: float64(sent)}}
	if diff := cmp.Diff(want, result.Measurements); diff != "" || len(result.Findings) > 0 {
		t.Errorf("findings %v, measurements (-want +got):\n%s", result.Findings, diff)
	}
}

func TestProbe_NotesTheCertificate(t *testing.T) {
	t.Parallel()
	target := probetest.HealthyHTTP(t)
	result := run(t, target.URL, func(c *api.Config) { c.TLS.CAFile = target.CAFile })
	leaf := result.Evidence.Exchanges[0].TLS.Chain[0]
	want := []probe.Measurement{
		{Metric: probe.CertificateNotAfter, Value: float64(leaf.NotAfter.Unix())},
		{Metric: probe.CertificateNotBefore, Value: float64(leaf.NotBefore.Unix())},
		{Metric: "api_response_bytes", Value: float64(result.Evidence.Exchanges[0].WireBytes)},
	}
	if diff := cmp.Diff(want, result.Measurements); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
}

func TestKind_Limits(t *testing.T) {
	t.Parallel()
	waited := probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
	unwatched := probe.Limits{Excellent: 500 * time.Millisecond, Good: 2 * time.Second, Fair: 5 * time.Second}
	for _, channelType := range probe.ChannelTypes() {
		want := unwatched
		switch channelType {
		case probe.MobileApp, probe.MobileWeb, probe.DesktopWeb:
			want = waited
		}
		if got := api.Kind().Limits(channelType); got != want {
			t.Errorf("%s: got %+v, want %+v", channelType, got, want)
		}
	}
}

func TestProbe_HidesSecretsEverywhere(t *testing.T) {
	t.Setenv("TEST_API_TOKEN", "Bearer hunter2")
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got := r.Header.Get("Authorization")
		w.Header().Set("Server", got)
		http.Error(w, "no "+strings.TrimPrefix(got, "Bearer ")+" here", http.StatusForbidden)
	})
	result := run(t, url, func(c *api.Config) {
		c.SecretHeaders = map[string]probe.Secret{"Authorization": {Env: "TEST_API_TOKEN"}}
		c.Expect.Status, c.Expect.Contains = []string{"403"}, []string{"welcome"}
	})
	printed, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(printed), "hunter2") || strings.Count(string(printed), "[redacted]") < 3 {
		t.Errorf("got %s, want the secret hidden in header, body and findings", printed)
	}
}

func TestProbe_HidesWhatTheRequestSays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "login.xml")
	if err := os.WriteFile(file, []byte("<login user='alice@shop.example'>\n <pass>hunter22</pass>\n</login>"), 0o600); err != nil {
		t.Fatal(err)
	}
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.Error(w, "refused: "+string(body), http.StatusUnauthorized)
	})
	cases := map[string]struct {
		change func(*api.Config)
		want   string
	}{
		"JSON": {
			func(c *api.Config) {
				c.JSON = map[string]any{"user": map[string]any{"mail": "alice@shop.example"}, "tries": []any{"hunter22", "short"}}
			},
			`refused: {"tries":["[redacted]","short"],"user":{"mail":"[redacted]"}}`,
		},
		"JSON as text":   {func(c *api.Config) { c.Body = `"hunter22"` }, `refused: "[redacted]"`},
		"form":           {func(c *api.Config) { c.Body = "lang=en&user=alice%40shop.example&pass=hunter22" }, "refused: [redacted]"},
		"XML":            {func(c *api.Config) { c.BodyFile = file }, "refused: <login user='[redacted]'>\n <pass>[redacted]</pass>\n</login>"},
		"lines":          {func(c *api.Config) { c.Body = "hunter22\nshort\r\nhunter23\r\n" }, "refused: [redacted]\nshort\r\n[redacted]"},
		"ordinary words": {func(c *api.Config) { c.Body = "short" }, "refused: short"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, echo, func(config *api.Config) {
				config.Method = http.MethodPost
				c.change(config)
			})
			if got := strings.TrimSpace(result.Evidence.Exchanges[0].BodyStart); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestProbe_HidesOneValueOfAForm echoes a part of the request only.
func TestProbe_HidesOneValueOfAForm(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.FormValue("user")+" is unknown", http.StatusUnauthorized)
	})
	result := run(t, url, func(c *api.Config) {
		c.Method, c.Body = http.MethodPost, "lang=en&user=alice%40shop.example"
		c.Headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	})
	if got, want := result.Evidence.Exchanges[0].BodyStart, "[redacted] is unknown\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
