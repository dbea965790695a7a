package stream_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// mistakes builds a touchpoint and returns what is wrong with it. change starts from one that is right.
func mistakes(t *testing.T, every time.Duration, change func(*stream.Config)) []string {
	t.Helper()
	kind := stream.Kind()
	config := kind.NewConfig(probe.Push).(*stream.Config)
	config.URL = "https://push.example.com/orders"
	change(config)
	built, err := kind.Build(config, probe.Setup{Every: every, Timeout: 10 * time.Second})
	if err == nil {
		built.Close()
		return nil
	}
	var all []string
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		if _, ok := errors.AsType[*probe.FieldError](err); !ok {
			t.Errorf("%v is no FieldError", err)
		}
		all = append(all, err.Error())
	}
	walk(err)
	slices.Sort(all)
	return all
}

func TestBuild_Mistakes(t *testing.T) {
	t.Setenv("TEST_TOKEN", "hunter2")
	t.Setenv("TEST_LINES", "hunter2\nhunter2")
	secret := probe.Secret{Env: "TEST_TOKEN"}
	readable := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(readable, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(readable, 0o644); err != nil { //nolint:gosec // that is the mistake
		t.Fatal(err)
	}
	const wantURL = "want https://host/path or wss://host/path"
	const topic = "want the address of a topic of ntfy, such as https://push.example.com/topic"
	cases := map[string]struct {
		change func(*stream.Config)
		want   []string
	}{
		"none":                 {func(*stream.Config) {}, nil},
		"no URL":               {func(c *stream.Config) { c.URL = "" }, []string{"url: missing, " + wantURL}},
		"no URL at all":        {func(c *stream.Config) { c.URL = "https://hunter2\x00" }, []string{"url: not a URL, " + wantURL}},
		"user info":            {func(c *stream.Config) { c.URL = "https://bob:hunter2@a.example/" }, []string{"url: holds credentials, want them in token, or username and password"}},
		"another scheme":       {func(c *stream.Config) { c.URL = "mqtt://a.example/" }, []string{`url: scheme is "mqtt", ` + wantURL}},
		"no host":              {func(c *stream.Config) { c.URL = "https:///hunter2" }, []string{"url: no host, " + wantURL}},
		"a secret host":        {func(c *stream.Config) { c.URL, c.Secret = "https://{{secret}}.example/", secret }, []string{"url: not a URL, " + wantURL}},
		"a fragment":           {func(c *stream.Config) { c.ReceiveURL = "https://a.example/#hunter2" }, []string{"receive_url: has a fragment, " + wantURL}},
		"port 0":               {func(c *stream.Config) { c.ReceiveURL = "https://a.example:0/hunter2" }, []string{"receive_url: cannot be asked for, want a host name and a port of 1 to 65535"}},
		"another preset":       {func(c *stream.Config) { c.Preset = "gotify" }, []string{`preset: "gotify", want plain or ntfy`}},
		"ntfy without a topic": {func(c *stream.Config) { c.Preset, c.URL = "ntfy", "https://a.example/" }, []string{"url: " + topic, "url: " + topic}},
		"ntfy by WebSocket": {func(c *stream.Config) {
			c.Preset, c.URL, c.ReceiveURL = "ntfy", "wss://a.example/a", "https://a.example/b"
		}, []string{"url: " + topic}},
		"what arrives of ntfy":  {func(c *stream.Config) { c.Preset, c.Arrives = "ntfy", "{{message}}" }, []string{"arrives: is known of ntfy, want none"}},
		"a form of WebSocket":   {func(c *stream.Config) { c.URL, c.Receive = "wss://a.example/", "sse" }, []string{`receive: sse does not go with the scheme of url, which is "wss"`}},
		"a form of HTTP":        {func(c *stream.Config) { c.Receive = "websocket" }, []string{`receive: websocket does not go with the scheme of url, which is "https"`}},
		"no message":            {func(c *stream.Config) { c.Body = "hello" }, []string{"body: want {{message}} in it, once"}},
		"two messages":          {func(c *stream.Config) { c.Arrives = "{{message}}{{message}}" }, []string{"arrives: want {{message}} in it, once"}},
		"a long body":           {func(c *stream.Config) { c.Body += strings.Repeat("x", 32<<10) }, []string{"body: has 32768 bytes around the message, want at most 32723"}},
		"a long body for ntfy":  {func(c *stream.Config) { c.Preset = "ntfy"; c.Body += strings.Repeat("x", 4096) }, []string{"body: has 4096 bytes around the message, want at most 4051"}},
		"a subscription by SSE": {func(c *stream.Config) { c.Subscribe = "hello" }, []string{"subscribe: is sent by WebSocket only, and messages arrive as sse"}},
		"a secret for nothing":  {func(c *stream.Config) { c.Secret = secret }, []string{"secret: it and {{secret}} in url, receive_url or subscribe need each other"}},
		"no secret":             {func(c *stream.Config) { c.URL += "/{{secret}}" }, []string{"secret: it and {{secret}} in url, receive_url or subscribe need each other"}},
		"a secret that is gone": {func(c *stream.Config) { c.Token = probe.Secret{Env: "TEST_NONE"} }, []string{"token: environment variable TEST_NONE is not set"}},
		"a secret for all":      {func(c *stream.Config) { c.Token = probe.Secret{File: readable} }, []string{"token: " + readable + " can be read by everybody (mode 0644), want 0640 or less"}},
		"two credentials":       {func(c *stream.Config) { c.Token, c.Username, c.Password = secret, "bob", secret }, []string{"token: is set beside username and password, want one"}},
		"no password":           {func(c *stream.Config) { c.Username = "bob" }, []string{"username: it and password need each other"}},
		"no user name":          {func(c *stream.Config) { c.Password = secret }, []string{"username: it and password need each other"}},
		"a token of two lines":  {func(c *stream.Config) { c.Token = probe.Secret{Env: "TEST_LINES"} }, []string{`token: value of header "Authorization", want no control characters`}},
		"a token and its header": {
			func(c *stream.Config) {
				c.Token, c.SecretHeaders = secret, map[string]probe.Secret{"authorization": secret}
			},
			[]string{"secret_headers.authorization: is set twice, want one value"},
		},
		"a cookie in the open": {
			func(c *stream.Config) { c.Headers = map[string]string{"cookie": "a=hunter2"} },
			[]string{"headers.cookie: is a credential, want it in secret_headers as {file: …} or {env: …}"},
		},
		"a header of the connection": {
			func(c *stream.Config) { c.Headers = map[string]string{"Upgrade": "hunter2", "a\nb": "hunter2"} },
			[]string{
				`headers."a\nb": header name "a\nb", want letters, digits and hyphens`,
				`headers.Upgrade: header "Upgrade" belongs to the connection and is set by the client`,
			},
		},
		"no such file": {
			func(c *stream.Config) { c.TLS = httpkind.TLS{CAFile: "/none.pem"} },
			[]string{"tls: reading CA file: open /none.pem: no such file or directory"},
		},
		"a key for all": {
			func(c *stream.Config) { c.TLS = httpkind.TLS{CertFile: readable, KeyFile: readable} },
			[]string{
				"tls.key_file: " + readable + " can be read by everybody (mode 0644), want 0640 or less",
				"tls: reading client certificate and key: tls: failed to find any PEM data in certificate input",
			},
		},
		"times that do not fit": {
			func(c *stream.Config) { c.Window = 10 * time.Second },
			[]string{"window: 10s is not between 0 and the timeout of 10s, the rest of which is for connecting"},
		},
		"several": {
			func(c *stream.Config) { c.Body, c.Username, c.Deadline = "", "bob", time.Hour },
			[]string{"body: want {{message}} in it, once", "deadline: 1h0m0s is not between 0 and the window of 8s", "username: it and password need each other"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := mistakes(t, 30*time.Second, c.change)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(got), "hunter2") {
				t.Errorf("%s shows a secret", got)
			}
		})
	}
}

// TestBuild_Floors keeps the probes of all agents within what services of others give.
func TestBuild_Floors(t *testing.T) {
	t.Parallel()
	const public = "every: %v, want at least 10m0s: ntfy.sh takes 250 messages a day"
	for _, c := range []struct {
		preset, url string
		every       time.Duration
		want        string
	}{
		{"plain", "https://push.example.com/a", 5 * time.Second, ""},
		{"ntfy", "https://push.example.com/a", 10 * time.Second, ""},
		{"ntfy", "https://push.example.com/a", 9 * time.Second, "every: %v, want at least 10s: ntfy gives a visitor one more request every 5s"},
		{"ntfy", "https://ntfy.sh/a", 10 * time.Minute, ""},
		{"ntfy", "https://ntfy.sh/a", 599 * time.Second, public},
		{"plain", "https://NTFY.sh/a", 30 * time.Second, public},
		{"plain", "wss://eu.ntfy.sh/a", 30 * time.Second, public},
		{"plain", "https://notntfy.sh/a", 30 * time.Second, ""},
	} {
		got := mistakes(t, c.every, func(config *stream.Config) { config.Preset, config.URL = c.preset, c.url })
		var want []string
		if c.want != "" {
			want = []string{fmt.Sprintf(c.want, c.every)}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s every %v (-want +got):\n%s", c.url, c.every, diff)
		}
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Setenv("TEST_TOKEN", "hunter2")
	for _, c := range []struct {
		change      func(*stream.Config)
		target, url string
		tls         bool
		credential  bool
	}{
		{func(c *stream.Config) { c.URL = "http://push.example.com/a?key=hunter2" }, "push.example.com:80", "http://push.example.com/a?key=xxx", false, false},
		{func(c *stream.Config) { c.URL = "wss://push.example.com/a" }, "push.example.com:443", "wss://push.example.com/a", true, false},
		{
			func(c *stream.Config) { c.URL, c.ReceiveURL = "ws://push.example.com:8080/", "wss://push.example.com" },
			"push.example.com:8080", "ws://push.example.com:8080/", true, false,
		},
		{
			func(c *stream.Config) {
				c.URL, c.Secret, c.Token = "https://push.example.com/{{secret}}", probe.Secret{Env: "TEST_TOKEN"}, probe.Secret{Env: "TEST_TOKEN"}
			},
			"push.example.com:443", "https://push.example.com/[redacted]", true, true,
		},
	} {
		built := build(t, probe.Setup{Timeout: timeout, Every: time.Minute}, c.change)
		built.Close()
		got := built.Profile
		if got.Target != c.target || got.URL != c.url || got.TLS != c.tls {
			t.Errorf("got target %s, URL %s, TLS %v, want %s, %s, %v", got.Target, got.URL, got.TLS, c.target, c.url, c.tls)
		}
		if slices.Contains(got.Metrics, "push_credential_ok") != c.credential {
			t.Errorf("%s: got the metrics %v, want the verdict on a credential where there is one: %v", c.url, got.Metrics, c.credential)
		}
	}
}
