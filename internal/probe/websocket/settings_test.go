package websocket_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/websocket"
)

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func TestBuild_Mistakes(t *testing.T) {
	t.Setenv("TEST_SECRET", "hunter2")
	t.Setenv("TEST_LINE", "hunter2\nhunter2")
	cases := map[string]struct {
		url    string
		change func(*websocket.Config)
		want   string
	}{
		"no URL":        {"", nil, "url: missing, want wss://host/path or ws://host/path"},
		"another kind":  {"https://a.example/", nil, `url: scheme is "https", want wss://host/path or ws://host/path`},
		"a password":    {"wss://u:hunter2@a.example/", nil, "url: holds credentials, want them in secret_headers as Authorization"},
		"a fragment":    {"wss://a.example/#x", nil, "url: has a fragment, want wss://host/path or ws://host/path"},
		"no URL at all": {"wss://a.example/%zz", nil, "url: not a URL, want wss://host/path or ws://host/path"},
		"port 0":        {"wss://a.example:0/", nil, "url: cannot be asked for, want a host name and a port of 1 to 65535"},
		"no place for the secret": {
			"wss://a.example/", func(c *websocket.Config) { c.Secret.Env = "TEST_SECRET" },
			"secret: it and {{secret}} in url or send need each other",
		},
		"no secret": {"wss://a.example/{{secret}}", nil, "secret: it and {{secret}} in url or send need each other"},
		"a secret that is not there": {
			"wss://a.example/{{secret}}", func(c *websocket.Config) { c.Secret.Env = "TEST_NONE" },
			"secret: environment variable TEST_NONE is not set",
		},
		"a credential in the open": {
			"wss://a.example/", func(c *websocket.Config) { c.Headers = map[string]string{"cookie": "a=hunter2"} },
			"headers.cookie: is a credential, want it in secret_headers as {file: …} or {env: …}",
		},
		"a header of the handshake": {
			"wss://a.example/", func(c *websocket.Config) { c.Headers = map[string]string{"sec-websocket-key": "x"} },
			"headers.sec-websocket-key: belongs to the handshake and is set by the client",
		},
		"a secret of two lines": {
			"wss://a.example/", func(c *websocket.Config) { c.SecretHeaders = map[string]probe.Secret{"X": {Env: "TEST_LINE"}} },
			`secret_headers.X: value of header "X", want no control characters`,
		},
		"a header twice": {"wss://a.example/", func(c *websocket.Config) {
			c.Headers = map[string]string{"x-a": "1"}
			c.SecretHeaders = map[string]probe.Secret{"X-A": {Env: "TEST_SECRET"}}
		}, "secret_headers.X-A: is set twice, want one value"},
		"a header of two lines": {
			"wss://a.example/", func(c *websocket.Config) { c.Headers = map[string]string{"X\nY": "1"} },
			`headers."X\nY": header name "X\nY", want letters, digits and hyphens`,
		},
		"subprotocols": {
			"wss://a.example/", func(c *websocket.Config) { c.Subprotocol = "a, b" },
			`subprotocol: "a, b", want one word without spaces and commas (RFC 6455, section 4.1)`,
		},
		"sending for nothing": {
			"wss://a.example/", func(c *websocket.Config) { c.Send = "x" },
			"send: is of no use without expect or assert, which say what comes back",
		},
		"too much to send": {"wss://a.example/", func(c *websocket.Config) {
			c.Send, c.Expect = strings.Repeat("x", 64<<10+1), []string{"x"}
		}, "send: has 65537 bytes, want at most 65536"},
		"an empty text":  {"wss://a.example/", func(c *websocket.Config) { c.Expect = []string{"a", ""} }, "expect: has an empty text, want some that the message holds"},
		"too many texts": {"wss://a.example/", func(c *websocket.Config) { c.Expect = strings.Split(strings.Repeat("a,", 20)+"a", ",") }, "expect: has 21 texts, want at most 20"},
		"no message":     {"wss://a.example/", func(c *websocket.Config) { c.MaxMessage = 0 }, "max_message: 0, want 1 byte or more"},
		"a rule without a name": {
			"wss://a.example/", func(c *websocket.Config) { c.Assert = assert.List{{Contains: "x"}} },
			"assert[0].name: is empty, want a few words",
		},
		"no resolver":  {"wss://a.example/", func(c *websocket.Config) { c.Resolver = "a.example" }, `resolver: "a.example", want host:port`},
		"no authority": {"wss://a.example/", func(c *websocket.Config) { c.TLS.CAFile = "/nowhere" }, "tls: reading CA file: open /nowhere: no such file or directory"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := build(t, c.url, c.change)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestBuild_ReportsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := build(t, "", func(c *websocket.Config) { c.Send, c.Resolver = "x", "y" })
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 3 {
		t.Errorf("got %q, want three mistakes", lines)
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Setenv("TEST_SECRET", "hunter2")
	cases := map[string]struct {
		url    string
		change func(*websocket.Config)
		want   probe.Profile
	}{
		"plain, by address": {"ws://127.0.0.1/a", func(c *websocket.Config) { c.Ping = false }, probe.Profile{
			Target: "127.0.0.1:80", URL: "ws://127.0.0.1/a",
			Phases: []probe.Phase{probe.Connect, probe.Send, probe.Wait, probe.Receive},
		}},
		"everything": {"wss://a.example/{{secret}}?token=hunter3", func(c *websocket.Config) { sends(c); c.Secret.Env = "TEST_SECRET" }, probe.Profile{
			Target: "a.example:443", URL: "wss://a.example/[redacted]?token=xxx",
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive},
			Metrics: []string{probe.CertificateNotAfter, probe.CertificateNotBefore, "websocket_ping_seconds", "websocket_message_seconds"},
			TLS:     true,
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			built, err := build(t, c.url, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, built.Profile); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
