package demo_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/demo"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a script's clock that stands until it is set.
type clock struct{ set chan time.Time }

func newClock() *clock {
	c := &clock{set: make(chan time.Time, 1)}
	c.set <- time.Now()
	return c
}

func (c *clock) Now() time.Time {
	t := <-c.set
	c.set <- t
	return t
}

func (c *clock) Set(t time.Time) {
	<-c.set
	c.set <- t
}

// open starts a shop and loads its configuration as an agent does.
func open(t *testing.T, opts demo.Options) (*demo.Shop, map[string]*probe.Touchpoint) {
	t.Helper()
	shop, err := demo.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shop.Close(); err != nil {
			t.Errorf("closing the shop: %v", err)
		}
	})
	conf, err := config.Parse("demo", shop.Config(), kinds.All())
	if err != nil {
		t.Fatalf("the configuration does not load: %v", err)
	}
	t.Cleanup(conf.Close)
	touchpoints := make(map[string]*probe.Touchpoint)
	for _, tp := range conf.Touchpoints() {
		touchpoints[tp.Key()] = tp
	}
	return shop, touchpoints
}

// rate probes once and rates the result.
func rate(t *testing.T, catalogue *probe.Catalogue, tp *probe.Touchpoint, limits probe.Limits) (quality.Verdict, probe.Result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), tp.Timeout)
	defer cancel()
	r, err := tp.Prober.Probe(ctx)
	if err != nil {
		t.Errorf("probing %s: %v", tp.Key(), err)
	}
	return quality.Rate(catalogue, limits, &r), r
}

func newCatalogue(t *testing.T) *probe.Catalogue {
	t.Helper()
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

// tries is how often something is probed where a busy machine can spoil it.
const tries = 10

// late reports whether a check says that something took too long, as everything may on a busy machine.
func late(check probe.CheckID) bool {
	switch check {
	case probe.ConnectTimeout, probe.TLSTimeout, probe.ResponseTimeout, probe.BodyTimeout, "message_late", "message_lost", "journey_step_slow",
		probe.SlowConnect, probe.SlowTLS, probe.SlowServer, probe.SlowDownload, probe.SlowDiscovery, probe.SlowContent, probe.SlowRender, probe.Slow,
		"browser_starved", "nothing_painted", "never_loaded", "blocking_scripts_slight", "blocking_scripts", "blocking_scripts_heavy":
		return true
	}
	return false
}

// all probes every touchpoint at once and compares with the hits that are expected; the others must be excellent.
func all(t *testing.T, touchpoints map[string]*probe.Touchpoint, hits []demo.Hit) {
	t.Helper()
	catalogue := newCatalogue(t)
	var probing sync.WaitGroup
	defer probing.Wait()
	for key, tp := range touchpoints {
		want := demo.Hit{Touchpoint: key, Rating: probe.Excellent}
		if i := slices.IndexFunc(hits, func(h demo.Hit) bool { return h.Touchpoint == key }); i >= 0 {
			want = hits[i]
		}
		probing.Go(func() {
			// Speed is rated only where the fault is slowness: this machine may be busy.
			var limits probe.Limits
			if want.Cause == probe.SlowServer {
				limits = tp.Limits
			}
			v, r := rate(t, catalogue, tp, limits)
			if want.Cause == "message_duplicated" && v.Cause != want.Cause {
				v, r = rate(t, catalogue, tp, limits) // a repeat shows in its own result or in the next one
			}
			for n := 1; (v.Rating != want.Rating || v.Cause != want.Cause) && late(v.Cause) && n < tries; n++ {
				v, r = rate(t, catalogue, tp, limits)
			}
			if v.Rating != want.Rating || v.Cause != want.Cause {
				t.Errorf("%s is %v because of %q (%s %v), want %v because of %q",
					key, v.Rating, v.Cause, r.Detail, r.Findings, want.Rating, want.Cause)
			}
		})
	}
}

// TestShop_EveryFaultHitsWhatItSays plays each fault alone and probes everything before, during and after it.
func TestShop_EveryFaultHitsWhatItSays(t *testing.T) {
	t.Parallel()
	const from, until = time.Hour, 2 * time.Hour
	for _, fault := range demo.Faults() {
		if fault.Look() {
			continue // see TestShop_EveryFaultOfTheLookIsSeen
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			script := demo.Script{Episodes: []demo.Episode{{Fault: fault.Name, From: from, Until: until}}}
			shop, touchpoints := open(t, demo.Options{Script: script, Now: now.Now, WebPush: time.Minute, Journeys: time.Minute})
			all(t, touchpoints, nil)

			now.Set(shop.Started().Add(from))
			if active := shop.Active(now.Now()); len(active) != 1 || active[0].Name != fault.Name {
				t.Fatalf("active are %v, want %q", active, fault.Name)
			}
			all(t, touchpoints, fault.Hits)

			now.Set(shop.Started().Add(until))
			if active := shop.Active(now.Now()); len(active) != 0 {
				t.Fatalf("active are %v, want none", active)
			}
			if fault.Name == "push-twice" {
				return // the last repeat shows in the next result
			}
			all(t, touchpoints, nil)
		})
	}
}

// TestShop_EveryFaultOfTheLookIsSeen plays what only a browser sees, in the browser that the demo uses too.
func TestShop_EveryFaultOfTheLookIsSeen(t *testing.T) {
	const each = time.Hour
	now, script := newClock(), demo.Script{}
	var faults []demo.Fault
	for _, fault := range demo.Faults() {
		if !fault.Look() {
			continue
		}
		faults = append(faults, fault)
		from := time.Duration(len(faults)) * each
		script.Episodes = append(script.Episodes, demo.Episode{Fault: fault.Name, From: from, Until: from + each})
	}
	if len(faults) == 0 {
		t.Fatal("a browser sees nothing that others do not")
	}
	shop, touchpoints := open(t, demo.Options{Script: script, Now: now.Now, Visits: time.Minute})
	catalogue := newCatalogue(t)
	looks := []*probe.Touchpoint{touchpoints["desktop-web/autumn"], touchpoints["mobile-web/autumn"]}
	visit := func(tp *probe.Touchpoint, limits probe.Limits, what string, want demo.Hit) {
		v, r := rate(t, catalogue, tp, limits)
		for n := 1; (v.Rating != want.Rating || v.Cause != want.Cause) && late(v.Cause) && n < 2*tries; n++ { // others keep this machine busy
			v, r = rate(t, catalogue, tp, limits)
		}
		if v.Rating != want.Rating || v.Cause != want.Cause {
			t.Errorf("%s: %s is %v because of %q (%s %v), want %v because of %q",
				what, tp.Key(), v.Rating, v.Cause, r.Detail, r.Findings, want.Rating, want.Cause)
		}
	}
	var visiting sync.WaitGroup
	for _, tp := range looks {
		visiting.Go(func() { visit(tp, probe.Limits{}, "nothing wrong", demo.Hit{Rating: probe.Excellent}) })
	}
	visiting.Wait()
	for i := range faults {
		now.Set(shop.Started().Add(time.Duration(i+1) * each))
		for _, hit := range faults[i].Hits {
			tp := touchpoints[hit.Touchpoint]
			if hit.Cause == probe.SlowContent { // one by one, as it is the time that counts
				visit(tp, tp.Limits, faults[i].Name, hit)
				continue
			}
			visiting.Go(func() { visit(tp, probe.Limits{}, faults[i].Name, hit) })
		}
		visiting.Wait()
	}
}

// TestShop_CustomersReport listens where the agent of the demo does.
func TestShop_CustomersReport(t *testing.T) {
	var conf *config.Config
	var listener net.Listener
	for n := 1; listener == nil; n++ {
		shop, _ := open(t, demo.Options{Customers: true})
		var err error
		if conf, err = config.Parse("demo", shop.Config(), kinds.All()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conf.Close)
		listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", conf.RUM.Listen)
		if err != nil && (n == tries || !errors.Is(err, syscall.EADDRINUSE)) { // somebody else may have taken it meanwhile
			t.Fatal(err)
		}
	}
	origins := make(chan string, 1)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case origins <- r.Header.Get("Origin"):
		case <-r.Context().Done():
		case <-time.After(time.Second):
		}
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer serving.Wait()
	defer func() { _ = server.Close() }()
	want := make(map[string]bool)
	for _, app := range conf.RUM.Apps {
		want[app.Origins[0]] = true
	}
	for len(want) > 0 {
		select {
		case origin := <-origins:
			delete(want, origin)
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody reports from %v", want)
		}
	}
}

func TestFaults_AreTold(t *testing.T) {
	_, touchpoints := open(t, demo.Options{Visits: time.Minute, WebPush: time.Minute, Journeys: time.Minute})
	catalogue := newCatalogue(t)
	seen := make(map[string]bool)
	for _, fault := range demo.Faults() {
		if seen[fault.Name] || fault.Title == "" || len(fault.Hits) == 0 {
			t.Errorf("fault %+v: want an own name, a title and a hit", fault)
		}
		seen[fault.Name] = true
		for _, hit := range fault.Hits {
			if touchpoints[hit.Touchpoint] == nil {
				t.Errorf("%s hits %q, which is not in the configuration", fault.Name, hit.Touchpoint)
			}
			if _, ok := catalogue.Check(hit.Cause); !ok || hit.Rating >= probe.Good {
				t.Errorf("%s is told as %v because of %q, want a check and a rating below good", fault.Name, hit.Rating, hit.Cause)
			}
		}
	}
	for _, episode := range demo.DefaultScript().Episodes {
		delete(seen, episode.Fault)
	}
	if len(seen) > 0 {
		t.Errorf("the default script never plays %v", seen)
	}
}

func TestDefaultScript_HitsATouchpointWithOneFaultAtATime(t *testing.T) {
	script := demo.DefaultScript()
	quiet := time.Duration(0)
	for at := time.Duration(0); at < script.Every; at += time.Second {
		active := script.ActiveAt(at)
		if len(active) == 0 {
			quiet += time.Second
		}
		hit := make(map[string]string)
		for _, fault := range demo.Faults() {
			if !slices.Contains(active, fault.Name) {
				continue
			}
			for _, h := range fault.Hits {
				if other := hit[h.Touchpoint]; other != "" {
					t.Fatalf("after %v both %s and %s hit %s", at, other, fault.Name, h.Touchpoint)
				}
				hit[h.Touchpoint] = fault.Name
			}
		}
	}
	if quiet < script.Every/10 {
		t.Errorf("nothing is wrong for %v of %v, want at least a tenth", quiet, script.Every)
	}
}

func TestScript_ActiveAt(t *testing.T) {
	script := demo.Script{Every: time.Minute, Episodes: []demo.Episode{
		{Fault: "wrong-price", From: 0, Until: 10 * time.Second},
		{Fault: "push-lost", From: 5 * time.Second, Until: 20 * time.Second},
		{Fault: "push-lost", From: 15 * time.Second, Until: 30 * time.Second},
	}}
	once := script
	once.Every = 0
	cases := []struct {
		name   string
		script demo.Script
		at     time.Duration
		want   []string
	}{
		{"the first moment", script, 0, []string{"wrong-price"}},
		{"two at a time, sorted", script, 5 * time.Second, []string{"push-lost", "wrong-price"}},
		{"the end is not in it", script, 10 * time.Second, []string{"push-lost"}},
		{"named once", script, 17 * time.Second, []string{"push-lost"}},
		{"quiet", script, 30 * time.Second, nil},
		{"the next round", script, 65 * time.Second, []string{"push-lost", "wrong-price"}},
		{"played once, and over", once, 65 * time.Second, nil},
		{"played once", once, 5 * time.Second, []string{"push-lost", "wrong-price"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.script.ActiveAt(tc.at); !slices.Equal(got, tc.want) {
				t.Errorf("after %v: got %v, want %v", tc.at, got, tc.want)
			}
		})
	}
}

func TestStart_Refuses(t *testing.T) {
	episode := func(fault string, from, until time.Duration) demo.Options {
		return demo.Options{Script: demo.Script{Every: time.Minute, Episodes: []demo.Episode{{Fault: fault, From: from, Until: until}}}}
	}
	cases := []struct {
		name string
		opts demo.Options
		want string
	}{
		{"an unknown fault", episode("earthquake", 0, 1), `demo script: episode 0: no fault is named "earthquake"`},
		{"an end before the start", episode("push-lost", 2*time.Second, time.Second), "demo script: episode 0: from 2s until 1s, want a start before its end"},
		{"an end after the round", episode("push-lost", 0, time.Hour), "demo script: episode 0: until 1h0m0s is after the round of 1m0s"},
		{"a short interval", demo.Options{Every: time.Millisecond}, "demo interval: 1ms, want at least 2s"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := demo.Start(t.Context(), tc.opts); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	if _, err := demo.Start(t.Context(), demo.Options{Dir: filepath.Join(t.TempDir(), "missing")}); err == nil {
		t.Error("a directory that does not exist was taken")
	}
}

func TestShop_Config(t *testing.T) {
	shop, touchpoints := open(t, demo.Options{Every: 2 * time.Second, WebPush: 90 * time.Second, Journeys: 40 * time.Second})
	conf, err := config.Parse("demo", shop.Config(), kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	defer conf.Close()
	for _, channel := range conf.Channels {
		if !strings.Contains(channel.Title, "made up") {
			t.Errorf("channel %q is titled %q, want it to say that it is made up", channel.Name, channel.Title)
		}
		if channel.OwnerIT == "" || channel.OwnerMkt == "" || channel.Objective.Score == 0 || channel.Objective.Review.IsZero() {
			t.Errorf("channel %q is %+v, want owners and an objective with a review", channel.Name, channel)
		}
	}
	if !bytes.Equal(shop.Config(), shop.Config()) {
		t.Error("the configuration changes from call to call: every reload would start everything anew")
	}
	for key, tp := range touchpoints {
		want := 2 * time.Second
		switch tp.Kind {
		case "mqtt":
			want = 5 * time.Second
		case "webpush":
			want = 90 * time.Second
		case "journey":
			want = 40 * time.Second
		}
		if tp.Every != want {
			t.Errorf("%s is probed every %v, want %v", key, tp.Every, want)
		}
	}
	if touchpoints["push/news"] == nil {
		t.Error("the news in the browser are not probed")
	}
}

func TestShop_LeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	shop, err := demo.Start(t.Context(), demo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if left := entries(t); len(left) != 1 {
		t.Errorf("an open shop has %v, want one directory", left)
	}
	for range 2 {
		if err := shop.Close(); err != nil {
			t.Error(err)
		}
	}
	if left := entries(t); len(left) != 0 {
		t.Errorf("a closed shop left %v", left)
	}
}

func entries(t *testing.T) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
