package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, block, want string }{
		{"none", "", ""},
		{"both", "{listen: '127.0.0.1:9979', public_url: 'https://receipts.example.com/'}", ""},
		{"below a path", "{listen: '127.0.0.1:9979', public_url: 'https://www.example.com/push'}", ""},
		{"on this machine", "{listen: '127.0.0.1:9979', public_url: 'http://127.0.0.1:9979'}", ""},
		{"nobody listens", "{public_url: 'https://receipts.example.com'}", "want both listen and public_url, or neither"},
		{"nobody is told", "{listen: '127.0.0.1:9979'}", "want both listen and public_url, or neither"},
		{"open to eavesdroppers", "{listen: '127.0.0.1:9979', public_url: 'http://receipts.example.com'}", "want https"},
		{"with a query", "{listen: '127.0.0.1:9979', public_url: 'https://receipts.example.com/?a=b'}", "want https"},
		{"with a user", "{listen: '127.0.0.1:9979', public_url: 'https://a:b@receipts.example.com/'}", "want https"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := "channels: []\n"
			if test.block != "" {
				text += "receipts: " + test.block + "\n"
			}
			_, err := config.Parse("test.yaml", []byte(text), []probe.Kind{})
			switch {
			case (err != nil) != (test.want != ""):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && !strings.Contains(err.Error(), test.want):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Kinds are told where devices send receipts to, without a slash at the end: they go on from there.
func TestReceipts_Setup(t *testing.T) {
	t.Parallel()
	var configs []pageConfig
	var setups []probe.Setup
	text := oneTouchpoint(probe.Push) + "receipts: {listen: '127.0.0.1:9979', public_url: 'https://www.example.com/push/'}\n"
	if _, err := config.Parse("test.yaml", []byte(text), recorded(&configs, &setups)); err != nil {
		t.Fatal(err)
	}
	equal(t, "receipts", setups[0].Receipts, "https://www.example.com/push")
}

// What a kind has against the interval stands where the interval stands, which is not in its own block.
func TestRefused_Interval(t *testing.T) {
	t.Parallel()
	slow := probe.Define(probe.Kind{Name: "page"}, func(probe.ChannelType) pageConfig { return pageConfig{} },
		func(_ pageConfig, s probe.Setup) (probe.Built, error) {
			return probe.Built{}, probe.Fieldf("every", "got %v, want at least 5m", s.Every)
		})
	_, err := config.Parse("test.yaml", []byte(oneTouchpoint(probe.Push, "every: 1m")), []probe.Kind{slow})
	if err == nil || !strings.Contains(err.Error(), `test.yaml:7:16: channels[0] "mobile-web": touchpoints[0] "home-page": every: got 1m0s, want at least 5m`) {
		t.Errorf("got %v, want the place of the interval", err)
	}
}

// A kind, or one touchpoint of a kind, whose probes must not come more often than configured is not probed once more to confirm.
func TestOnlyWhenDue(t *testing.T) {
	t.Parallel()
	kind := testKinds()
	kind[0].OnlyWhenDue = true
	touchpoint := []probe.Kind{probe.Define(probe.Kind{Name: "page"}, func(probe.ChannelType) pageConfig { return pageConfig{} },
		func(pageConfig, probe.Setup) (probe.Built, error) {
			return probe.Built{Prober: idle{}, Profile: probe.Profile{OnlyWhenDue: true}}, nil
		})}
	for name, seldom := range map[string][]probe.Kind{"kind": kind, "touchpoint": touchpoint} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onlyWhenDue(t, seldom)
		})
	}
}

func onlyWhenDue(t *testing.T, seldom []probe.Kind) {
	t.Helper()
	c, err := config.Parse("test.yaml", []byte(oneTouchpoint(probe.Push)+"agent: {recheck: 3s}\n"), seldom)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "recheck", c.Touchpoints()[0].Recheck, time.Duration(0))
	equal(t, "only when due", c.Touchpoints()[0].OnlyWhenDue, true)
	if _, err = config.Parse("test.yaml", []byte(oneTouchpoint(probe.Push, "recheck: 0s")), seldom); err != nil {
		t.Errorf("got %v for none at all", err)
	}
	_, err = config.Parse("test.yaml", []byte(oneTouchpoint(probe.Push, "recheck: 5s")), seldom)
	if err == nil || !strings.Contains(err.Error(), "test.yaml:7:") || !strings.Contains(err.Error(), "got 5s, want 0s") {
		t.Errorf("got %v, want the line and what was wanted", err)
	}
}
