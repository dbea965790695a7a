package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/host"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// parse reads a configuration that is expected to be right.
func parse(t *testing.T, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse("shop.yaml", []byte(yaml), testKinds())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// touchpoint reads a configuration with one touchpoint, which has these lines.
func touchpoint(t *testing.T, typ probe.ChannelType, lines ...string) *probe.Touchpoint {
	t.Helper()
	return parse(t, oneTouchpoint(typ, lines...)).Touchpoints()[0]
}

func oneTouchpoint(typ probe.ChannelType, lines ...string) string {
	all := []string{
		"channels:", "  - name: mobile-web", "    type: " + string(typ), "    touchpoints:", "      - name: home-page", "        kind: page",
	}
	for _, line := range append(lines, `with: {url: "https://www.example.com/"}`) {
		if strings.HasPrefix(line, "with:") && len(all) > 6 && strings.HasPrefix(strings.TrimSpace(all[len(all)-1]), "with:") {
			break
		}
		all = append(all, "        "+line)
	}
	return strings.Join(all, "\n") + "\n"
}

func TestParse_Defaults(t *testing.T) {
	t.Run("agent, host and control", func(t *testing.T) {
		c := parse(t, oneTouchpoint(probe.MobileWeb))
		name, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "agent", c.Agent, config.Agent{
			Listen: "127.0.0.1:9977", Location: name, Log: config.Log{Format: "text", Level: "info"}, MaxConcurrent: 1000, PerHost: 32,
			SeriesLimit: 1_000_000, Recheck: time.Second, RecentBytes: 16 << 20,
		})
		equal(t, "host", c.Host, config.Host{Enabled: true, Root: "/", MaxAge: 5 * time.Second, Timeout: 2 * time.Second})
		equal(t, "control", c.Control, config.Control{Enabled: true, Every: 5 * time.Second, Timeout: 2 * time.Second})
	})
	t.Run("touchpoint", func(t *testing.T) {
		got := touchpoint(t, probe.MobileWeb)
		got.Built, got.Fingerprint = probe.Built{}, 0
		equal(t, "touchpoint", got, &probe.Touchpoint{
			Channel: "mobile-web", Name: "home-page", Title: "Home page", Kind: "page", Every: 30 * time.Second, Timeout: 10 * time.Second,
			Recheck: time.Second, Tier: probe.Standard, Weight: 1,
			Limits: probe.Limits{Excellent: 800 * time.Millisecond, Good: 1800 * time.Millisecond, Fair: 4 * time.Second},
		})
	})
	t.Run("limits by type", func(t *testing.T) {
		got := touchpoint(t, probe.DesktopWeb, "limits: {good: 2s}").Limits
		equal(t, "limits", got, probe.Limits{Excellent: 500 * time.Millisecond, Good: 2 * time.Second, Fair: 3 * time.Second})
	})
	t.Run("timeout is at most every", func(t *testing.T) {
		equal(t, "timeout", touchpoint(t, probe.DesktopWeb, "every: 4s").Timeout, 4*time.Second)
	})
	t.Run("recheck of the agent", func(t *testing.T) {
		c := parse(t, oneTouchpoint(probe.MobileWeb)+"agent: {recheck: 3s}\n")
		equal(t, "recheck", c.Touchpoints()[0].Recheck, 3*time.Second)
	})
	t.Run("recheck of its own", func(t *testing.T) {
		equal(t, "recheck", touchpoint(t, probe.MobileWeb, "recheck: 0").Recheck, time.Duration(0))
	})
}

func TestParse_Channel(t *testing.T) {
	c := parse(t, `
agent: {serves: [push, app]}
channels:
  - {name: app, type: mobile_app}
  - name: push
    title: Push messages
    type: push
    owners: {it: it@example.com, marketing: brand@example.com}
    objective: {score: 97.5, window: 4w, review: 2027-03-31}
`)
	equal(t, "channels", c.Channels, []*probe.Channel{
		{Name: "app", Title: "App", Type: probe.MobileApp},
		{
			Name: "push", Title: "Push messages", Type: probe.Push, OwnerIT: "it@example.com", OwnerMkt: "brand@example.com",
			Objective: probe.Objective{Score: 97.5, Window: 28 * 24 * time.Hour, Review: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)},
		},
	})
}

// recorded is a kind that keeps what it was built from.
func recorded(got *[]pageConfig, setups *[]probe.Setup) []probe.Kind {
	kind := probe.Kind{Name: "page"}
	defaults := func(probe.ChannelType) pageConfig { return pageConfig{Profile: "desktop", Hops: 5} }
	return []probe.Kind{probe.Define(kind, defaults, func(c pageConfig, s probe.Setup) (probe.Built, error) {
		*got, *setups = append(*got, c), append(*setups, s)
		return probe.Built{Prober: idle{}}, nil
	})}
}

func TestParse_With(t *testing.T) {
	var got []pageConfig
	var setups []probe.Setup
	_, err := config.Parse("conf/shop.yaml", []byte(`
agent: {location: berlin-1}
channels:
  - name: web
    touchpoints:
      - &base
        name: one
        kind: page
        every: 1h30m
        timeout: 1.5s
        with: &with
          url: https://www.example.com/
          profile: phone
          headers: {Accept: text/html, X-Number: 1}
          auth: {user: shop, password: {env: SHOP_PASSWORD}}
          token: {file: token}
          ca: /etc/ca.pem
          max_body: 2MiB
          delay: 1d
          ratio: 0.25
          expect: {status: [200, 204], text: 404, index: false, match: "^a+$"}
          assert:
            - {jsonpath: $.a, equals: {b: [1, two]}}
          json: {query: coat, limit: 3}
          hops: 0
      - <<: *base
        name: two
        with:
          <<: [*with, {url: not-this, hops: 7}]
          profile: desktop
          expect: {status: 200}
          assert:
    type: mobile_web # after what needs it
`), recorded(&got, &setups))
	if err != nil {
		t.Fatal(err)
	}
	no := false
	one := pageConfig{
		URL: "https://www.example.com/", Profile: "phone", Headers: map[string]string{"Accept": "text/html", "X-Number": "1"},
		Auth:  &authConfig{User: "shop", Password: probe.Secret{Env: "SHOP_PASSWORD"}},
		Token: probe.Secret{File: filepath.Join("conf", "token")}, CA: "/etc/ca.pem", MaxBody: 2 << 20, Delay: 24 * time.Hour, Ratio: 0.25,
		Expect: expectConfig{Status: []int{200, 204}, Text: "404", Index: &no, Match: "^a+$"},
		Assert: []assertConfig{{JSONPath: "$.a", Equals: map[string]any{"b": []any{1, "two"}}}},
		JSON:   map[string]any{"query": "coat", "limit": 3},
	}
	two := one
	two.Profile, two.Expect, two.Assert = "desktop", expectConfig{Status: []int{200}}, nil
	equal(t, "configurations", got, []pageConfig{one, two})
	equal(t, "every", setups[1].Every, 90*time.Minute)
	if s := setups[0]; s.Location != "berlin-1" || s.Type != probe.MobileWeb || s.Touchpoint != "one" || !strings.HasPrefix(s.UserAgent, "Channelwatch/") {
		t.Errorf("got the setup %+v", s)
	}
}

func TestParse_Collectors(t *testing.T) {
	collectors := "host: {collectors: [" + strings.Join(host.Collectors(), ", ") + "]}\n"
	if got := parse(t, collectors+oneTouchpoint(probe.MobileWeb)).Host.Collectors; len(got) != len(host.Collectors()) {
		t.Errorf("got %q, want %q", got, host.Collectors())
	}
	_, err := config.Parse("shop.yaml", []byte("host: {collectors: gpu}\n"), testKinds())
	all := host.Collectors()
	want := fmt.Sprintf(`want %s or %s`, strings.Join(all[:len(all)-1], ", "), all[len(all)-1])
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestLoad_Include(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"teams", "teams/..2026"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	channel := func(name string) string {
		return strings.ReplaceAll(oneTouchpoint(probe.MobileWeb), "mobile-web", name)
	}
	write(t, filepath.Join(dir, "main.yaml"), "include: [teams, more.yml, teams/a.yaml]\n"+channel("main"))
	write(t, filepath.Join(dir, "teams", "b.yaml"), channel("b"))
	write(t, filepath.Join(dir, "teams", "a.yaml"), strings.Replace(channel("a"), "with:", "with: &w", 1)+"            token: {file: token}\n")
	write(t, filepath.Join(dir, "teams", "notes.txt"), "not yaml: [")
	write(t, filepath.Join(dir, "teams", "..2026", "hidden.yaml"), channel("hidden"))
	write(t, filepath.Join(dir, "teams", ".hidden.yaml"), channel("hidden"))
	write(t, filepath.Join(dir, "more.yml"), channel("more"))
	write(t, filepath.Join(dir, "teams", "token"), "secret")
	write(t, filepath.Join(dir, "teams", "a.yaml"), strings.Replace(channel("a"), `{url: "https://www.example.com/"}`,
		`{url: "https://www.example.com/", token: {file: token}}`, 1))
	c, err := config.Load(filepath.Join(dir, "main.yaml"), testKinds())
	if err != nil {
		t.Fatal(err)
	}
	var names, files []string
	for _, channel := range c.Channels {
		names = append(names, channel.Name)
	}
	for _, file := range c.Files {
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, rel)
	}
	equal(t, "channels", names, []string{"main", "a", "b", "more"})
	equal(t, "files", files, []string{"main.yaml", "teams", "teams/a.yaml", "teams/b.yaml", "more.yml", "teams/token"})
}

func TestLoad_Missing(t *testing.T) {
	_, err := config.Load("testdata/no-such.yaml", testKinds())
	want := "reading configuration: open testdata/no-such.yaml: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoad_TooLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large.yaml")
	write(t, file, strings.Repeat("# nothing\n", 500_000))
	_, err := config.Load(file, testKinds())
	want := file + ": has more than 4 MiB, want several files by include"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParse_Include(t *testing.T) {
	_, err := config.Parse("demo", []byte("include: teams\n"+oneTouchpoint(probe.MobileWeb)), testKinds())
	want := "demo:1:10: include: not possible in a configuration that is not read from a file"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// closing is a kind that counts how often what it built is closed.
func closing(closed *int) []probe.Kind {
	build := func(pageConfig, probe.Setup) (probe.Built, error) {
		return probe.Built{Prober: idle{}, Close: func() { *closed++ }}, nil
	}
	return []probe.Kind{probe.Define(probe.Kind{Name: "page"}, func(probe.ChannelType) pageConfig { return pageConfig{} }, build)}
}

func TestConfig_Close(t *testing.T) {
	t.Run("of a configuration that is not used", func(t *testing.T) {
		closed := 0
		c, err := config.Parse("shop.yaml", []byte(oneTouchpoint(probe.MobileWeb)), closing(&closed))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		equal(t, "closed", closed, 1)
	})
	t.Run("of one that is refused", func(t *testing.T) {
		closed := 0
		_, err := config.Parse("shop.yaml", []byte(oneTouchpoint(probe.MobileWeb)+"agent: {serves: nobody}\n"), closing(&closed))
		if err == nil {
			t.Fatal("got no mistake")
		}
		equal(t, "closed", closed, 1)
	})
}

func TestParse_LimitsOfAKindWithout(t *testing.T) {
	var got []pageConfig
	var setups []probe.Setup
	yaml := oneTouchpoint(probe.MobileWeb, "limits: {good: 2s, fair: 4s}")
	_, err := config.Parse("shop.yaml", []byte(yaml), recorded(&got, &setups))
	want := `shop.yaml:7:17: channels[0] "mobile-web": touchpoints[0] "home-page": limits: ` +
		`got excellent 0s, good 2s, fair 4s, want each larger than the one before`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParse_BoundsAreAllowed(t *testing.T) {
	c := parse(t, "agent: {max_concurrent: 1, per_host: 10000, recent_bytes: 64KiB, recheck: 1h}\n"+oneTouchpoint(probe.MobileWeb, "every: 1s", "timeout: 1s"))
	equal(t, "max_concurrent", c.Agent.MaxConcurrent, 1)
	equal(t, "per_host", c.Agent.PerHost, 10_000)
	equal(t, "recent_bytes", c.Agent.RecentBytes, int64(64<<10))
	equal(t, "recheck", c.Agent.Recheck, time.Hour)
}

// TestParse_OneMistakePerField checks that a kind does not judge a field that could not be read, but all others.
func TestParse_OneMistakePerField(t *testing.T) {
	type with struct {
		A int `yaml:"a"`
	}
	build := func(with, probe.Setup) (probe.Built, error) {
		return probe.Built{}, errors.Join(probe.Fieldf("a", "missing"), probe.Fieldf("ab", "missing"), errors.New("too little"))
	}
	kind := probe.Define(probe.Kind{Name: "page"}, func(probe.ChannelType) with { return with{} }, build)
	_, err := config.Parse("shop.yaml", []byte(oneTouchpoint(probe.MobileWeb, "with: {a: x}")), []probe.Kind{kind})
	var got []string
	if all, ok := errors.AsType[config.Errors](err); ok {
		for _, one := range all {
			got = append(got, fmt.Sprintf("%d %s: %s", one.Column, one.Path[len(`channels[0] "mobile-web": touchpoints[0] "home-page": `):], one.Text))
		}
	}
	equal(t, "mistakes", got, []string{"15 with.ab: missing", "15 with: too little", `19 with.a: got "x", want a whole number`})
}

func TestParse_HostOnly(t *testing.T) {
	c := parse(t, "host: {root: /host}\nchannels: []\n")
	if len(c.Channels) != 0 || len(c.Touchpoints()) != 0 || c.Host.Root != "/host" {
		t.Errorf("got %+v, want a host and no channels", c)
	}
	t.Run("that serves channels of other agents", func(t *testing.T) {
		c := parse(t, "agent: {serves: [website, app]}\nchannels: []\n")
		equal(t, "serves", c.Agent.Serves, []string{"website", "app"})
	})
	t.Run("that serves what is no name", func(t *testing.T) {
		_, err := config.Parse("host.yaml", []byte("agent: {serves: [Web site]}\nchannels: []\n"), testKinds())
		want := `host.yaml:1:18: agent.serves[0]: got "Web site", want lower-case letters, digits and hyphens, at most 63`
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
