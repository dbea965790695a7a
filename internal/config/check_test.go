package config_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// TestLoad_Checks lets somebody else look at a field, and wants its mistakes among the others, each at its place.
func TestLoad_Checks(t *testing.T) {
	refuse := config.Check{Field: "agent.web_config_file", Wrong: func(c *config.Config) error {
		if c.Agent.WebConfigFile == "" {
			return nil
		}
		return errors.New(filepath.Base(c.Agent.WebConfigFile) + " is of no use")
	}}
	alerting := config.Check{Field: "alerting", Wrong: func(c *config.Config) error {
		var errs []error
		for i, line := range strings.Split(string(c.Alerting.YAML()), "\n") {
			if strings.Contains(line, "bad") {
				errs = append(errs, &config.LineError{Line: i + 1, Text: "is bad"}, &config.LineError{Text: "as a whole"}, probe.Fieldf("managers[0].name", "wants another"))
			}
		}
		return errors.Join(errs...)
	}}
	channel := oneTouchpoint(probe.MobileWeb) // lines 1 to 7
	t.Chdir(t.TempDir())
	tests := []struct{ name, text, want string }{
		{"nothing to look at", channel, ""},
		{"a mistake", channel + "agent:\n  web_config_file: tls.yml\n", "main.yaml:9:20: agent.web_config_file: tls.yml is of no use"},
		{
			"beside others", channel + "agent:\n  per_host: 0\n  web_config_file: tls.yml\n",
			"main.yaml:9:13: agent.per_host: got 0, want 1 to 10000\nmain.yaml:10:20: agent.web_config_file: tls.yml is of no use",
		},
		{"a field that is wrong already", channel + "agent: {web_config_file: {a: b}}\n", "main.yaml:8:26: agent.web_config_file: got keys, want text"},
		{
			"lines and fields of a block", channel + "alerting:\n  managers:\n  - name: good\n    #\n    url: bad\n",
			"main.yaml:9:3: alerting: as a whole\nmain.yaml:10:11: alerting.managers[0].name: wants another\nmain.yaml:12: alerting: is bad",
		},
		{"a file without keys", "words", "main.yaml:1:1: got text, want keys such as agent and channels"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, "main.yaml", test.text)
			c, err := config.Load("main.yaml", testKinds(), refuse, alerting)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				c.Close()
			}
			equal(t, "mistakes", got, test.want)
		})
	}
}

func TestConfig_Mistake(t *testing.T) {
	c := parse(t, oneTouchpoint(probe.MobileWeb)+"agent:\n  location: lab\n  log: {level: info}\ncontrol: {targets: [a:1, b:2]}\n")
	tests := []struct{ field, want string }{
		{"agent.location", "shop.yaml:9:13: agent.location: text"},
		{"agent.log.level", "shop.yaml:10:16: agent.log.level: text"},
		{"agent.log.format", "shop.yaml:10:8: agent.log.format: text"},
		{"agent.pprof", "shop.yaml:9:3: agent.pprof: text"},
		{"control.targets[1]", "shop.yaml:11:26: control.targets[1]: text"},
		{"host.root", "shop.yaml: host.root: text"},
	}
	for _, test := range tests {
		t.Run(test.field, func(t *testing.T) {
			equal(t, "mistake", c.Mistake(test.field, "text").Error(), test.want)
		})
	}
}

// TestConfig_InForce reloads: one touchpoint is kept, one changed, one gone, one new.
func TestConfig_InForce(t *testing.T) {
	text := func(entries ...string) string {
		return "channels:\n  - {name: web, type: desktop_web, touchpoints: [" + strings.Join(entries, ", ") + "]}\n"
	}
	entry := func(name, path string) string {
		return fmt.Sprintf("{name: %s, kind: page, with: {url: \"https://www.example.com/%s\"}}", name, path)
	}
	before := parse(t, text(entry("kept", "k"), entry("changed", "1"), entry("gone", "g")))
	after := parse(t, text(entry("changed", "2"), entry("kept", "k"), entry("new", "n")))
	kept := before.Touchpoints()[0]
	channel := *after.Channels[0]
	channel.Touchpoints = []*probe.Touchpoint{channel.Touchpoints[0], kept, channel.Touchpoints[2]}
	want, closed := after.View(), weak.Make(after.Touchpoints()[1])
	after = after.InForce([]*probe.Channel{&channel}, before)
	equal(t, "view", after.View(), want)
	if after.Touchpoints()[1] != kept {
		t.Error("the kept touchpoint is not the one of before")
	}
	gone := weak.Make(before.Touchpoints()[2])
	before = nil
	runtime.GC()
	if closed.Value() != nil || gone.Value() != nil {
		t.Error("a touchpoint that is not in force is still held")
	}
	runtime.KeepAlive(after)
}

// TestConfig_Own leaves channels to other agents: their probers are closed, and the view still shows them.
func TestConfig_Own(t *testing.T) {
	var text strings.Builder
	text.WriteString("channels:\n")
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&text, "  - {name: %s, type: custom, touchpoints: [{name: home, kind: page, with: {url: \"https://www.example.com/\"}}]}\n", name)
	}
	all := parse(t, text.String())
	closed := make(map[string]int)
	for _, tp := range all.Touchpoints() {
		tp.Close = func() { closed[tp.Channel]++ }
	}
	own := all.Own(func(channel string) bool { return channel == "b" })
	if len(own.Channels) != 1 || own.Channels[0].Name != "b" || len(own.Touchpoints()) != 1 {
		t.Errorf("got the channels %v, want b alone", own.Channels)
	}
	equal(t, "closed", closed, map[string]int{"a": 1, "c": 1})
	if changes := config.Diff(all.View(), own.InForce(own.Channels, all).View()); len(changes) != 0 {
		t.Errorf("the view changed: %+v", changes)
	}
	if got := len(own.Configured()); got != 3 {
		t.Errorf("got %d configured channels, want 3", got)
	}
}
