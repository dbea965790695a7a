package propagation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/propagation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a source and its sinks: a change is at a sink after some looks at it.
type shop struct {
	*httptest.Server

	mu      sync.Mutex
	note    string // what was written last
	notes   []string
	looks   map[string]int // since then, by sink
	delay   map[string]int // looks that do not show the change yet, by sink
	cleaned []string
	open    int // changes that were not cleaned up
	mostly  int // the most of them at once
	handle  map[string]http.HandlerFunc
	header  http.Header // of the last write
}

func newShop(tb testing.TB) *shop {
	tb.Helper()
	s := &shop{looks: make(map[string]int), delay: make(map[string]int), handle: make(map[string]http.HandlerFunc)}
	s.Server = httptest.NewServer(s)
	tb.Cleanup(s.Close)
	return s
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	other := s.handle[name]
	s.mu.Unlock()
	if other != nil {
		other(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case name == "source":
		s.note, s.header = string(body), r.Header.Clone()
		s.notes = append(s.notes, s.note)
		s.looks = make(map[string]int)
		s.open++
		s.mostly = max(s.mostly, s.open)
	case strings.HasPrefix(name, "cleanup"):
		s.cleaned = append(s.cleaned, r.Method+" "+r.URL.RequestURI())
		s.open--
	case s.looks[name] < s.delay[name]:
		s.looks[name]++
		_, _ = io.WriteString(w, `{"note":"old"}`)
	default:
		_ = json.NewEncoder(w).Encode(map[string]string{"note": s.note})
	}
}

// build builds a prober of the shop with the sinks web and app; change adapts it.
func (s *shop) build(change func(*propagation.Config)) (probe.Built, error) {
	c := propagation.Kind().NewConfig(probe.Custom).(*propagation.Config)
	c.Writes, c.Poll, c.Window, c.Deadline = true, 100*time.Millisecond, 2*time.Second, 2*time.Second
	c.Source = httpkind.Call{URL: s.URL + "/source", Body: "it is {{marker}}"}
	c.Sinks = slices.Grow(c.Sinks, 2)[:2]
	c.Sinks[0].Name, c.Sinks[0].URL = "web", s.URL+"/web"
	c.Sinks[1].Name, c.Sinks[1].URL, c.Sinks[1].Path = "app", s.URL+"/app", "$.note"
	c.Cleanup = &httpkind.Call{URL: s.URL + "/cleanup/{{marker}}"}
	if change != nil {
		change(c)
	}
	return propagation.Kind().Build(c, probe.Setup{
		Channel: "shop", Touchpoint: "price", Type: probe.Custom, Every: time.Minute, Timeout: 10 * time.Second, UserAgent: "Channelwatch/1.2.3",
	})
}

func (s *shop) probe(tb testing.TB, change func(*propagation.Config)) probe.Result {
	tb.Helper()
	built, err := s.build(change)
	if err != nil {
		tb.Fatal(err)
	}
	result, err := built.Prober.Probe(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// measured returns how often a metric was measured for a sink.
func measured(result *probe.Result, metric, sink string) int {
	n := 0
	for _, m := range result.Measurements {
		if m.Metric == metric && m.Label == sink {
			n++
		}
	}
	return n
}

func TestProbe_SeesTheChangeEverywhere(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.delay["app"] = 3
	result := s.probe(t, nil)
	if result.Reason != "" || len(result.Findings) > 0 {
		t.Fatalf("got %q (%s) and %v, want nothing wrong", result.Reason, result.Detail, result.Findings)
	}
	if result.Duration < 300*time.Millisecond || !strings.HasPrefix(result.Slowest, "app showed it last, after ") {
		t.Errorf("took %v, %q; want the app to show it at its fourth look", result.Duration, result.Slowest)
	}
	if deliver, _ := result.Phases.Get(probe.Deliver); deliver != result.Duration {
		t.Errorf("delivering took %v, want the whole of %v", deliver, result.Duration)
	}
	marker := strings.TrimPrefix(s.note, "it is ")
	if len(marker) != 26 || s.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("wrote %q as %q, want a random marker", s.note, s.header.Get("Content-Type"))
	}
	if diff := cmp.Diff([]string{"DELETE /cleanup/" + marker}, s.cleaned); diff != "" {
		t.Errorf("cleanup (-want +got):\n%s", diff)
	}
	for _, sink := range []string{"web", "app"} {
		if seen, gone := measured(&result, "propagation_duration_seconds", sink), measured(&result, "propagation_lost_total", sink); seen != 1 || gone != 0 {
			t.Errorf("%s: seen %d times and lost %d times, want once and never", sink, seen, gone)
		}
	}
	want := probe.Measurement{Metric: "propagation_poll_seconds", Value: 0.1}
	if !slices.Contains(result.Measurements, want) {
		t.Errorf("got %v, want the step", result.Measurements)
	}
	if n := len(result.Evidence.Exchanges); n != 4 || len(result.Evidence.Events) != 2 {
		t.Errorf("got %d exchanges and %v, want the write, two sinks and the cleanup", n, result.Evidence.Events)
	}
}

func TestProbe_WhatCanGoWrong(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	cases := map[string]struct {
		set     func(*shop)
		change  func(*propagation.Config)
		reason  probe.Reason
		want    []string // checks and the beginnings of their details
		cleaned int
		lost    []string
	}{
		"late": {
			set: func(s *shop) { s.delay["web"] = 12 }, change: func(c *propagation.Config) { c.Deadline, c.Window = time.Second, 5*time.Second },
			want: []string{"propagation_late web: seen after "}, cleaned: 1,
		},
		"lost in one sink": {
			set: func(s *shop) { s.delay["app"] = 1000 }, cleaned: 1, lost: []string{"app"},
			want: []string{"propagation_lost app: not seen within 2"},
		},
		"lost in both": {
			set: func(s *shop) { s.delay["app"], s.delay["web"] = 1000, 1000 }, cleaned: 1, lost: []string{"app", "web"},
			want: []string{"propagation_lost web: ", "propagation_lost app: "},
		},
		"not found until the end": {
			set: func(s *shop) { s.handle["web"] = status(404) }, cleaned: 1, lost: []string{"web"},
			want: []string{"propagation_lost web: not seen within 2"},
		},
		"a sink that fails":       {set: func(s *shop) { s.handle["web"] = status(503) }, cleaned: 1, lost: []string{"web"}, want: []string{"propagation_sink_unread web: "}},
		"a sink that hangs":       {set: func(s *shop) { s.handle["web"] = hang }, cleaned: 1, lost: []string{"web"}, want: []string{"propagation_sink_unread web: "}},
		"a sink that is no JSON":  {set: func(s *shop) { s.handle["app"] = status(200) }, cleaned: 1, lost: []string{"app"}, want: []string{"propagation_sink_unread app: "}},
		"a sink without the path": {set: func(*shop) {}, change: func(c *propagation.Config) { c.Sinks[1].Path = "$.x" }, cleaned: 1, lost: []string{"app"}, want: []string{"propagation_lost app: "}},
		"a sink with nobody":      {set: func(*shop) {}, change: func(c *propagation.Config) { c.Sinks[0].URL = "http://127.0.0.1:1/" }, cleaned: 1, lost: []string{"web"}, want: []string{"propagation_sink_unread web: "}},
		"the write is refused":    {set: func(s *shop) { s.handle["source"] = status(403) }, reason: "propagation_write_refused", cleaned: 1},
		"the write is redirected": {set: func(s *shop) { s.handle["source"] = status(304) }, reason: "propagation_write_refused", cleaned: 1},
		"the write breaks": {set: func(s *shop) {
			s.handle["source"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, reason: probe.ConnectionClosed, cleaned: 1},
		"nobody takes the write": {set: func(*shop) {}, change: func(c *propagation.Config) { c.Source.URL = "http://127.0.0.1:1/" }, reason: probe.ConnectRefused},
		"the cleanup fails": {set: func(*shop) {}, change: func(c *propagation.Config) {
			c.Cleanup.URL = c.Sinks[0].URL + "/missing/x"
			c.Cleanup.URL = strings.Replace(c.Cleanup.URL, "/web", "/refuse", 1)
		}, want: []string{"propagation_cleanup_failed cleanup: status 403, want 2xx"}},
		"nothing cleans up":         {set: func(*shop) {}, change: func(c *propagation.Config) { c.Cleanup = nil }},
		"a slow write and no sinks": {set: func(s *shop) { s.handle["source"] = hang }, reason: probe.ResponseTimeout, cleaned: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.handle["refuse/missing/x"] = status(403)
			c.set(s)
			result := s.probe(t, c.change)
			var got []string
			for i, f := range result.Findings {
				line := fmt.Sprintf("%s %s", f.Check, f.Detail)
				if i < len(c.want) && strings.HasPrefix(line, c.want[i]) {
					line = c.want[i]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || result.Reason != c.reason {
				t.Errorf("got reason %q (%s), want %q; findings (-want +got):\n%s", result.Reason, result.Detail, c.reason, diff)
			}
			if n := len(s.cleaned); n != c.cleaned {
				t.Errorf("%d cleanups, want %d", n, c.cleaned)
			}
			for _, sink := range []string{"web", "app"} {
				want := 0
				if slices.Contains(c.lost, sink) {
					want = 1
				}
				if n := measured(&result, "propagation_lost_total", sink); n != want {
					t.Errorf("%s was lost %d times, want %d", sink, n, want)
				}
			}
			if result.Duration <= 0 {
				t.Error("it took no time")
			}
		})
	}
}

// TestProbe_CleansUpWhenItIsGivenUp cancels a probe whose change does not come.
func TestProbe_CleansUpWhenItIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.handle["web"] = func(http.ResponseWriter, *http.Request) { cancel() }
	built, err := s.build(nil)
	if err != nil {
		t.Fatal(err)
	}
	if result, err := built.Prober.Probe(ctx); err == nil {
		t.Errorf("got %+v, want an error", result)
	}
	if len(s.cleaned) != 1 {
		t.Errorf("%d cleanups, want 1", len(s.cleaned))
	}
}

func TestProbe_OneMarkerAtATime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	built, err := s.build(nil)
	if err != nil {
		t.Fatal(err)
	}
	var probes sync.WaitGroup
	for range 5 {
		probes.Go(func() {
			if _, err := built.Prober.Probe(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	probes.Wait()
	slices.Sort(s.notes)
	if s.mostly != 1 || len(slices.Compact(s.notes)) != 5 {
		t.Errorf("%d changes were on their way at once, with %d different markers; want 1 and 5", s.mostly, len(s.notes))
	}
}

// TestProbe_WaitsInVainForItsTurn has a probe before it that takes all its time.
func TestProbe_WaitsInVainForItsTurn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.delay["web"] = 1000
	built, err := s.build(nil)
	if err != nil {
		t.Fatal(err)
	}
	writing := make(chan struct{})
	var before sync.WaitGroup
	s.handle["app"] = sync.OnceValue(func() http.HandlerFunc {
		once := sync.OnceFunc(func() { close(writing) })
		return func(http.ResponseWriter, *http.Request) { once() }
	})()
	before.Go(func() { _, _ = built.Prober.Probe(t.Context()) })
	<-writing
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := built.Prober.Probe(ctx); err == nil || !strings.HasPrefix(err.Error(), "waiting for the marker of another probe: ") {
		t.Errorf("got %v, want an error that names the other probe", err)
	}
	before.Wait()
	if len(s.notes) != 1 {
		t.Errorf("wrote %d times, want once", len(s.notes))
	}
}

func TestProbe_HidesSecrets(t *testing.T) {
	t.Setenv("TEST_SOURCE", "hunter22-source")
	t.Setenv("TEST_SINK", "hunter22-sink")
	t.Setenv("TEST_CLEANUP", "hunter22-cleanup")
	s := newShop(t)
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", r.Header.Get("X-Key"))
		http.Error(w, `{"note":"`+r.Header.Get("X-Key")+`"}`, http.StatusForbidden)
	}
	s.handle["app"], s.handle["cleanup"] = echo, echo
	key := func(env string) map[string]probe.Secret { return map[string]probe.Secret{"X-Key": {Env: env}} }
	result := s.probe(t, func(c *propagation.Config) {
		c.Source.SecretHeaders, c.Sinks[1].SecretHeaders = key("TEST_SOURCE"), key("TEST_SINK")
		c.Cleanup.URL, c.Cleanup.SecretHeaders = s.URL+"/cleanup", key("TEST_CLEANUP")
	})
	if got := s.header.Get("X-Key"); got != "hunter22-source" {
		t.Errorf("the source got the key %q", got)
	}
	shown, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "hunter22") || strings.Count(string(shown), "[redacted]") < 4 {
		t.Errorf("got %s, want all keys hidden", shown)
	}
}

// A service that refuses repeats what was sent, with the marker of this probe in it.
func TestProbe_HidesTheBody(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.Error(w, "you sent "+string(body), http.StatusForbidden)
	}))
	t.Cleanup(echo.Close)
	result := s.probe(t, func(c *propagation.Config) {
		c.Source.URL, c.Source.Body = echo.URL, `{"password":"hunter22","note":"hunter23 {{marker}}"}`
	})
	shown, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "hunter2") || strings.Count(string(shown), "[redacted]") < 2 {
		t.Errorf("got %s, want the texts of the body hidden", shown)
	}
}

func TestBuild_ReportsAllMistakes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cases := map[string]struct {
		change func(*propagation.Config)
		want   []string
	}{
		"not told to write": {func(c *propagation.Config) { c.Writes = false }, []string{"writes: false, want true: each probe writes at the source"}},
		"many": {func(c *propagation.Config) {
			c.Source = httpkind.Call{URL: "https://{{marker}}.example/", Method: "GET", Headers: map[string]string{"Authorization": "x"}}
			c.Cleanup = &httpkind.Call{URL: "https://a:hunter22@b.example/", Method: "BREW"}
			c.Sinks[0].Name, c.Sinks[1].Name = "The App", "The App"
			c.Sinks[1].Path = "note"
			c.Window = time.Hour
		}, []string{
			"source.url: {{marker}} is part of the host, want it in path or query",
			"source.headers.Authorization: is a credential, want it in secret_headers as {file: …} or {env: …}",
			"source.method: GET, want a method that writes",
			"cleanup.url: holds credentials, want them in secret_headers as Authorization",
			`cleanup.method: "BREW", want one of GET, POST, PUT, PATCH, DELETE`,
			`sinks[0].name: "The App", want lower-case letters, digits and hyphens`,
			`sinks[1].name: "The App", want lower-case letters, digits and hyphens`,
			`sinks[1].path: "note": jsonpath: unexpected identifier at position 1, want an RFC 9535 path such as $.items[0].price`,
			"window: 1h0m0s is not between 0 and the timeout of 10s, the rest of which is for the write and the cleanup",
		}},
		"no marker":    {func(c *propagation.Config) { c.Source.Body = "x" }, []string{"source.body: nothing of the source has {{marker}}, want it where the sinks show it"}},
		"no sinks":     {func(c *propagation.Config) { c.Sinks = nil }, []string{"sinks: 0, want 1 to 20"}},
		"a sink twice": {func(c *propagation.Config) { c.Sinks[1].Name = "web" }, []string{`sinks[1].name: "web" is the name of another sink`}},
		"no deadline":  {func(c *propagation.Config) { c.Deadline = 3 * time.Second }, []string{"deadline: 3s is not between 0 and the window of 2s"}},
		"sinks that write": {func(c *propagation.Config) {
			c.Sinks = append(c.Sinks, c.Sinks...)
			for i, method := range []string{"PUT", "PATCH", "DELETE", "POST"} {
				c.Sinks[i].Name, c.Sinks[i].Method = "to-"+strings.ToLower(method), method
			}
			c.Poll = 200 * time.Millisecond
		}, []string{
			"sinks[0].method: PUT, want GET or POST: it is sent again at every look",
			"sinks[1].method: PATCH, want GET or POST: it is sent again at every look",
			"sinks[2].method: DELETE, want GET or POST: it is sent again at every look",
		}},
		"too many looks": {func(c *propagation.Config) {
			c.Sinks = append(c.Sinks, c.Sinks[0])
			c.Sinks[2].Name = "third"
		}, []string{"poll: 100ms is too short for 3 sinks, want at least 150ms: all of them are looked at up to 20 times a second"}},
		"a hasty poll": {func(c *propagation.Config) { c.Poll = time.Millisecond }, []string{"poll: 1ms is not between 100ms and the window of 2s"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.build(c.change)
			if err == nil {
				t.Fatalf("got no error, want %q", c.want)
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	with := func(target probetest.Target) map[string]any {
		url := strings.TrimSuffix(target.URL, "/")
		return map[string]any{
			"writes": true, "poll": "200ms",
			"source":  map[string]any{"url": url + "/source", "body": "{{marker}}"},
			"sinks":   []any{map[string]any{"name": "web", "url": url + "/web"}},
			"cleanup": map[string]any{"url": url + "/cleanup"},
		}
	}
	probetest.Run(t, probetest.Subject{Kind: propagation.Kind(), Type: probe.Integration, With: with}, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: newShop(tb).URL}
		},
		Silent: probetest.Silent, SilentWant: probe.ResponseTimeout, ClosedPort: probetest.ClosedPort,
	})
}
