package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is an agent that stands still.
type source struct {
	channels []*probe.Channel
	notices  []string
	ready    bool
	reload   error
}

func (s *source) Channels() []*probe.Channel { return s.channels }
func (s *source) Notices() []string          { return s.notices }
func (s *source) ConfigView() any            { return map[string]string{"hash": "abc"} }
func (s *source) Reload() error              { return s.reload }
func (s *source) Ready() bool                { return s.ready }

// hostile is what a channel may send to get at a reader.
const hostile = `<script>alert(1)</script>"'`

func channels() []*probe.Channel {
	touchpoint := func(name string, tier probe.Tier) *probe.Touchpoint {
		return &probe.Touchpoint{
			Channel: "web", Name: name, Title: strings.ToUpper(name[:1]) + name[1:], Kind: "page", Tier: tier, Every: 30 * time.Second,
			Timeout: 10 * time.Second, Limits: probe.Limits{Excellent: time.Second, Good: 2 * time.Second, Fair: 4 * time.Second},
			Built: probe.Built{Profile: probe.Profile{URL: "https://shop.example/" + name}},
		}
	}
	return []*probe.Channel{{
		Name: "web", Title: "Web shop", Type: probe.DesktopWeb, OwnerIT: "it@shop.example", OwnerMkt: "brand@shop.example",
		Objective: probe.Objective{Score: 95, Window: 28 * 24 * time.Hour, Review: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)},
		Touchpoints: []*probe.Touchpoint{
			touchpoint("home", probe.Critical), touchpoint("search", probe.Standard), touchpoint("basket", probe.Standard),
		},
	}}
}

// serve starts a server on loopback over s with one excellent, one poor and one unmeasured touchpoint.
func serve(t *testing.T, s *source, change ...func(*web.Options)) (base string) {
	t.Helper()
	return "http://" + serveOn(t, s, "127.0.0.1:0", change...).String()
}

// serveOn is serve on an address, with changed options.
func serveOn(t *testing.T, s *source, address string, change ...func(*web.Options)) net.Addr {
	t.Helper()
	server, err := web.New(options(t, s, change...))
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, server, address)
}

// options are those of an agent over s with one excellent, one poor and one unmeasured touchpoint.
func options(tb testing.TB, s *source, change ...func(*web.Options)) web.Options {
	tb.Helper()
	catalogue, err := probe.NewCatalogue(nil)
	if err != nil {
		tb.Fatal(err)
	}
	ring := recent.New(1 << 20)
	start := time.Now().Add(-5 * time.Minute)
	if len(s.channels) > 0 {
		fine := probe.Result{Start: start, Duration: 120 * time.Millisecond}
		fine.Phases.Add(probe.Connect, 20*time.Millisecond)
		fine.Phases.Add(probe.Wait, 100*time.Millisecond)
		broken := probe.Result{
			Start: start, Duration: 10 * time.Second, Reason: probe.ResponseTimeout, Detail: "no response: " + hostile,
			Evidence: &probe.Evidence{Exchanges: []probe.Exchange{{
				Method: "GET", URL: "https://shop.example/search?q=…", Status: 200, BodyStart: hostile,
				Header: []probe.Header{{Name: "Server", Value: hostile}},
			}}},
		}
		for i, r := range []*probe.Result{&fine, &broken} {
			tp := s.channels[0].Touchpoints[i]
			ring.Add(recent.Entry{Touchpoint: tp, Result: *r, Verdict: quality.Rate(catalogue, tp.Limits, r)})
		}
	}
	opts := web.Options{
		Source: s, Recent: ring, Catalogue: catalogue, Version: "1.2.3", Location: "berlin-1", Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }),
	}
	for _, c := range change {
		c(&opts)
	}
	return opts
}

// listen serves until the test ends.
func listen(t *testing.T, server *web.Server, address string) net.Addr {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Stop(t.Context()), <-done); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
	})
	return listener.Addr()
}

func request(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestServer_Routes(t *testing.T) {
	s := &source{channels: channels()}
	base := serve(t, s)
	tests := []struct {
		name, method, path string
		prepare            func()
		status             int
		body               string // contained
	}{
		{"metrics", "GET", "/metrics", nil, 200, "metric 1"},
		{"healthy", "GET", "/-/healthy", nil, 200, "healthy"},
		{"not ready", "GET", "/-/ready", func() { s.ready = false }, 503, "not ready"},
		{"ready", "GET", "/-/ready", func() { s.ready = true }, 200, "ready"},
		{"reload", "POST", "/-/reload", func() { s.reload = nil }, 200, "reloaded"},
		{"reload refused", "POST", "/-/reload", func() { s.reload = errors.New("x.yaml:1: bad") }, 422, "x.yaml:1: bad"},
		{"reload wants POST", "GET", "/-/reload", nil, 405, ""},
		{"configuration", "GET", "/api/v1/config", nil, 200, `"hash":"abc"`},
		{"no such page", "GET", "/nowhere", nil, 404, ""},
		{"no such touchpoint", "GET", "/touchpoints/web/none", nil, 404, "There is no such touchpoint"},
		{"no such channel", "GET", "/touchpoints/none/home", nil, 404, "There is no such touchpoint"},
		{"no profiles unless asked for", "GET", "/debug/pprof/", nil, 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.prepare != nil {
				tt.prepare()
			}
			response, body := request(t, tt.method, base+tt.path)
			if response.StatusCode != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("%s %s: %d %q, want %d with %q", tt.method, tt.path, response.StatusCode, body, tt.status, tt.body)
			}
			if csp := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") {
				t.Errorf("Content-Security-Policy is %q, want one that begins with default-src 'none'", csp)
			}
		})
	}
}

func TestServer_Results(t *testing.T) {
	base := serve(t, &source{channels: channels()})
	tests := []struct {
		query string
		want  []string
	}{
		{"", []string{"home excellent", "search poor"}},
		{"?touchpoint=search", []string{"search poor"}},
		{"?channel=web&touchpoint=home", []string{"home excellent"}},
		{"?channel=none", []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			_, body := request(t, http.MethodGet, base+"/api/v1/results"+tt.query)
			var answer struct {
				Results []struct{ Touchpoint, Rating string }
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			got := []string{}
			for _, r := range answer.Results {
				got = append(got, r.Touchpoint+" "+r.Rating)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPages_EscapeWhatChannelsSend(t *testing.T) {
	base := serve(t, &source{channels: channels(), notices: []string{hostile}})
	for _, path := range []string{"/", "/touchpoints/web/search"} {
		_, body := request(t, http.MethodGet, base+path)
		if strings.Contains(body, "<script>") {
			t.Errorf("%s holds a script that a channel sent", path)
		}
		if !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s does not show what the channel sent", path)
		}
	}
}

func TestPages_SayWhatMatters(t *testing.T) {
	base := serve(t, &source{channels: channels()})
	tests := []struct {
		path string
		want []string
	}{
		{"/", []string{
			"Web shop", "Marketing: brand@shop.example. IT: it@shop.example. Agreed: score 95 over 28 days, to be reviewed on 2027-03-31.",
			`<span class="rating excellent">Excellent</span> 1`, `<span class="rating poor">Poor</span> 1`,
			`<span class="rating unknown">Unknown</span> 1`, "Customers wait for an answer that never comes.",
			"No complete response header came in time", "No result yet.", "10.00 s", "120.0 ms", "5 min ago",
		}},
		{"/touchpoints/web/search", []string{
			"Search", "no answer", "Customers wait for an answer that never comes.", "Evidence", "https://shop.example/search",
		}},
		{"/touchpoints/web/home", []string{
			"Where the time went", `<rect x="0.00" y="1" width="16.67"`, `<rect x="16.67" y="1" width="83.33"`, "20.0 ms",
		}},
	}
	for _, tt := range tests {
		_, body := request(t, http.MethodGet, base+tt.path)
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q:\n%s", tt.path, want, body)
			}
		}
	}
}

func TestPages_NoChannels(t *testing.T) {
	base := serve(t, &source{})
	if _, body := request(t, http.MethodGet, base+"/"); !strings.Contains(body, "No channels are configured.") {
		t.Errorf("the page does not say that there are no channels:\n%s", body)
	}
	if _, body := request(t, http.MethodGet, base+"/api/v1/results"); body != "{\"results\":[]}\n" {
		t.Errorf("results: %q, want an empty list", body)
	}
}

func TestNew_BadWebConfig(t *testing.T) {
	path := t.TempDir() + "/web.yaml"
	if err := os.WriteFile(path, []byte("tls_server_config: {cert_file: gone.pem}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := web.New(web.Options{WebConfigFile: path, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "web_config_file") {
		t.Errorf("New: %v, want an error that names web_config_file", err)
	}
}

// TestServer_StopCutsOff stops a server whose client waits for an answer that never comes.
func TestServer_StopCutsOff(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	server, err := web.New(web.Options{
		Source: &source{}, Recent: recent.New(1 << 20), Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(asked)
			<-r.Context().Done()
			close(ended)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if _, err := io.WriteString(client, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(server.Stop(ctx), <-served); err != nil {
		t.Errorf("stopping: %v, want no error: the request was given its time", err)
	}
	<-ended
}
