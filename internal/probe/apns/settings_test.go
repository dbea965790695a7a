package apns_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
)

// fieldErrors returns the mistakes by field.
func fieldErrors(tb testing.TB, err error) map[string]string {
	tb.Helper()
	found := make(map[string]string)
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range joined.Unwrap() {
				walk(one)
			}
			return
		}
		field, ok := errors.AsType[*probe.FieldError](err)
		if !ok {
			tb.Errorf("%v is no mistake of a field", err)
			return
		}
		found[field.Field] = field.Err.Error()
	}
	if err != nil {
		walk(err)
	}
	return found
}

func TestBuild_RefusesMistakes(t *testing.T) {
	a := newApple(t)
	file := func(name string, mode os.FileMode, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		writeFile(t, path, content)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := pkcs8(t, a.key)
	sec1, err := x509.MarshalECPrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		change func(*apns.Config)
		field  string
		want   string // a part of the text
	}{
		{"no mode", func(c *apns.Config) { c.Mode = "" }, "mode", `got "", want canary or acceptance`},
		{"unknown mode", func(c *apns.Config) { c.Mode = "validate" }, "mode", `got "validate", want canary or acceptance`},
		{"unknown environment", func(c *apns.Config) { c.Environment = "dev" }, "environment", "want production or sandbox"},
		{"unknown push type", func(c *apns.Config) { c.PushType = "voip" }, "push_type", "want alert or background"},
		{"short key id", func(c *apns.Config) { c.KeyID = "ABC" }, "key_id", `got "ABC", want 10`},
		{"long team id", func(c *apns.Config) { c.TeamID = "ABCDEFGHIJK" }, "team_id", "want 10"},
		{"lower-case team id", func(c *apns.Config) { c.TeamID = "abcdefghij" }, "team_id", "upper-case"},
		{"no topic", func(c *apns.Config) { c.Topic = "" }, "topic", "missing"},
		{"topic with a line end", func(c *apns.Config) { c.Topic = "com.example\r\nx: y" }, "topic", "want a bundle id"},
		{"long topic", func(c *apns.Config) { c.Topic = strings.Repeat("a", 256) }, "topic", "want a bundle id"},
		{"no key", func(c *apns.Config) { c.KeyFile = "" }, "key_file", "missing"},
		{"key that is not there", func(c *apns.Config) { c.KeyFile = "/nowhere/key.p8" }, "key_file", "no such file"},
		{"key for everybody", func(c *apns.Config) { c.KeyFile = file("k", 0o644, good) }, "key_file", "can be read by everybody"},
		{"key that is none", func(c *apns.Config) { c.KeyFile = file("k", 0o600, []byte("hello")) }, "key_file", "no PEM block"},
		{"key in another form", func(c *apns.Config) {
			c.KeyFile = file("k", 0o600, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
		}, "key_file", "no PEM block PRIVATE KEY"},
		{"key of another form than said", func(c *apns.Config) {
			c.KeyFile = file("k", 0o600, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sec1}))
		}, "key_file", "not PKCS #8"},
		{"key on another curve", func(c *apns.Config) { c.KeyFile = file("k", 0o600, pkcs8(t, p384)) }, "key_file", "not on the curve P-256"},
		{"key of another kind", func(c *apns.Config) { c.KeyFile = file("k", 0o600, pkcs8(t, ed)) }, "key_file", "not on the curve P-256"},
		{"no device", func(c *apns.Config) { c.DeviceTokenFile = "" }, "device_token_file", "missing"},
		{"device for everybody", func(c *apns.Config) { c.DeviceTokenFile = file("d", 0o604, []byte(device)) }, "device_token_file", "can be read by everybody"},
		{"device not hexadecimal", func(c *apns.Config) { c.DeviceTokenFile = file("d", 0o600, []byte(strings.Repeat("xy", 32))) }, "device_token_file", "want 64 to 200 hexadecimal digits"},
		{"short device", func(c *apns.Config) { c.DeviceTokenFile = file("d", 0o600, []byte(device[:62])) }, "device_token_file", "hexadecimal"},
		{"long device", func(c *apns.Config) { c.DeviceTokenFile = file("d", 0o600, []byte(strings.Repeat(device, 4))) }, "device_token_file", "hexadecimal"},
		{"two devices", func(c *apns.Config) { c.DeviceTokenFile = file("d", 0o600, []byte(device+"\n"+device)) }, "device_token_file", "hexadecimal"},
		{"priority", func(c *apns.Config) { c.Priority = 7 }, "priority", "got 7, want 10, 5 or 1"},
		{"long collapse id", func(c *apns.Config) { c.CollapseID = strings.Repeat("a", 65) }, "collapse_id", "has 65 bytes, want at most 64"},
		{"collapse id with a line end", func(c *apns.Config) { c.CollapseID = "a\nb" }, "collapse_id", "printable ASCII"},
		{"deadline after the window", func(c *apns.Config) { c.Deadline, c.Window = 3*time.Second, 2*time.Second }, "deadline", "is not between 0 and the window"},
		{"window as long as the timeout", func(c *apns.Config) { c.Window = timeout }, "window", "is not between 0 and the timeout"},
		{"deadline that nobody can see", func(c *apns.Config) { c.Mode, c.Deadline = "acceptance", time.Second }, "deadline", "nobody sees a message arrive"},
		{"plain http", func(c *apns.Config) { c.BaseURL, c.TLS.CAFile = "http://api.push.apple.com", "" }, "base_url", "not https"},
		{"a path", func(c *apns.Config) { c.BaseURL = "https://localhost/3/device" }, "base_url", "has a path"},
		{"authorities without TLS", func(c *apns.Config) { c.BaseURL = "http://127.0.0.1:1" }, "tls.ca_file", "without TLS"},
		{"authorities that are none", func(c *apns.Config) { c.TLS.CAFile = c.DeviceTokenFile }, "tls.ca_file", "no PEM certificate"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := apns.Kind(a.receipts).Build(a.config(t, tc.change), setup())
			found := fieldErrors(t, err)
			if len(found) != 1 || !strings.Contains(found[tc.field], tc.want) {
				t.Errorf("got %q, want %s: … %s …", found, tc.field, tc.want)
			}
		})
	}
}

func TestBuild_TellsAllMistakesAtOnce(t *testing.T) {
	_, err := apns.Kind(newApple(t).receipts).Build(&apns.Config{Priority: 3}, probe.Setup{Timeout: timeout, Every: every})
	found := fieldErrors(t, err)
	for _, field := range []string{"mode", "environment", "push_type", "key_file", "key_id", "team_id", "topic", "device_token_file", "priority"} {
		if found[field] == "" {
			t.Errorf("%s is missing and nothing is said about it: %v", field, err)
		}
	}
}

func TestBuild_BackgroundIsRare(t *testing.T) {
	a := newApple(t)
	cases := []struct {
		name     string
		every    time.Duration
		priority int
		want     map[string]string
	}{
		{"every half an hour", 30 * time.Minute, 0, nil},
		{"sparing", 30 * time.Minute, 1, nil},
		{"at once", 30 * time.Minute, 10, map[string]string{"priority": "got 10, want 5 or 1: Apple refuses background messages with 10"}},
		{"often", 29 * time.Minute, 5, map[string]string{"every": "got 29m0s, want at least 30m0s: Apple lets an app have two or three background messages an hour"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			setup := setup()
			setup.Every = tc.every
			_, err := apns.Kind(a.receipts).Build(a.config(t, func(c *apns.Config) { c.PushType, c.Priority = "background", tc.priority }), setup)
			got := fieldErrors(t, err)
			if len(got) != len(tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			for field, want := range tc.want {
				if got[field] != want {
					t.Errorf("%s: got %q, want %q", field, got[field], want)
				}
			}
		})
	}
}

func TestBuild_CanaryNeedsAListener(t *testing.T) {
	a := newApple(t)
	setup := setup()
	setup.Receipts = ""
	_, err := apns.Kind(a.receipts).Build(a.config(t, nil), setup)
	if got := fieldErrors(t, err)["mode"]; !strings.Contains(got, "want receipts.listen and receipts.public_url") {
		t.Errorf("got %v, want what has to be configured", err)
	}
	if _, err := apns.Kind(a.receipts).Build(a.config(t, acceptance), setup); err != nil {
		t.Errorf("acceptance alone wants a listener: %v", err)
	}
}

func TestKind_IsPolite(t *testing.T) {
	kind := apns.Kind(newApple(t).receipts)
	if kind.Floor != 5*time.Minute || kind.Every != 15*time.Minute || !kind.OnlyWhenDue {
		t.Errorf("floor %v, every %v, rechecks left out: %v, want 5m, 15m and true", kind.Floor, kind.Every, kind.OnlyWhenDue)
	}
	if window := kind.Timeout * 4 / 5; window != kind.Limits(probe.Push).Fair {
		t.Errorf("the default window is %v, want the %v in which a delivery is still fair", window, kind.Limits(probe.Push).Fair)
	}
	if !strings.Contains(kind.Sample, "never a customer's") {
		t.Error("the sample does not say that a customer's device must not be probed")
	}
}
