package webpush_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
)

func TestBuild_NamesEveryMistake(t *testing.T) {
	subscription := private(t, "canary.json", subscriptionAt(t, "https://push.example.com/wpush/v2/a"))
	key, _ := newKey(t)
	vapid := private(t, "vapid", key)
	public := private(t, "public", key)
	if err := os.Chmod(public, 0o644); err != nil {
		t.Fatal(err)
	}
	large := private(t, "large", strings.Repeat("a", 64<<10+1))
	hello := private(t, "hello", "hello")
	noDir := filepath.Join(t.TempDir(), "missing", "state.json")
	missing := filepath.Join(t.TempDir(), "missing")
	none := func(c *webpush.Config) { c.Receive, c.SubscriptionFile = "none", subscription }
	self := func(c *webpush.Config) { c.Receive, c.Service = "self", "wss://push.example.com" }
	signed := func(c *webpush.Config) { none(c); c.VAPIDKeyFile, c.Subject = vapid, "mailto:push@example.com" }
	seconds := func(d time.Duration) *time.Duration { return &d }
	cases := []struct {
		name   string
		base   func(*webpush.Config)
		change func(*webpush.Config)
		want   string
	}{
		{"no way of receiving", none, func(c *webpush.Config) { c.Receive = "" }, `receive: got "", want self, receipt or none`},
		{"another way of receiving", none, func(c *webpush.Config) { c.Receive = "all" }, `receive: got "all", want self, receipt or none`},
		{"no service", self, func(c *webpush.Config) { c.Service = "" }, "service: missing, want wss://host"},
		{"not a URL", self, func(c *webpush.Config) { c.Service = "wss://user:secret@[" }, "service: not a URL, want wss://host"},
		{"another scheme", self, func(c *webpush.Config) { c.Service = "https://push.example.com" }, `service: scheme is "https", want wss`},
		{"no host", self, func(c *webpush.Config) { c.Service = "wss://" }, "service: no host, want wss://host"},
		{"credentials", self, func(c *webpush.Config) { c.Service = "wss://a:b@push.example.com" }, "service: holds credentials, which push services do not have, want wss://host"},
		{"a query", self, func(c *webpush.Config) { c.Service = "wss://push.example.com/?a=b" }, "service: has more than host, port and path, want wss://host"},
		{"port", self, func(c *webpush.Config) { c.Service = "wss://push.example.com:0" }, "service: port is 0, want 1 to 65535"},
		{"large port", self, func(c *webpush.Config) { c.Service = "wss://push.example.com:65536" }, "service: port is 65536, want 1 to 65535"},
		{"plain text to another machine", self, func(c *webpush.Config) { c.Service = "ws://192.0.2.1:80" }, "service: ws://192.0.2.1:80 is not on this machine, want wss"},
		{"subscription of self", self, func(c *webpush.Config) { c.SubscriptionFile = subscription }, "subscription_file: the agent makes its own subscription with receive: self, want service"},
		{"state in no directory", self, func(c *webpush.Config) { c.StateFile = noDir }, "state_file: stat " + filepath.Dir(noDir) + ": no such file or directory"},
		{"state in a file", self, func(c *webpush.Config) { c.StateFile = vapid + "/state" }, "state_file: " + vapid + " is not a directory"},
		{"state that is something else", self, func(c *webpush.Config) { c.StateFile = hello }, "state_file: " + hello + " is not the state of a receiver; remove it, and a new subscription is made"},
		{"state for everybody", self, func(c *webpush.Config) { c.StateFile = public }, "state_file: " + public + " can be read by everybody (mode 0644), want 0640 or less"},
		{"service without receiver", none, func(c *webpush.Config) { c.Service = "wss://push.example.com" }, "service: only receive: self subscribes at a service, want it left out"},
		{"state without receiver", none, func(c *webpush.Config) { c.StateFile = "/state" }, "state_file: only receive: self has a state, want it left out"},
		{"no subscription", none, func(c *webpush.Config) { c.SubscriptionFile = "" }, "subscription_file: missing, want the name of a file"},
		{"subscription missing", none, func(c *webpush.Config) { c.SubscriptionFile = missing }, "subscription_file: stat " + missing + ": no such file or directory"},
		{"subscription for everybody", none, func(c *webpush.Config) { c.SubscriptionFile = public }, "subscription_file: " + public + " can be read by everybody (mode 0644), want 0640 or less"},
		{"subscription that is none", none, func(c *webpush.Config) { c.SubscriptionFile = vapid }, `subscription_file: subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`},
		{"large subscription", none, func(c *webpush.Config) { c.SubscriptionFile = large }, "subscription_file: " + large + " has more than 65536 bytes"},
		{"key without a subject", signed, func(c *webpush.Config) { c.Subject = "" }, "subject: missing, want mailto: or https: with which the push service can turn to the sender"},
		{"subject without a key", none, func(c *webpush.Config) { c.Subject = "mailto:a@example.com" }, "subject: is sent with a signature only, want vapid_key_file too"},
		{"subject on this machine", signed, func(c *webpush.Config) { c.Subject = "mailto:a@localhost" }, `subject: "mailto:a@localhost": host ends with "localhost", which nobody can reach, and push services refuse it`},
		{"subject that is invalid", signed, func(c *webpush.Config) { c.Subject = "https://shop.invalid/contact" }, `subject: "https://shop.invalid/contact": host ends with "invalid", which nobody can reach, and push services refuse it`},
		{"subject of a test", signed, func(c *webpush.Config) { c.Subject = "mailto:a@shop.test" }, `subject: "mailto:a@shop.test": host ends with "test", which nobody can reach, and push services refuse it`},
		{"subject of another scheme", signed, func(c *webpush.Config) { c.Subject = "http://example.com" }, `subject: "http://example.com": want a mailto or an https URL`},
		{"key missing", signed, func(c *webpush.Config) { c.VAPIDKeyFile = missing }, "vapid_key_file: stat " + missing + ": no such file or directory"},
		{"key for everybody", signed, func(c *webpush.Config) { c.VAPIDKeyFile = public }, "vapid_key_file: " + public + " can be read by everybody (mode 0644), want 0640 or less"},
		{"key that is none", signed, func(c *webpush.Config) { c.VAPIDKeyFile = hello }, "vapid_key_file: VAPID key: neither PEM nor base64url, want a private key on P-256"},
		{"key on another curve", signed, func(c *webpush.Config) { c.VAPIDKeyFile = private(t, "p384", p384(t)) }, "vapid_key_file: VAPID key: on the curve P-384, want P-256"},
		{"negative TTL", none, func(c *webpush.Config) { c.TTL = seconds(-time.Second) }, "ttl: got -1s, want whole seconds between 0s and 30d"},
		{"long TTL", none, func(c *webpush.Config) { c.TTL = seconds(30*24*time.Hour + time.Second) }, "ttl: got 720h0m1s, want whole seconds between 0s and 30d"},
		{"TTL in parts of a second", none, func(c *webpush.Config) { c.TTL = seconds(1500 * time.Millisecond) }, "ttl: got 1.5s, want whole seconds between 0s and 30d"},
		{"urgency", none, func(c *webpush.Config) { c.Urgency = "now" }, `urgency: got "now", want very-low, low, normal or high`},
		{"long topic", none, func(c *webpush.Config) { c.Topic = strings.Repeat("a", 33) }, `topic: "` + strings.Repeat("a", 33) + `", want at most 32 letters, digits, hyphens and underscores`},
		{"topic", none, func(c *webpush.Config) { c.Topic = "a b" }, `topic: "a b", want at most 32 letters, digits, hyphens and underscores`},
		{"topic of two lines", none, func(c *webpush.Config) { c.Topic = "a\n" }, `topic: "a\n", want at most 32 letters, digits, hyphens and underscores`},
		{"window", none, func(c *webpush.Config) { c.Window = timeout }, "window: 4s is not between 0 and the timeout of 4s, the rest of which is for connecting"},
		{"deadline", none, func(c *webpush.Config) { c.Deadline = 3 * time.Second }, "deadline: 3s is not between 0 and the window of 2s"},
		{"authority", none, func(c *webpush.Config) { c.TLS.CAFile = hello }, "tls.ca_file: CA file " + hello + " has no PEM certificate"},
		{
			"two at once", none, func(c *webpush.Config) { c.SubscriptionFile, c.Urgency = "", "" },
			"subscription_file: missing, want the name of a file\nurgency: got \"\", want very-low, low, normal or high",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := build(nil, func(c *webpush.Config) { tc.base(c); tc.change(c) })
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestBuild_TakesWhatIsUnusual(t *testing.T) {
	key, _ := newKey(t)
	vapid := private(t, "vapid", key+"\n")
	topic := strings.Repeat("-", 32)
	for name, change := range map[string]func(*webpush.Config){
		"plain text on this machine": func(c *webpush.Config) { c.Service = "ws://localhost:1" },
		"plain text over IPv6":       func(c *webpush.Config) { c.Service = "ws://[::1]" },
		"a path":                     func(c *webpush.Config) { c.Service = "wss://push.example.com/ws/v1" },
		"last port":                  func(c *webpush.Config) { c.Service = "wss://push.example.com:65535" },
		"long topic":                 func(c *webpush.Config) { c.Topic = topic },
		"contact page":               func(c *webpush.Config) { c.VAPIDKeyFile, c.Subject = vapid, "https://example.com/contact" },
		"a month":                    func(c *webpush.Config) { month := 30 * 24 * time.Hour; c.TTL = &month },
	} {
		built, err := build(nil, func(c *webpush.Config) { c.Receive, c.Service = "self", "wss://push.example.com"; change(c) })
		if err != nil {
			t.Errorf("%s: %v, want a prober", name, err)
			continue
		}
		built.Close()
	}
}

func TestBuild_ReceiptsNeedAListener(t *testing.T) {
	kind := webpush.Kind(nil)
	config := kind.NewConfig(probe.Push).(*webpush.Config)
	config.Receive, config.SubscriptionFile = "receipt", private(t, "canary.json", subscriptionAt(t, "https://push.example.com/wpush/v2/a"))
	nobody := setup()
	nobody.Receipts = ""
	const want = "receive: nobody listens for receipts, want receipts.listen and receipts.public_url in the configuration"
	if _, err := kind.Build(config, nobody); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestBuild_Profile(t *testing.T) {
	accepted := []string{
		"push_messages_total", "push_accept_duration_seconds", "push_provider_responses_total", "push_last_accepted_timestamp_seconds",
	}
	watched := append(slices.Clone(accepted), "push_delivery_duration_seconds", "push_unacknowledged_deliveries_total",
		"push_last_delivered_timestamp_seconds", "push_duplicates_total", "push_corrupted_total")
	confirmed := watched[:len(watched)-1] // a receipt is the same whatever the message had in it
	always := []string{"push_skipped_total", "push_target_valid"}
	receiver := []string{"push_receiver_up", "push_receiver_reconnects_total"}
	dates := []string{probe.CertificateNotAfter, probe.CertificateNotBefore}
	file := []string{"push_target_refreshed_timestamp_seconds"}
	key, _ := newKey(t)
	vapid := private(t, "vapid", key)
	canary := private(t, "canary.json", subscriptionAt(t, "https://Push.example.com/wpush/v2/a"))
	local := private(t, "local.json", subscriptionAt(t, "http://127.0.0.1:8080/wpush/v2/a"))
	cases := []struct {
		name   string
		change func(*webpush.Config)
		want   probe.Profile
	}{
		{
			"self", func(c *webpush.Config) {
				c.Receive, c.Service = "self", "wss://push.example.com/ws"
				c.VAPIDKeyFile, c.Subject = vapid, "mailto:push@example.com"
			},
			probe.Profile{
				Target: "push.example.com:443", URL: "wss://push.example.com", Phases: []probe.Phase{probe.Accept, probe.Deliver}, TLS: true,
				Metrics: slices.Concat(watched, always, []string{"push_credential_ok"}, receiver, dates), Waits: true,
			},
		},
		{
			"receipt", func(c *webpush.Config) { c.Receive, c.SubscriptionFile = "receipt", canary },
			probe.Profile{
				Target: "Push.example.com:443", URL: "https://push.example.com", Phases: []probe.Phase{probe.Accept, probe.Deliver}, TLS: true,
				Metrics: slices.Concat(confirmed, always, file, dates), Receipts: true, Waits: true,
				Limits: probe.Limits{Excellent: 5 * time.Second, Good: 30 * time.Second, Fair: 5 * time.Minute},
			},
		},
		{
			"none", func(c *webpush.Config) { c.Receive, c.SubscriptionFile = "none", local },
			probe.Profile{
				Target: "127.0.0.1:8080", URL: "http://127.0.0.1:8080", Phases: []probe.Phase{probe.Accept},
				Metrics: slices.Concat(accepted, always, file), Waits: true,
				Limits: probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second},
			},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			built, err := build(nil, tc.change)
			if err != nil {
				t.Fatal(err)
			}
			defer built.Close()
			if diff := cmp.Diff(tc.want, built.Profile); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKind_Limits(t *testing.T) {
	limits := webpush.Kind(nil).Limits(probe.Push)
	for took, rating := range map[time.Duration]probe.Rating{
		time.Second: probe.Excellent, 5 * time.Second: probe.Good, 20 * time.Second: probe.Fair, 21 * time.Second: probe.Poor,
	} {
		if got := limits.Rate(took); got != rating {
			t.Errorf("delivery in %v is %v, want %v", took, got, rating)
		}
	}
}

// p384 returns a private key on a curve that Web Push does not use.
func p384(tb testing.TB) string {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
