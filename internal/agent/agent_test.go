package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// TestMain runs the tests, or plays the part of a benchmark that this process was started for.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen. A free machine needs a few seconds, or some more for what rules
// record.
const patience = 2 * time.Minute

// logs is a log that tests can read while it is written.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is an agent on a configuration file.
type running struct {
	*agent.Agent
	t    *testing.T
	path string
	log  *logs
	stop func() error
}

// start runs an agent on a configuration until the test ends.
func start(t *testing.T, yaml string) *running {
	t.Helper()
	return startWith(t, kinds.All(), yaml)
}

// startWith is start with kinds of its own.
func startWith(t *testing.T, all []probe.Kind, yaml string) *running {
	t.Helper()
	return startConfirming(t, all, nil, yaml)
}

// startConfirming starts an agent whose kinds wait for receipts in a ledger.
func startConfirming(t *testing.T, all []probe.Kind, receipts *ledger.Ledger, yaml string) *running {
	t.Helper()
	r := &running{t: t, path: filepath.Join(t.TempDir(), "channelwatch.yaml"), log: &logs{}}
	r.write(yaml)
	load := func() (*config.Config, error) { return config.Load(r.path, all, agent.Checks()...) }
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	r.Agent, err = agent.New(agent.Options{
		Config: cfg, Load: load, Watch: true, Kinds: all, Receipts: receipts, Version: "test", Revision: "test",
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("stopping: %v\n%s", err, r.log)
		}
	})
	return r
}

func (r *running) write(yaml string) {
	r.t.Helper()
	if err := os.WriteFile(r.path, []byte(yaml), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// get returns the status and the body of a path.
func (r *running) get(method, path string) (int, string) {
	r.t.Helper()
	return ask(r.t, method, r.Addr(), path)
}

func ask(t *testing.T, method, address, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// series returns the value of the first series of /metrics whose line begins with name and holds all parts; "" when
// there is none.
func (r *running) series(name string, parts ...string) string {
	r.t.Helper()
	_, page := r.get(http.MethodGet, "/metrics")
lines:
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "channelwatch_"+name) {
			continue
		}
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		return strings.TrimSpace(line[strings.LastIndexByte(line, ' '):])
	}
	return ""
}

// eventually waits for a condition.
func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s did not happen within %v; log:\n%s", what, patience, r.log)
		}
		pause(r.t.Context())
	}
}

// pause waits a little between two looks.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}

// yaml returns a configuration with touchpoints of one channel; each is "name url".
func yaml(touchpoints ...string) string {
	var b strings.Builder
	b.WriteString(`
agent: {listen: "127.0.0.1:0", location: lab}
control: {enabled: false}
history: {enabled: false}
channels:
  - name: web
    type: desktop_web
    owners: {it: it@shop.example, marketing: brand@shop.example}
    touchpoints:
`)
	for _, tp := range touchpoints {
		name, url, _ := strings.Cut(tp, " ")
		fmt.Fprintf(&b, "      - {name: %s, kind: page, every: 1s, timeout: 400ms, recheck: 100ms, with: {url: %q}}\n", name, url)
	}
	return b.String()
}

// shop serves a page that can be broken, and counts what it is asked.
type shop struct {
	*httptest.Server
	status atomic.Int32
	asked  atomic.Int32
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	s.status.Store(http.StatusOK)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		w.WriteHeader(int(s.status.Load()))
		_, _ = io.WriteString(w, "<!doctype html><title>Shop</title>hello")
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAgent_EndToEnd(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("home "+s.URL))
	r.eventually("an excellent result", func() bool { return r.series("touchpoint_rating", `touchpoint="home"`) == "4" })
	if code, body := r.get(http.MethodGet, "/-/ready"); code != http.StatusOK {
		t.Errorf("ready: %d %s", code, body)
	}

	s.status.Store(http.StatusServiceUnavailable)
	r.eventually("a poor result", func() bool { return r.series("touchpoint_rating", `touchpoint="home"`) == "1" })
	r.eventually("a recheck that confirms", func() bool { return r.series("rechecks_total", `confirmed="true"`) != "0" })
	if got := r.series("touchpoint_state", `cause="status_unexpected"`, `rating="poor"`, `dimension="reachable"`); got != "1" {
		t.Errorf("touchpoint_state is %q, want 1", got)
	}
	r.eventually("a failure more", func() bool {
		return number(t, r.series("experience_total", `rating="poor"`, `cause="status_unexpected"`)) >= 2
	})
	checkChanges(t, r.log.String())
	if want := `detail="status 503, want 2xx"`; !strings.Contains(r.log.String(), want) {
		t.Errorf("log misses %s:\n%s", want, r.log)
	}

	_, body := r.get(http.MethodGet, "/api/v1/results?channel=web&touchpoint=home")
	var results struct {
		Results []struct {
			Rating string
			Cause  struct{ Check, Marketing, IT string }
		}
	}
	if err := json.Unmarshal([]byte(body), &results); err != nil {
		t.Fatal(err)
	}
	if len(results.Results) == 0 || results.Results[0].Rating != "poor" ||
		results.Results[0].Cause.Check != "status_unexpected" || results.Results[0].Cause.Marketing == "" {
		t.Errorf("results: %s", body)
	}
}

// checkChanges checks that what was logged are changes, not each probe. A busy machine may have slow ones between.
func checkChanges(t *testing.T, log string) {
	t.Helper()
	field := func(line, name string) string {
		value := regexp.MustCompile(` ` + name + `=(\w+)`).FindStringSubmatch(line)
		if value == nil {
			return ""
		}
		return value[1]
	}
	failed := false
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `msg="rating changed"`) {
			continue
		}
		if field(line, "rating") == field(line, "was") && field(line, "cause") == field(line, "was_cause") {
			t.Errorf("logged, though nothing changed: %s", line)
		}
		failed = failed || strings.Contains(line, "level=WARN") && field(line, "cause") == "status_unexpected"
	}
	if !failed {
		t.Errorf("the failure was not logged at WARN:\n%s", log)
	}
}

func TestAgent_ScoreCountsEachTickOnce(t *testing.T) {
	s := newShop(t)
	s.status.Store(http.StatusInternalServerError)
	r := start(t, yaml("home "+s.URL))
	rechecks := func() int { return number(t, r.series("rechecks_total", `confirmed="true"`)) }
	r.eventually("four rechecks", func() bool { return rechecks() >= 4 })
	before := rechecks()
	counted := number(t, r.series("experience_total", `rating="poor"`))
	if after := rechecks(); counted < before || counted > after+2 { // one may be on its way, and one say nothing on a busy machine
		t.Errorf("%d poor results counted beside %d to %d rechecks: want one for each tick, none for a recheck", counted, before, after)
	}
}

// number reads a value of a series.
func number(t *testing.T, value string) int {
	t.Helper()
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatalf("value of a series: %v", err)
	}
	return n
}

func TestAgent_ReloadKeepsWhatIsUnchanged(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("kept "+s.URL, "dropped "+s.URL+"/dropped"))
	excellent := func(touchpoint string) int {
		return number(t, r.series("experience_total", `rating="excellent"`, strconv.Quote(touchpoint)))
	}
	r.eventually("first results", func() bool { return excellent("kept") >= 3 && excellent("dropped") >= 1 })
	before := excellent("kept")
	r.write(yaml("kept "+s.URL, "added "+s.URL+"/added"))
	r.eventually("the added touchpoint", func() bool { return r.series("touchpoint_rating", `"added"`) == "4" })
	if got := r.series("touchpoint_rating", `"dropped"`); got != "" {
		t.Errorf("the dropped touchpoint still has a rating: %s", got)
	}
	if after := excellent("kept"); after < before {
		t.Errorf("the kept touchpoint lost its count: it has %d excellent results, %d before", after, before)
	}
	if got := r.series("config_last_reload_successful"); got != "1" {
		t.Errorf("config_last_reload_successful is %q, want 1", got)
	}
	if _, page := r.get(http.MethodGet, "/"); strings.Contains(page, "Dropped") || !strings.Contains(page, "Added") {
		t.Errorf("the page does not show the new configuration:\n%s", page)
	}
}

func TestAgent_RefusesABadReload(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("home "+s.URL))
	r.eventually("a first result", func() bool { return r.series("touchpoint_rating", `"home"`) == "4" })
	r.write(strings.Replace(yaml("home "+s.URL), "kind: page", "knid: page", 1))

	code, body := r.get(http.MethodPost, "/-/reload")
	if want := r.path + ":10:22: "; code != http.StatusUnprocessableEntity || !strings.HasPrefix(body, want) {
		t.Errorf("reload answered %d %q, want 422 and a text that starts with %q", code, body, want)
	}
	if got := r.series("config_last_reload_successful"); got != "0" {
		t.Errorf("config_last_reload_successful is %q, want 0", got)
	}
	if _, page := r.get(http.MethodGet, "/"); !strings.Contains(page, "The last reload was refused") {
		t.Error("the page does not say that the reload was refused")
	}
	before := s.asked.Load()
	r.eventually("probing under the old configuration", func() bool { return s.asked.Load() > before+1 })

	r.write(yaml("home " + s.URL))
	if code, body := r.get(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Errorf("reload of the mended file answered %d %q", code, body)
	}
	if got := r.series("config_last_reload_successful"); got != "1" {
		t.Errorf("config_last_reload_successful is %q, want 1", got)
	}
}

func TestAgent_MendingABrokenIncludeIsSeen(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("home "+s.URL))
	r.eventually("a first result", func() bool { return r.series("touchpoint_rating", `"home"`) == "4" })
	team := filepath.Join(filepath.Dir(r.path), "team.yaml")
	channel := fmt.Sprintf("channels:\n  - {name: app, type: mobile_app, touchpoints: [{name: call, kind: page, every: 1s, timeout: 400ms, with: {url: %q}}]}\n", s.URL)
	if err := os.WriteFile(team, []byte(strings.Replace(channel, "kind:", "knid:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("include: team.yaml\n" + yaml("home "+s.URL))
	r.eventually("a refusal", func() bool { return r.series("config_last_reload_successful") == "0" })
	if err := os.WriteFile(team, []byte(channel), 0o600); err != nil {
		t.Fatal(err)
	}
	r.eventually("the touchpoint of the mended file", func() bool { return r.series("touchpoint_rating", `"call"`) == "4" })
}

func TestAgent_RefusesAReloadThatNeedsARestart(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("home "+s.URL))
	text := strings.Replace(yaml("home "+s.URL), "location: lab}", "location: elsewhere, log: {format: json}}\nhost: {mounts: {include: /srv}}", 1)
	r.write(strings.Replace(text, "control: {enabled: false}", "", 1))
	err := r.Reload()
	want := strings.Join([]string{
		r.path + `:2:42: agent.location: changed from "lab" to "elsewhere", which needs a restart`,
		r.path + `:2:67: agent.log.format: changed from "text" to "json", which needs a restart`,
		r.path + `:3:26: host.mounts.include: changed from nothing to "/srv", which needs a restart`,
		r.path + `: control.enabled: changed from "false" to "true", which needs a restart`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("Reload: %v, want\n%s", err, want)
	}
	if got := r.series("config_last_reload_successful"); got != "0" {
		t.Errorf("config_last_reload_successful is %q, want 0", got)
	}
	// These two need none.
	r.write(strings.Replace(yaml("home "+s.URL), "location: lab", "location: lab, recheck: 5s, serves: [web]", 1))
	if err := r.Reload(); err != nil {
		t.Errorf("Reload: %v, want none", err)
	}
}

func TestAgent_RefusesForeignOrigins(t *testing.T) {
	s := newShop(t)
	r := start(t, yaml("home "+s.URL))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.Addr()+"/-/reload", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://evil.example")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", response.StatusCode)
	}
}

func TestAgent_StopWaitsForARunningProbe(t *testing.T) {
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "<title>late</title>late")
	}))
	t.Cleanup(server.Close)
	r := start(t, yaml("slow "+server.URL))
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	r.eventually("the agent is no longer ready", func() bool { return !r.Ready() })
	close(answer)
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if !strings.Contains(r.log.String(), "rating=") {
		t.Errorf("the result of the probe that ran is missing:\n%s", r.log)
	}
}

func TestNew_AddressInUse(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	text := strings.Replace(yaml("home http://127.0.0.1:1/"), "127.0.0.1:0", taken.Addr().String(), 1)
	cfg, err := config.Parse("test", []byte(text), kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	_, err = agent.New(agent.Options{Config: cfg, Kinds: kinds.All(), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "agent.listen: ") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("New: %v, want an error that names agent.listen and says that the address is in use", err)
	}
}

func TestAgent_TwoInOneProcess(t *testing.T) {
	s := newShop(t)
	a, b := start(t, yaml("one "+s.URL)), start(t, yaml("two "+s.URL))
	a.eventually("a result of the first", func() bool { return a.series("touchpoint_rating", `"one"`) == "4" })
	b.eventually("a result of the second", func() bool { return b.series("touchpoint_rating", `"two"`) == "4" })
	if got := a.series("touchpoint_rating", `"two"`); got != "" {
		t.Errorf("the first agent shows the second's touchpoint: %s", got)
	}
}

func TestAgent_CoversEveryRouteWithCredentials(t *testing.T) {
	s := newShop(t)
	dir := t.TempDir()
	// bcrypt of "secret", cost 4: the cheapest, so that the test is quick.
	web := "basic_auth_users:\n  ops: $2y$04$Bjx0.XTeVDBIyaHzyOLHB.OZRCIWvKtsTL/IInjkgvLW9pLI0gKVG\n"
	webFile := filepath.Join(dir, "web.yaml")
	if err := os.WriteFile(webFile, []byte(web), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(yaml("home "+s.URL), "location: lab", "location: lab, web_config_file: "+webFile, 1)
	r := start(t, text)
	for _, path := range []string{
		"/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/results", "/api/v1/config", "/assets/style.css", "/touchpoints/web/home", "/nowhere",
	} {
		if code, _ := r.get(http.MethodGet, path); code != http.StatusUnauthorized {
			t.Errorf("GET %s without credentials: %d, want 401", path, code)
		}
	}
	if code, _ := r.get(http.MethodPost, "/-/reload"); code != http.StatusUnauthorized {
		t.Errorf("POST /-/reload without credentials: %d, want 401", code)
	}
}

// TestAgent_Blind takes away the agent's network: its neighbour is silent and its resolver is gone.
func TestAgent_Blind(t *testing.T) {
	faults := probetest.Faults()
	i := slices.IndexFunc(faults, func(f probetest.Fault) bool { return f.Name == "connect: black hole" })
	hole, err := url.Parse(faults[i].Start(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(yaml("home http://shop.invalid/", "local http://127.0.0.1:1/"), "control: {enabled: false}",
		"control: {targets: ["+hole.Host+"], every: 1s, timeout: 200ms}", 1)
	text = strings.Replace(text, `url: "http://shop.invalid/"`, `url: "http://shop.invalid/", resolver: "127.0.0.1:1"`, 1)
	r := start(t, text)
	r.eventually("an unknown result", func() bool {
		return r.series("touchpoint_state", `"home"`, `rating="unknown"`, `cause="agent_blind"`) == "1"
	})
	r.eventually("the gauge", func() bool { return r.series("agent_blind") == "1" })
	if _, page := r.get(http.MethodGet, "/"); !strings.Contains(page, "The agent&#39;s own network is gone") {
		t.Errorf("the page does not say that the agent is blind:\n%s", page)
	}
	// What runs on this machine is reached without a network: it has no excuse.
	r.eventually("a poor result of what is local", func() bool {
		return r.series("touchpoint_state", `"local"`, `rating="poor"`, `cause="connect_refused"`) == "1"
	})
}

// TestAgent_WatchesItselfWithoutAHost turns off the reading of the host: whether the agent had time to measure is judged
// all the same.
func TestAgent_WatchesItselfWithoutAHost(t *testing.T) {
	s := newShop(t)
	r := start(t, "host: {enabled: false}"+yaml("home "+s.URL))
	r.eventually("the observer's readings", func() bool { return r.series("agent_starved_seconds_total") != "" })
	if got := r.series("host_"); got != "" {
		t.Errorf("the host is read: %s", got)
	}
}

func TestAgent_WarnsWhenOpenToTheNetwork(t *testing.T) {
	s := newShop(t)
	const warning = `level=WARN msg="open to the network without a password`
	for listen, want := range map[string]int{"127.0.0.1:0": 0, "0.0.0.0:0": 1} {
		t.Run(listen, func(t *testing.T) {
			r := start(t, strings.Replace(yaml("home "+s.URL), "127.0.0.1:0", listen, 1))
			r.eventually("the start", func() bool { return r.Ready() && strings.Contains(r.log.String(), "Listening on") })
			if got := strings.Count(r.log.String(), warning); got != want {
				t.Errorf("warned %d times, want %d:\n%s", got, want, r.log)
			}
		})
	}
}
