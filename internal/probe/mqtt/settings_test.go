package mqtt_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// valid returns the smallest complete configuration.
func valid() *mqtt.Config {
	config := mqtt.Kind().NewConfig(probe.Push).(*mqtt.Config)
	config.URL, config.Topic = "mqtt://push.example.com", "channelwatch/test"
	return config
}

func TestBuild_NamesEveryMistake(t *testing.T) {
	dir := t.TempDir()
	notPEM := filepath.Join(dir, "not.pem")
	writeFile(t, notPEM, "hello")
	missing := filepath.Join(dir, "missing.pem")
	public := filepath.Join(dir, "public")
	writeFile(t, public, "hello")
	if err := os.Chmod(public, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		change func(*mqtt.Config)
		want   string
	}{
		{"no URL", func(c *mqtt.Config) { c.URL = "" }, "url: missing, want mqtt://host or mqtts://host"},
		{"not a URL", func(c *mqtt.Config) { c.URL = "mqtt://user:secret@[" }, "url: not a URL, want mqtt://host or mqtts://host"},
		{"another scheme", func(c *mqtt.Config) { c.URL = "tcp://push.example.com" }, `url: scheme is "tcp", want mqtt or mqtts`},
		{"no host", func(c *mqtt.Config) { c.URL = "mqtts://" }, "url: no host, want mqtts://host"},
		{"a path", func(c *mqtt.Config) { c.URL = "mqtt://push.example.com/mqtt" }, "url: has more than host and port, want mqtt://host or mqtt://host:port"},
		{"inline password", func(c *mqtt.Config) { c.URL = "mqtt://shop:secret@push.example.com" }, "url: holds credentials, want them in username and password"},
		{"receive URL", func(c *mqtt.Config) { c.ReceiveURL = "http://push.example.com" }, `receive_url: scheme is "http", want mqtt or mqtts`},
		{"no topic", func(c *mqtt.Config) { c.Topic = "" }, "topic: missing, want a topic that nothing else uses"},
		{"wildcard", func(c *mqtt.Config) { c.Topic = "shop/#" }, `topic: "shop/#" has a wildcard, want a topic without + and #`},
		{"system topic", func(c *mqtt.Config) { c.Topic = "$SYS/uptime" }, `topic: "$SYS/uptime" starts with $, which brokers keep for themselves`},
		{"long topic", func(c *mqtt.Config) { c.Topic = strings.Repeat("a", 1025) }, "topic: has 1025 bytes, want at most 1024"},
		{"not text", func(c *mqtt.Config) { c.Topic = "a\x00b" }, `topic: "a\x00b" is not UTF-8 text without NUL`},
		{"QoS", func(c *mqtt.Config) { c.QoS = 3 }, "qos: got 3, want 0, 1 or 2"},
		{"negative QoS", func(c *mqtt.Config) { c.QoS = -1 }, "qos: got -1, want 0, 1 or 2"},
		{"version", func(c *mqtt.Config) { c.Version = "3" }, `version: got "3", want "5" or "3.1.1"`},
		{
			"password without a name", func(c *mqtt.Config) { c.Version, c.Password.Env = "3.1.1", "PATH" },
			"username: missing, MQTT 3.1.1 takes no password without one (section 3.1.2.9)",
		},
		{"password not set", func(c *mqtt.Config) { c.Password.Env = "CHANNELWATCH_TEST_UNSET" }, "password: environment variable CHANNELWATCH_TEST_UNSET is not set"},
		{"window as long as the timeout", func(c *mqtt.Config) { c.Window = 10 * time.Second }, "window: 10s is not between 0 and the timeout of 10s, the rest of which is for connecting"},
		{"deadline after the window", func(c *mqtt.Config) { c.Deadline, c.Window = 3*time.Second, 2*time.Second }, "deadline: 3s is not between 0 and the window of 2s"},
		{"negative deadline", func(c *mqtt.Config) { c.Deadline = -1 }, "deadline: -1ns is not between 0 and the window of 8s"},
		{"TLS files without TLS", func(c *mqtt.Config) { c.TLS.ServerName = "x" }, "tls: set for a URL without TLS, want mqtts://"},
		{"authority missing", func(c *mqtt.Config) { c.URL, c.TLS.CAFile = "mqtts://a", missing }, "tls.ca_file: open " + missing + ": no such file or directory"},
		{"authority not PEM", func(c *mqtt.Config) { c.URL, c.TLS.CAFile = "mqtts://a", notPEM }, "tls.ca_file: no certificate in " + notPEM + ", want PEM"},
		{"key missing", func(c *mqtt.Config) { c.URL, c.TLS.CertFile = "mqtts://a", notPEM }, "tls: cert_file and key_file need each other"},
		{"certificate not PEM", func(c *mqtt.Config) { c.URL, c.TLS.CertFile, c.TLS.KeyFile = "mqtts://a", notPEM, notPEM }, "tls.cert_file: tls: failed to find any PEM data in certificate input"},
		{"port that is none", func(c *mqtt.Config) { c.URL = "mqtt://push.example.com:99999" }, "url: port is 99999, want 1 to 65535"},
		{"port 0", func(c *mqtt.Config) { c.ReceiveURL = "mqtt://push.example.com:0" }, "receive_url: port is 0, want 1 to 65535"},
		{"client id of two lines", func(c *mqtt.Config) { c.ClientID = "a\nb" }, `client_id: "a\nb" is not UTF-8 text without control characters`},
		{"client id that is no text", func(c *mqtt.Config) { c.ClientID = "\xff" }, `client_id: "\xff" is not UTF-8 text without control characters`},
		{"long client id", func(c *mqtt.Config) { c.ClientID = strings.Repeat("a", 1025) }, "client_id: has 1025 bytes, want at most 1024"},
		{"user name", func(c *mqtt.Config) { c.Username = "a\x00" }, `username: "a\x00" is not UTF-8 text without control characters`},
		{"server name", func(c *mqtt.Config) { c.URL, c.TLS.ServerName = "mqtts://a", "a\r\nb" }, `tls.server_name: "a\r\nb" is neither a host name nor an address`},
		{"long server name", func(c *mqtt.Config) { c.URL, c.TLS.ServerName = "mqtts://a", strings.Repeat("a.", 127) }, `tls.server_name: "` + strings.Repeat("a.", 127) + `" is neither a host name nor an address`},
		{"password for everybody", func(c *mqtt.Config) { c.Password.File = public }, "password: " + public + " can be read by everybody (mode 0644), want 0640 or less"},
		{
			"key for everybody", func(c *mqtt.Config) { c.URL, c.TLS.CertFile, c.TLS.KeyFile = "mqtts://a", notPEM, public },
			"tls.key_file: " + public + " can be read by everybody (mode 0644), want 0640 or less\n" +
				"tls.cert_file: tls: failed to find any PEM data in certificate input",
		},
		{
			"two at once", func(c *mqtt.Config) { c.URL, c.Topic = "", "" },
			"url: missing, want mqtt://host or mqtts://host\ntopic: missing, want a topic that nothing else uses",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			config := valid()
			tc.change(config)
			_, err := mqtt.Kind().Build(config, probe.Setup{Timeout: 10 * time.Second})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestBuild_TakesWhatIsUnusual(t *testing.T) {
	private := filepath.Join(t.TempDir(), "private")
	writeFile(t, private, "hello")
	if err := os.Chmod(private, 0o640); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*mqtt.Config){
		"last port":            func(c *mqtt.Config) { c.URL = "mqtt://push.example.com:65535" },
		"long client id":       func(c *mqtt.Config) { c.ClientID = strings.Repeat("a", 1024) },
		"client id with marks": func(c *mqtt.Config) { c.ClientID = "köln/1" },
		"server name":          func(c *mqtt.Config) { c.URL, c.TLS.ServerName = "mqtts://a", "broker_1.shop-2.example." },
		"server address":       func(c *mqtt.Config) { c.URL, c.TLS.ServerName = "mqtts://a", "2001:db8::1" },
		"password for a group": func(c *mqtt.Config) { c.Password.File = private },
	} {
		config := valid()
		change(config)
		built, err := mqtt.Kind().Build(config, probe.Setup{Timeout: 10 * time.Second})
		if err != nil {
			t.Errorf("%s: %v, want a prober", name, err)
			continue
		}
		built.Close()
	}
}

func TestBuild_Profile(t *testing.T) {
	common := []string{
		"push_accept_duration_seconds", "push_corrupted_total", "push_delivery_duration_seconds", "push_duplicates_total",
		"push_last_accepted_timestamp_seconds", "push_last_delivered_timestamp_seconds", "push_messages_total", "push_provider_responses_total",
		"push_receiver_reconnects_total", "push_receiver_up", "push_unacknowledged_deliveries_total",
	}
	certificate := []string{"push_credential_expiry_timestamp_seconds", probe.CertificateNotAfter, probe.CertificateNotBefore}
	login := []string{"push_credential_ok", "push_skipped_total"}
	cases := []struct {
		url     string
		user    string
		target  string
		metrics []string
		tls     bool
	}{
		{"mqtt://push.example.com", "", "push.example.com:1883", common, false},
		{"mqtt://127.0.0.1:1", "shop", "127.0.0.1:1", slices.Concat(common, login), false},
		{"mqtts://[::1]/", "", "[::1]:8883", slices.Concat(common, certificate), true},
	}
	for _, tc := range cases {
		t.Run(tc.url, func(t *testing.T) {
			config := valid()
			config.URL, config.Username = tc.url, tc.user
			built, err := mqtt.Kind().Build(config, probe.Setup{Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer built.Close()
			profile := built.Profile
			if profile.Target != tc.target || profile.TLS != tc.tls || !slices.Equal(profile.Phases, []probe.Phase{probe.Accept, probe.Deliver}) {
				t.Errorf("profile is %+v, want %+v", profile, tc)
			}
			if got, want := slices.Sorted(slices.Values(profile.Metrics)), slices.Sorted(slices.Values(tc.metrics)); !slices.Equal(got, want) {
				t.Errorf("metrics are %q, want %q", got, want)
			}
			if profile.URL != strings.TrimSuffix(tc.url, "/") {
				t.Errorf("URL is %q, want %q", profile.URL, tc.url)
			}
		})
	}
}

func TestKind_Limits(t *testing.T) {
	limits := mqtt.Kind().Limits(probe.Push)
	cases := map[time.Duration]probe.Rating{
		time.Second: probe.Excellent, 5 * time.Second: probe.Good, 20 * time.Second: probe.Fair, 21 * time.Second: probe.Poor,
	}
	for took, rating := range cases {
		if got := limits.Rate(took); got != rating {
			t.Errorf("delivery in %v is %v, want %v", took, got, rating)
		}
	}
}
