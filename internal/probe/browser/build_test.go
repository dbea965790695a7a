package browser_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// setup is what the agent would say about a touchpoint.
func setup() probe.Setup {
	return probe.Setup{
		Channel: "web", Touchpoint: "home", Type: probe.DesktopWeb, Every: 5 * time.Minute, Timeout: time.Minute,
		Location: "test", UserAgent: "Channelwatch/1.2.3",
		Browser: probe.Browser{Concurrency: 1, Idle: time.Minute, MaxRuns: 200, MaxAge: time.Hour, MaxMemory: 1 << 30},
	}
}

// config returns the defaults of a channel type with the URL and changes.
func config(t probe.ChannelType, url string, change func(*browser.Config)) *browser.Config {
	c := browser.Kind().NewConfig(t).(*browser.Config)
	c.URL = url
	if change != nil {
		change(c)
	}
	return c
}

func TestBuild_Mistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		url    string
		change func(*browser.Config)
		want   []string
	}{
		{"no URL", "", nil, []string{"url: missing, want https://host/path"}},
		{"a file", "file:///etc/passwd", nil, []string{"url: scheme of file:///etc/passwd, want http or https"}},
		{"a password", "https://me:hunter2@a.example/", nil, []string{"url: holds credentials, want an address without; steps can type them"}},
		{
			"profile", "https://a.example/", func(c *browser.Config) { c.Profile = "tablet" },
			[]string{`profile: "tablet", want desktop, mobile, mobile-slow or native`},
		},
		{"compat", "https://a.example/", func(c *browser.Config) { c.Compat = "wpt" }, []string{`compat: "wpt", want lighthouse or nothing`}},
		{"no runs", "https://a.example/", func(c *browser.Config) { c.Runs = 0 }, []string{"runs: 0, want 1, 3 or 5: the median is one of them"}},
		{"even runs", "https://a.example/", func(c *browser.Config) { c.Runs = 2 }, []string{"runs: 2, want 1, 3 or 5: the median is one of them"}},
		{"too many runs", "https://a.example/", func(c *browser.Config) { c.Runs = 7 }, []string{"runs: 7, want 1, 3 or 5: the median is one of them"}},
		{"a fast processor", "https://a.example/", func(c *browser.Config) { c.CPU = 0.5 }, []string{"cpu: 0.5, want 1 to 4"}},
		{"a slow processor", "https://a.example/", func(c *browser.Config) { c.CPU = 4.5 }, []string{"cpu: 4.5, want 1 to 4"}},
		{"resolver", "https://a.example/", func(c *browser.Config) { c.Resolver = "192.0.2.1" }, []string{`resolver: "192.0.2.1", want host:port`}},
		{
			"budget", "https://a.example/",
			func(c *browser.Config) {
				c.Budget = browser.Budget{Bytes: new(int64), Requests: new(int), ThirdPartySites: new(-1), JSErrors: new(-2)}
			},
			[]string{
				"budget.bytes: 0, want 1 or more", "budget.requests: 0, want 1 or more",
				"budget.third_party_sites: -1, want 0 or more", "budget.js_errors: -2, want 0 or more",
			},
		},
		{
			"hosts", "https://a.example/",
			func(c *browser.Config) {
				c.ApprovedDomains, c.BlockHosts = []string{"https://b.example"}, []string{"b.example", "c.*"}
			},
			[]string{
				`approved_domains[0]: "https://b.example": want a host such as shop.example.com or *.example.com, without scheme, port and path`,
				`block_hosts[1]: "c.*": want a host such as shop.example.com or *.example.com, without scheme, port and path`,
			},
		},
		{
			"expectations", "https://a.example/",
			func(c *browser.Config) {
				c.Expect = browser.Expect{
					Status: []string{"ok"}, Text: []string{" "}, NotText: []string{""}, Selector: []string{"", "#basket["}, FinalURL: "/thanks",
				}
			},
			[]string{
				`expect.status[0]: "ok": want a code such as 200, a class such as 2xx or a range such as 200-204`,
				"expect.text[0]: is empty, want a text", "expect.not_text[0]: is empty, want a text",
				"expect.selector[0]: is empty, want a CSS selector",
				`expect.selector[1]: "#basket[", want a CSS selector: nothing goes with its [`, "expect.final_url: scheme of /thanks, want http or https",
			},
		},
		{
			"steps", "https://a.example/",
			func(c *browser.Config) {
				c.Steps = []browser.Step{
					{Name: "nothing"},
					{Goto: "https://a.example/", Click: "#b"},
					{Goto: "ftp://a.example/"},
					{Goto: "https://me:hunter2@a.example/"},
					{Click: " "},
					{Type: &browser.TypeStep{Text: "a"}},
					{Type: &browser.TypeStep{Selector: "#b"}},
					{Type: &browser.TypeStep{Selector: "#b", Text: "a", Secret: probe.Secret{Env: "SECRET"}}},
					{Type: &browser.TypeStep{Selector: "#b", Secret: probe.Secret{Env: "CHANNELWATCH_NO_SUCH_SECRET"}}},
					{Wait: &browser.Sight{}},
					{Wait: &browser.Sight{URL: "/thanks"}},
					{Assert: &browser.Sight{Text: "a", Title: "b"}},
					{Click: `a[title=")"`},
					{Type: &browser.TypeStep{Selector: `input[name='a]`, Text: "a"}},
					{Wait: &browser.Sight{Selector: "p:not(.a])"}},
				}
			},
			[]string{
				"steps[0]: has 0 actions, want one of goto, click, type, wait and assert",
				"steps[1]: has 2 actions, want one of goto, click, type, wait and assert",
				"steps[2].goto: scheme of ftp://a.example/, want http or https",
				"steps[3].goto: holds credentials, want an address without; steps can type them",
				"steps[4].click: is empty, want a CSS selector",
				"steps[5].type.selector: is empty, want the CSS selector of a field",
				"steps[6].type: has neither text nor secret, want one",
				"steps[7].type: has text and secret, want one",
				"steps[8].type.secret: environment variable CHANNELWATCH_NO_SUCH_SECRET is not set",
				"steps[9].wait: has 0 of selector, text, url and title, want one",
				"steps[10].wait.url: scheme of /thanks, want http or https",
				"steps[11].assert: has 2 of selector, text, url and title, want one",
				`steps[12].click: "a[title=\")\"", want a CSS selector: nothing goes with its [`,
				`steps[13].type.selector: "input[name='a]", want the CSS selector of a field: nothing goes with its '`,
				`steps[14].wait.selector: "p:not(.a])", want a CSS selector: nothing goes with its ]`,
			},
		},
		{
			"everything at once", "ftp://a.example/",
			func(c *browser.Config) { c.Profile, c.Runs, c.CPU, c.Resolver = "tablet", 4, 9, "53" },
			[]string{
				"url: scheme of ftp://a.example/, want http or https",
				`profile: "tablet", want desktop, mobile, mobile-slow or native`,
				"cpu: 9, want 1 to 4", "runs: 4, want 1, 3 or 5: the median is one of them", `resolver: "53", want host:port`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			built, err := browser.Kind().Build(config(probe.DesktopWeb, tt.url, tt.change), setup())
			if err == nil {
				t.Fatalf("got %+v, want an error", built)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got a secret in %q", err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			for _, mistake := range leaves(err) {
				if _, ok := errors.AsType[*probe.FieldError](mistake); !ok {
					t.Errorf("got %T %q, want a *probe.FieldError", mistake, mistake)
				}
			}
		})
	}
}

// leaves returns the errors that were joined.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, inner := range joined.Unwrap() {
		all = append(all, leaves(inner)...)
	}
	return all
}

func TestBuild_TimeoutForAllRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		runs    int
		timeout time.Duration
		want    string
	}{
		{1, 10 * time.Second, ""},
		{1, 9 * time.Second, "runs: 1 within the touchpoint's timeout of 9s, want a timeout of at least 10s"},
		{3, 30 * time.Second, ""},
		{3, 29 * time.Second, "runs: 3 within the touchpoint's timeout of 29s, want a timeout of at least 30s"},
		{5, 30 * time.Second, "runs: 5 within the touchpoint's timeout of 30s, want a timeout of at least 50s"},
	} {
		s := setup()
		s.Timeout = tt.timeout
		got := ""
		built, err := browser.Kind().Build(config(probe.DesktopWeb, "https://a.example/", func(c *browser.Config) { c.Runs = tt.runs }), s)
		if err != nil {
			got = err.Error()
		} else {
			built.Close()
		}
		if got != tt.want {
			t.Errorf("%d runs in %v: got %q, want %q", tt.runs, tt.timeout, got, tt.want)
		}
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	build := func(channel probe.ChannelType, url string, change func(*browser.Config)) probe.Profile {
		built, err := browser.Kind().Build(config(channel, url, change), setup())
		if err != nil {
			t.Fatal(err)
		}
		built.Close()
		return built.Profile
	}
	got := build(probe.DesktopWeb, "https://a.example/?token=t0p", nil)
	if got.Target != "a.example:443" || got.URL != "https://a.example/?token=xxx" || got.TLS || len(got.Phases) != 8 {
		t.Errorf("got %+v, want the target with its port, no value of the query, and all phases", got)
	}
	if got := build(probe.DesktopWeb, "http://127.0.0.1:8080/", nil); got.Target != "127.0.0.1:8080" || len(got.Phases) != 7 {
		t.Errorf("got %+v, want no look-up of an address", got)
	}
	takes := map[string]time.Duration{}
	for name, change := range map[string]func(*browser.Config){
		"native":       func(c *browser.Config) { c.Profile = "native" },
		"desktop":      nil,
		"desktop warm": func(c *browser.Config) { c.Warm = true },
		"desktop x 3":  func(c *browser.Config) { c.Runs = 3 },
		"a step":       func(c *browser.Config) { c.Steps = []browser.Step{{Click: "a"}} },
		"mobile-slow":  func(c *browser.Config) { c.Profile = "mobile-slow" },
	} {
		takes[name] = build(probe.DesktopWeb, "https://a.example/", change).Takes
	}
	takes["mobile"] = build(probe.MobileWeb, "https://a.example/", nil).Takes
	want := map[string]time.Duration{
		"native": 8 * time.Second, "desktop": 9 * time.Second, "desktop warm": 18 * time.Second, "desktop x 3": 27 * time.Second,
		"a step": 10 * time.Second, "mobile": 14 * time.Second, "mobile-slow": 26 * time.Second,
	}
	if diff := cmp.Diff(want, takes); diff != "" {
		t.Errorf("estimates (-want +got):\n%s", diff)
	}
}

func TestKind_Defaults(t *testing.T) {
	t.Parallel()
	for _, channel := range probe.ChannelTypes() {
		c := browser.Kind().NewConfig(channel).(*browser.Config)
		limits := browser.Kind().Limits(channel)
		profile, excellent := "desktop", 1200*time.Millisecond
		switch channel {
		case probe.MobileWeb, probe.MobileApp, probe.MobileDisplay:
			profile, excellent = "mobile", 1800*time.Millisecond
		}
		if c.Profile != profile || c.Runs != 1 || c.CPU != 1 || c.AllowPrivate {
			t.Errorf("%s: got %+v, want the profile %s and one run at full speed, without private addresses", channel, c, profile)
		}
		if want := (probe.Limits{Excellent: excellent, Good: 2500 * time.Millisecond, Fair: 4 * time.Second}); limits != want {
			t.Errorf("%s: got %+v, want %+v", channel, limits, want)
		}
	}
}

// TestProfiles_Networks holds the figures to those of Lighthouse 13: what it calls desktopDense4G, mobileSlow4G and
// mobileRegular3G, and what it tells DevTools of the latter two.
func TestProfiles_Networks(t *testing.T) {
	t.Parallel()
	type shape struct {
		Delay    time.Duration
		Down, Up int64
		DevTools [3]int64 // us, bit/s, bit/s
	}
	got := map[string]shape{}
	for _, name := range []string{"desktop", "mobile", "mobile-slow", "native"} {
		delay, down, up, devTools := browser.Network(name)
		got[name] = shape{delay, down, up, devTools}
	}
	want := map[string]shape{
		"desktop":     {40 * time.Millisecond, 10_240_000, 10_240_000, [3]int64{}},
		"mobile":      {150 * time.Millisecond, 1_638_400, 750_000, [3]int64{562_500, 8 * 184_320, 8 * 86_400}},
		"mobile-slow": {300 * time.Millisecond, 700_000, 700_000, [3]int64{1_125_000, 8 * 80_640, 8 * 80_640}},
		"native":      {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
}
