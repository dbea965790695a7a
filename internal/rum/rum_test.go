package rum_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/rum"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shopOrigin = "https://www.shop.example"
	blogOrigin = "https://blog.example:8443"
	good       = `{"v":1,"path":"/","device":"mobile","rate":0.5,"values":{"ttfb":150}}`
)

// options returns those of two websites, behind a proxy on this machine, on a clock that stands.
func options() rum.Options {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return rum.Options{
		Apps: []rum.App{
			{
				Channel: "shop", Origins: []string{shopOrigin, "https://m.shop.example"},
				Groups: []rum.Group{{"home", "^/$"}, {"product", "^/p/"}, {"sale", "/sale(/|$)"}, {"deep-product", "^/p/deep/"}},
			},
			{Channel: "blog", Origins: []string{blogOrigin}},
		},
		Sample:         0.5,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Now:            func() time.Time { return start },
	}
}

// server is one that listens, and its client.
type server struct {
	*rum.Server
	t      testing.TB
	url    string
	client *http.Client
}

func serve(tb testing.TB, opts rum.Options) *server {
	tb.Helper()
	s, err := rum.New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			tb.Errorf("stopping: %v", err)
		}
		if err := <-ended; err != nil {
			tb.Errorf("serving: %v", err)
		}
	})
	return &server{s, tb, "http://" + listener.Addr().String(), &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

// request returns a beacon of the shop that is taken in.
func (s *server) request(body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/v1/vitals", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Origin", shopOrigin)
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	r.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36")
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	return r
}

// do returns the answer to a request and its body.
func (s *server) do(r *http.Request) (response *http.Response, body string) {
	s.t.Helper()
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return response, string(content)
}

// send sends a beacon that must be taken in.
func (s *server) send(body string) {
	s.t.Helper()
	if response, why := s.do(s.request(body)); response.StatusCode != http.StatusNoContent {
		s.t.Errorf("%s is answered with %d %s, want 204", body, response.StatusCode, why)
	}
}

// values returns the readings by name and labels; of histograms, sum and count.
func values(s *rum.Server) map[string]float64 {
	all := make(map[string]float64)
	for _, r := range s.Readings() {
		if r.Distribution == nil {
			all[r.Name+labelsOf(&r)] = r.Value
			continue
		}
		var count uint64
		for _, n := range r.Distribution.Counts {
			count += n
		}
		all[r.Name+"_sum"+labelsOf(&r)], all[r.Name+"_count"+labelsOf(&r)] = r.Distribution.Sum, float64(count)
	}
	return all
}

func labelsOf(r *metrics.Reading) string {
	var labels []string
	for _, l := range r.Labels {
		if l.Value != "" && l.Name != "source" {
			labels = append(labels, l.Name+"="+l.Value)
		}
	}
	return "{" + strings.Join(labels, ",") + "}"
}

// grown returns what differs between two readings.
func grown(before, after map[string]float64) map[string]float64 {
	diff := make(map[string]float64)
	for series, v := range after {
		if d := v - before[series]; d != 0 {
			diff[series] = d
		}
	}
	return diff
}

func TestServer_CountsABeacon(t *testing.T) {
	s := serve(t, options())
	before := values(s.Server)
	response, body := s.do(s.request(`{"v":1,"path":"/p/7","device":"tablet","rate":0.5,"values":{"ttfb":800,"lcp":2500.5,"inp":0,"cls":0.1}}`))
	if response.StatusCode != http.StatusNoContent || body != "" || len(response.Cookies()) > 0 {
		t.Errorf("answer %d %q with cookies %v, want an empty one", response.StatusCode, body, response.Cookies())
	}
	want := map[string]float64{
		"rum_beacons_total{channel=shop,outcome=accepted}":                                      1,
		"rum_web_vital_seconds_sum{channel=shop,device=tablet,page_group=product,vital=ttfb}":   0.8,
		"rum_web_vital_seconds_count{channel=shop,device=tablet,page_group=product,vital=ttfb}": 1,
		"rum_web_vital_seconds_sum{channel=shop,device=tablet,page_group=product,vital=lcp}":    2.5005,
		"rum_web_vital_seconds_count{channel=shop,device=tablet,page_group=product,vital=lcp}":  1,
		"rum_web_vital_seconds_count{channel=shop,device=tablet,page_group=product,vital=inp}":  1,
		"rum_web_vital_layout_shift_ratio_sum{channel=shop,device=tablet,page_group=product}":   0.1,
		"rum_web_vital_layout_shift_ratio_count{channel=shop,device=tablet,page_group=product}": 1,
	}
	if got := grown(before, values(s.Server)); !maps.Equal(got, want) {
		t.Errorf("it counts\n%v, want\n%v", got, want)
	}
}

func TestServer_GroupsPagesByTheFirstRule(t *testing.T) {
	s := serve(t, options())
	for path, group := range map[string]string{
		"/": "home", "/p/1": "product", "/p/deep/1": "product", "/p/sale": "product", "/winter/sale": "sale", "/winter/sales": "other",
		"/" + strings.Repeat("x", 511): "other", "/%70/1": "other", "/p/ü\u2028": "product",
	} {
		before := values(s.Server)
		s.send(fmt.Sprintf(`{"v":1,"path":%q,"device":"other","rate":0.5,"values":{"fcp":1}}`, path))
		if series := "rum_web_vital_seconds_count{channel=shop,device=other,page_group=" + group + ",vital=fcp}"; grown(before, values(s.Server))[series] != 1 {
			t.Errorf("%.20s: %v, want %s", path, grown(before, values(s.Server)), group)
		}
	}
}

func TestServer_KeepsWebsitesApart(t *testing.T) {
	s := serve(t, options())
	for origin, want := range map[string]string{shopOrigin: "shop", "https://m.shop.example": "shop", blogOrigin: "blog"} {
		before := values(s.Server)
		r := s.request(good)
		r.Header.Set("Origin", origin)
		s.do(r)
		if got := grown(before, values(s.Server)); got["rum_beacons_total{channel="+want+",outcome=accepted}"] != 1 {
			t.Errorf("%s: %v, want a beacon of %s", origin, got, want)
		}
	}
	if got := values(s.Server)["rum_web_vital_seconds_count{channel=blog,device=mobile,page_group=other,vital=ttfb}"]; got != 1 {
		t.Errorf("%v page views of the blog, which has no groups, are in other, want 1", got)
	}
}

func TestServer_ClampsAndDrops(t *testing.T) {
	const series = "{channel=shop,device=mobile,page_group=home"
	for _, test := range []struct {
		name   string
		values string
		want   map[string]float64
	}{
		{"a time beyond a minute", `{"lcp":60001}`, map[string]float64{
			"rum_web_vital_seconds_sum" + series + ",vital=lcp}": 60, "rum_web_vital_seconds_count" + series + ",vital=lcp}": 1,
		}},
		{"an absurd time", `{"inp":1e300}`, map[string]float64{
			"rum_web_vital_seconds_sum" + series + ",vital=inp}": 60, "rum_web_vital_seconds_count" + series + ",vital=inp}": 1,
		}},
		{"an absurd shift", `{"cls":21}`, map[string]float64{
			"rum_web_vital_layout_shift_ratio_sum" + series + "}": 20, "rum_web_vital_layout_shift_ratio_count" + series + "}": 1,
		}},
		{"unknown names", `{"fid":1,"LCP":2,"":3}`, map[string]float64{"rum_values_dropped_total{channel=shop,why=unknown_name}": 3}},
		{"an unknown name beside a known", `{"tbt":1,"fcp":1000}`, map[string]float64{
			"rum_values_dropped_total{channel=shop,why=unknown_name}": 1,
			"rum_web_vital_seconds_sum" + series + ",vital=fcp}":      1, "rum_web_vital_seconds_count" + series + ",vital=fcp}": 1,
		}},
		{"negative and null", `{"lcp":-1,"cls":null}`, map[string]float64{"rum_values_dropped_total{channel=shop,why=invalid}": 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, options())
			before := values(s.Server)
			s.send(`{"v":1,"path":"/","device":"mobile","rate":0.5,"values":` + test.values + `}`)
			got := grown(before, values(s.Server))
			delete(got, "rum_beacons_total{channel=shop,outcome=accepted}")
			if !maps.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestServer_TellsBeaconsOfAnOlderScript(t *testing.T) {
	s := serve(t, options())
	before := values(s.Server)
	s.send(strings.Replace(good, "0.5", "1", 1))
	got := grown(before, values(s.Server))
	if got["rum_beacons_total{channel=shop,outcome=stale}"] != 1 || got["rum_web_vital_seconds_count{channel=shop,device=mobile,page_group=home,vital=ttfb}"] != 1 {
		t.Errorf("got %v, want a stale beacon that is counted", got)
	}
	if rate := values(s.Server)["rum_sample_ratio{}"]; rate != 0.5 {
		t.Errorf("the share of page views is %v, want 0.5", rate)
	}
}

func TestServer_StopsAndServesConcurrently(t *testing.T) {
	s := serve(t, options())
	var group sync.WaitGroup
	for client := range 8 {
		group.Go(func() {
			for n := range 15 {
				r := s.request(good)
				r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", client, n))
				if response, why := s.do(r); response.StatusCode != http.StatusNoContent {
					t.Errorf("answer %d %s, want 204", response.StatusCode, why)
				}
				s.Readings()
			}
		})
	}
	group.Wait()
	if got := values(s.Server)["rum_web_vital_seconds_count{channel=shop,device=mobile,page_group=home,vital=ttfb}"]; got != 120 {
		t.Errorf("%v page views are counted, want 120", got)
	}
}

// TestReadings_AreThoseDescribed sends what makes all kinds of series, and compares them with the catalogue.
func TestReadings_AreThoseDescribed(t *testing.T) {
	s := serve(t, options())
	s.send(`{"v":1,"path":"/","device":"mobile","rate":0.5,"values":{"ttfb":1,"fcp":1,"lcp":1,"inp":1,"cls":0}}`)
	described := make(map[string]metrics.Family)
	for _, f := range rum.Describe() {
		described[f.Name] = f
	}
	seen := make(map[string]bool)
	for _, r := range s.Readings() {
		seen[r.Name] = true
		f := described[r.Name]
		var labels []string
		for _, l := range r.Labels {
			labels = append(labels, l.Name)
		}
		slices.Sort(labels)
		if r.Help != f.Help || r.Type != f.Type || !slices.Equal(labels, f.Labels) || (r.Distribution != nil) != (r.Type == metrics.Histogram) {
			t.Errorf("%+v, want it as described: %+v", r, f)
		}
		if r.Type == metrics.Histogram && !slices.Contains(r.Labels, metrics.Label{Name: "source", Value: "rum"}) {
			t.Errorf("%s%v does not say that beacons are its source", r.Name, r.Labels)
		}
	}
	if len(seen) != len(described) {
		t.Errorf("%d metrics are read, %d described", len(seen), len(described))
	}
}

func TestReadings_CountersAreThereFromTheStart(t *testing.T) {
	s, err := rum.New(options())
	if err != nil {
		t.Fatal(err)
	}
	got := values(s)
	want := map[string]float64{"rum_sample_ratio{}": 0.5}
	for _, outcome := range []string{"wrong_method", "wrong_origin"} {
		want["rum_beacons_total{outcome="+outcome+"}"] = 0
	}
	for _, channel := range []string{"shop", "blog"} {
		for _, outcome := range []string{
			"encoded", "busy", "too_often", "opted_out", "automated", "too_large", "wrong_type", "malformed", "stale", "accepted",
		} {
			want["rum_beacons_total{channel="+channel+",outcome="+outcome+"}"] = 0
		}
		for _, why := range []string{"unknown_name", "invalid"} {
			want["rum_values_dropped_total{channel="+channel+",why="+why+"}"] = 0
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestReadings_StayAsTheyWere(t *testing.T) {
	s := serve(t, options())
	s.send(good)
	read := s.Readings()
	at := slices.IndexFunc(read, func(r metrics.Reading) bool { return r.Distribution != nil })
	before := slices.Clone(read[at].Distribution.Counts)
	s.send(good)
	if !slices.Equal(read[at].Distribution.Counts, before) {
		t.Errorf("buckets that were read before a beacon are %v after it, want %v", read[at].Distribution.Counts, before)
	}
}
