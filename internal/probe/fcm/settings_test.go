package fcm_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
)

const tokenURI = "https://oauth2.googleapis.com/token"

// bad is a configuration with mistakes: what is changed of a good one.
type bad struct {
	change  func(*fcm.Config)
	setup   func(*probe.Setup)
	account func(map[string]any)
	want    string // %c is the name of the file of credentials, %t that of the token
}

// build builds a touchpoint of a good configuration with changes, and returns how its files are named in errors.
func (b *bad) build(t *testing.T) (*strings.Replacer, probe.Built, error) {
	t.Helper()
	dir := t.TempDir()
	credentialsFile, tokenFile := filepath.Join(dir, "service-account.json"), filepath.Join(dir, "canary.token")
	for name, content := range map[string]string{credentialsFile: credentials(tokenURI, b.account), tokenFile: deviceToken} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kind := fcm.Kind(ledger.New())
	config := kind.NewConfig(probe.MobileApp).(*fcm.Config)
	config.CredentialsFile, config.TokenFile = credentialsFile, tokenFile
	if b.change != nil {
		b.change(config)
	}
	setup := setupOf(config.Mode)
	if b.setup != nil {
		b.setup(&setup)
	}
	built, err := kind.Build(config, setup)
	return strings.NewReplacer("%c", credentialsFile, "%t", tokenFile), built, err
}

func TestBuild_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	public := writeFile(t, "public", deviceToken)
	if err := os.Chmod(public, 0o644); err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(map[string]any) {
		return func(account map[string]any) { account[name] = value }
	}
	canary := func(c *fcm.Config) { c.Mode = "canary" }
	cases := map[string]bad{
		"no credentials":              {change: func(c *fcm.Config) { c.CredentialsFile = "" }, want: "credentials_file: missing, want the name of a file"},
		"credentials for everybody":   {change: func(c *fcm.Config) { c.CredentialsFile = public }, want: "credentials_file: " + public + " can be read by everybody (mode 0644), want 0640 or less"},
		"credentials that are none":   {change: func(c *fcm.Config) { c.CredentialsFile = c.TokenFile }, want: "credentials_file: %t is not the key of a service account in JSON"},
		"a person's credentials":      {account: set("type", "authorized_user"), want: "credentials_file: %c: type is another, want service_account"},
		"a type of another type":      {account: set("type", 7), want: "credentials_file: %c is not the key of a service account in JSON"},
		"no project":                  {account: set("project_id", ""), want: "credentials_file: %c: project_id is none, want letters, digits and hyphens"},
		"a project that is a path":    {account: set("project_id", "a/../b"), want: "credentials_file: %c: project_id is none, want letters, digits and hyphens"},
		"no address":                  {account: set("client_email", ""), want: "credentials_file: %c: client_email is missing, want the address of the service account"},
		"no key":                      {account: set("private_key", ""), want: "credentials_file: %c: private_key cannot be read, want an RSA key of at least 2048 bits as PEM"},
		"half a key":                  {account: set("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), want: "credentials_file: %c: private_key cannot be read, want an RSA key of at least 2048 bits as PEM"},
		"a key of another sort":       {account: set("private_key", ecKey(t)), want: "credentials_file: %c: private_key cannot be read, want an RSA key of at least 2048 bits as PEM"},
		"a short key":                 {account: set("private_key", shortKey(t)), want: "credentials_file: %c: private_key cannot be read, want an RSA key of at least 2048 bits as PEM"},
		"no token URI":                {account: set("token_uri", ""), want: "credentials_file: %c: token_uri: not an absolute URL, want https://host"},
		"a token URI without TLS":     {account: set("token_uri", "http://oauth2.googleapis.com/token"), want: "credentials_file: %c: token_uri: is not https, want https, or http to 127.0.0.1, ::1 or localhost"},
		"another project":             {change: func(c *fcm.Config) { c.Project = "other-1" }, want: `project: "other-1" is not the project of the credentials`},
		"no token":                    {change: func(c *fcm.Config) { c.TokenFile = "" }, want: "token_file: missing, want the name of a file"},
		"a token for everybody":       {change: func(c *fcm.Config) { c.TokenFile = public }, want: "token_file: " + public + " can be read by everybody (mode 0644), want 0640 or less"},
		"a file of something else":    {change: func(c *fcm.Config) { c.TokenFile = c.CredentialsFile }, want: "token_file: %c does not hold one registration token, want that alone, of at least 20 letters and digits"},
		"an unknown mode":             {change: func(c *fcm.Config) { c.Mode = "dry" }, want: `mode: got "dry", want validate or canary`},
		"an unknown priority":         {change: func(c *fcm.Config) { c.Priority = "HIGH" }, want: `priority: got "HIGH", want normal or high`},
		"an API without TLS":          {change: func(c *fcm.Config) { c.BaseURL = "http://fcm.googleapis.com" }, want: "base_url: is not https, want https, or http to 127.0.0.1, ::1 or localhost"},
		"authorities that are none":   {change: func(c *fcm.Config) { c.TLS.CAFile = c.TokenFile }, want: "tls.ca_file: CA file %t has no PEM certificate"},
		"a window beyond the timeout": {change: func(c *fcm.Config) { c.Window = 30 * time.Second }, want: "window: 30s is not between 0 and the timeout of 30s, the rest of which is for connecting"},
		"a deadline after the window": {change: func(c *fcm.Config) { c.Deadline, c.Window = 3*time.Second, 2*time.Second }, want: "deadline: 3s is not between 0 and the window of 2s"},
		"a canary too often": {
			change: canary, setup: func(s *probe.Setup) { s.Every = 5*time.Minute - 1 },
			want: "every: got 4m59.999999999s, want at least 5m0s in mode canary, because each message wakes the phone",
		},
		"a canary that nobody hears": {
			change: canary, setup: func(s *probe.Setup) { s.Receipts = "" },
			want: "mode: canary needs somebody who listens, want receipts.listen and receipts.public_url in the configuration",
		},
		"a canary in a hurry": {
			change: canary, setup: func(s *probe.Setup) { s.Timeout = 30 * time.Second },
			want: "window: 24s is less than the 1m0s that a phone with its screen off may take, want a longer one, or a timeout of 5m and none",
		},
		"several at once": {
			change: func(c *fcm.Config) { c.Mode, c.TokenFile, c.Project = "dry", "", "other-1" },
			want:   "project: \"other-1\" is not the project of the credentials\ntoken_file: missing, want the name of a file\nmode: got \"dry\", want validate or canary",
		},
		"several in one file": {
			account: func(a map[string]any) { a["type"], a["private_key"] = "x", "x" },
			want: "credentials_file: %c: type is another, want service_account\n" +
				"credentials_file: %c: private_key cannot be read, want an RSA key of at least 2048 bits as PEM",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names, _, err := c.build(t)
			want := names.Replace(c.want)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			_, proof, _ := strings.Cut(deviceToken, ":")
			_, key := privateKey()
			if err != nil && (strings.Contains(err.Error(), proof) || strings.Contains(err.Error(), strings.Split(key, "\n")[1])) {
				t.Errorf("got a secret in %v", err)
			}
		})
	}
}

// ecKey returns a key that is good, and not of RSA.
func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// shortKey returns a key of RSA in the older form, which can be broken.
func shortKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func TestBuild_TakesWhatIsUnusual(t *testing.T) {
	t.Parallel()
	key, _ := privateKey()
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for name, c := range map[string]bad{
		"the project named":       {change: func(c *fcm.Config) { c.Project = project }},
		"a key of the older form": {account: func(a map[string]any) { a["private_key"] = old }},
		"a project of a domain":   {account: func(a map[string]any) { a["project_id"] = "example.com:shop" }},
		"a stand-in":              {change: func(c *fcm.Config) { c.BaseURL = "http://127.0.0.1:1/fcm/" }},
		"a dry run every minute":  {setup: func(s *probe.Setup) { s.Every, s.Receipts = time.Minute, "" }},
		"a canary every 5":        {change: func(c *fcm.Config) { c.Mode = "canary" }},
	} {
		if _, _, err := c.build(t); err != nil {
			t.Errorf("%s: %v, want a prober", name, err)
		}
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	seen := []string{
		"push_delivery_duration_seconds", "push_unacknowledged_deliveries_total", "push_last_delivered_timestamp_seconds",
		"push_duplicates_total",
	}
	dates := []string{probe.CertificateNotAfter, probe.CertificateNotBefore}
	cases := map[string]struct {
		change func(*fcm.Config)
		want   probe.Profile // but for the metrics
		has    []string
		hasNot []string
	}{
		"a dry run": {
			want: probe.Profile{
				Target: "fcm.googleapis.com:443", URL: "https://fcm.googleapis.com/v1/projects/shop-1a2b/messages:send", TLS: true,
				Phases: []probe.Phase{probe.Accept}, Waits: true, Limits: probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second},
			},
			has: append(dates, "push_messages_total", "push_credential_ok", "push_target_valid", "push_skipped_total"), hasNot: seen,
		},
		"a canary at a stand-in": {
			change: func(c *fcm.Config) { c.Mode, c.BaseURL = "canary", "http://127.0.0.1/fcm/" },
			want: probe.Profile{
				Target: "127.0.0.1:80", URL: "http://127.0.0.1/fcm/v1/projects/shop-1a2b/messages:send", Receipts: true,
				Phases: []probe.Phase{probe.Accept, probe.Deliver}, Waits: true, Limits: probe.Limits{Excellent: 5 * time.Second, Good: 30 * time.Second, Fair: 5 * time.Minute},
			},
			has: append(seen, "push_credential_ok"), hasNot: append(dates, "push_corrupted_total"),
		},
	}
	for name, c := range cases {
		b := bad{change: c.change}
		_, built, err := b.build(t)
		if err != nil {
			t.Fatal(err)
		}
		got := built.Profile
		for _, metric := range c.has {
			if !slices.Contains(got.Metrics, metric) {
				t.Errorf("%s: got the metrics %v, want %s", name, got.Metrics, metric)
			}
		}
		for _, metric := range c.hasNot {
			if slices.Contains(got.Metrics, metric) {
				t.Errorf("%s: got the metric %s, want it without", name, metric)
			}
		}
		got.Metrics = nil
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestKind_Limits(t *testing.T) {
	t.Parallel()
	kind := fcm.Kind(ledger.New())
	if got, want := kind.Limits(probe.MobileApp), (probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}); got != want {
		t.Errorf("got %v, want those of a dry run: %v", got, want)
	}
	if !kind.OnlyWhenDue || kind.Floor != time.Minute {
		t.Errorf("got recheck %v and the floor %v, want none and a minute", !kind.OnlyWhenDue, kind.Floor)
	}
}
