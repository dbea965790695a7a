package websocket_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/websocket"
)

func TestConformance(t *testing.T) {
	subject := probetest.Subject{
		Kind: websocket.Kind(), Type: probe.MobileApp,
		With: func(target probetest.Target) map[string]any {
			with := target.HTTP()
			with["url"] = "ws" + strings.TrimPrefix(target.URL, "http")
			with["send"], with["expect"] = "hello", []string{"hello"}
			return with
		},
	}
	probetest.Run(t, subject, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			url, caFile := overTLS(tb)
			return probetest.Target{URL: "http" + strings.TrimPrefix(url, "ws"), CAFile: caFile}
		},
		Silent:     probetest.Silent,
		SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}

// sends is a change that asks for an echo of "hello".
func sends(c *websocket.Config) { c.Send, c.Expect = "hello", []string{"hello"} }

// expects is a change that waits for a message by itself.
func expects(c *websocket.Config) { c.Expect = []string{"hello"} }

func TestProbe_Outcomes(t *testing.T) {
	t.Parallel()
	write := func(text string) func(*coder.Conn) {
		return func(conn *coder.Conn) {
			_ = conn.Write(t.Context(), coder.MessageText, []byte(text))
			drain(t)(conn)
		}
	}
	cases := map[string]struct {
		talk   func(*coder.Conn)
		change func(*websocket.Config)
		want   probe.CheckID
		detail string
	}{
		"alive":                 {talk: echo(t), detail: "connected"},
		"an answer":             {talk: echo(t), change: sends, detail: "connected, message of 5 bytes"},
		"a message by itself":   {talk: write("well, hello there"), change: expects, detail: "connected, message of 17 bytes"},
		"nothing to be said to": {talk: drain(t), change: func(c *websocket.Config) { c.Ping = false }, detail: "connected"},
		"a greeting before the answer": {
			talk: func(conn *coder.Conn) {
				_ = conn.Write(t.Context(), coder.MessageText, []byte(`{"welcome": true}`))
				echo(t)(conn)
			},
			change: sends, detail: "connected, message of 5 bytes",
		},
		"a message that is too long before the right one": {
			talk: func(conn *coder.Conn) {
				_ = conn.Write(t.Context(), coder.MessageText, []byte(strings.Repeat("hello ", 1000)))
				write("hello")(conn)
			},
			change: func(c *websocket.Config) { expects(c); c.MaxMessage = 1000 },
			detail: "connected, message of 5 bytes",
		},
		"closed with a code": {
			talk:   func(conn *coder.Conn) { _ = conn.Close(coder.StatusPolicyViolation, "who are you") },
			change: expects,
			want:   "websocket_closed",
			detail: `closed by the service with code 1008 (StatusPolicyViolation), reason "who are you"`,
		},
		"closed without a code": {
			talk:   func(conn *coder.Conn) { _ = conn.CloseNow() },
			change: func(c *websocket.Config) { expects(c); c.Ping = false }, // closing with an unread ping would be a reset
			want:   probe.ConnectionClosed,
			detail: "the connection was closed without a close frame",
		},
		"a flood": {
			talk: func(conn *coder.Conn) {
				noise := []byte(strings.Repeat("noise", 50_000))
				var err error
				for err == nil {
					err = conn.Write(t.Context(), coder.MessageText, noise)
				}
			},
			change: func(c *websocket.Config) { expects(c); c.Ping = false },
			want:   "websocket_no_message",
			detail: "16 MiB came without a message with the expected texts",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, serve(t, c.talk), c.change)
			if result.Reason != c.want || result.Detail != c.detail || len(result.Findings) > 0 {
				t.Errorf("got %q: %s, and %v; want %q: %s", result.Reason, result.Detail, result.Findings, c.want, c.detail)
			}
		})
	}
}

func TestProbe_LateOutcomes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		url    string
		change func(*websocket.Config)
		want   probe.CheckID
		detail string // with * for times
	}{
		"no pong": {
			url:  serveRaw(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }),
			want: "websocket_no_pong", detail: "no pong within *",
		},
		"another message": {
			url: serve(t, func(conn *coder.Conn) {
				_ = conn.Write(t.Context(), coder.MessageText, []byte("good morning"))
				drain(t)(conn)
			}),
			change: expects, want: "websocket_no_message",
			detail: `no message with the expected texts in time, of 1 that came; the last one starts with "good morning"`,
		},
		"a message before anything was sent": {
			url: serveRaw(t, func(conn net.Conn) {
				_, _ = conn.Write([]byte("\x81\x05hello\x8a\x00")) // a text, and a pong that nobody asked for
				pong(conn)
				_, _ = io.Copy(io.Discard, conn)
			}),
			change: sends, want: "websocket_no_message",
			detail: `no message with the expected texts in time, of 1 that came; the last one starts with "hello"`,
		},
		"a message that is too long": {
			url: serve(t, func(conn *coder.Conn) {
				_ = conn.Write(t.Context(), coder.MessageBinary, []byte(strings.Repeat("hello ", 1000)))
				drain(t)(conn)
			}),
			change: func(c *websocket.Config) { expects(c); c.MaxMessage = 1000 },
			want:   "websocket_no_message",
			detail: "no message with the expected texts in time, of 1 that came, 1 of them over 1000 bytes; the last one starts with *",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, err := build(t, c.url, c.change)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := contextFor(t, 2*time.Second)
			defer cancel()
			result, err := built.Prober.Probe(ctx)
			if err != nil {
				t.Fatal(err)
			}
			start, _, open := strings.Cut(c.detail, "*")
			if result.Reason != c.want || !strings.HasPrefix(result.Detail, start) || !open && result.Detail != start {
				t.Errorf("got %q: %s, want %q: %s", result.Reason, result.Detail, c.want, c.detail)
			}
			if sum := result.Phases.Sum(); sum != result.Duration || sum < 500*time.Millisecond {
				t.Errorf("got phases of %v and a duration of %v, want both the time that was waited", sum, result.Duration)
			}
		})
	}
}

// pong reads one masked ping of eight bytes or less and answers it.
func pong(conn net.Conn) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(conn, head); err != nil {
		return
	}
	payload := make([]byte, head[1]&0x7f)
	_, _ = io.ReadFull(conn, payload)
	for i := range payload {
		payload[i] ^= head[2+i%4]
	}
	_, _ = conn.Write(append([]byte{0x8a, byte(len(payload))}, payload...))
}

func TestProbe_BrokenServices(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		url  string
		want probe.CheckID
	}{
		"no upgrade": {serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), "websocket_refused"},
		"a page":     {serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }), "websocket_refused"},
		"the answer to another handshake": {serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}), probe.ResponseMalformed},
		"frames that are none": {serveRaw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}), probe.ResponseMalformed},
		"a reset": {serveRaw(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
		}), probe.ConnectionReset},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, c.url, sends)
			if result.Reason != c.want || result.Detail == "" {
				t.Errorf("got %q: %s, want %q", result.Reason, result.Detail, c.want)
			}
		})
	}
}

func TestProbe_Assertions(t *testing.T) {
	t.Parallel()
	result := run(t, serve(t, echo(t)), func(c *websocket.Config) {
		c.Send = `{"price": 0}`
		c.Assert = assert.List{
			{Name: "price is above zero", CEL: "json.price > 0.0", Marketing: "Prices are missing."},
			{Name: "short", Severity: "good", Size: &assert.SizeRule{Min: 1}},
			{Name: "upgraded", Status: []string{"101"}},
		}
	})
	if len(result.Findings) != 1 || result.Findings[0].Check != assert.AssertionPoor ||
		result.Findings[0].Title != "price is above zero" || result.Findings[0].Marketing != "Prices are missing." {
		t.Errorf("got %+v, want the one rule that does not hold", result.Findings)
	}
}

func TestProbe_Subprotocol(t *testing.T) {
	t.Parallel()
	url := serve(t, echo(t))
	for name, want := range map[string][]probe.Finding{
		"prices": nil,
		"chat":   {{Check: "websocket_subprotocol", Detail: `none agreed, want "chat"`}},
	} {
		result := run(t, url, func(c *websocket.Config) { c.Subprotocol = name })
		if diff := cmp.Diff(want, result.Findings); diff != "" || result.Reason != "" {
			t.Errorf("%s: reason %q, findings (-want +got):\n%s", name, result.Reason, diff)
		}
	}
}

func TestProbe_SaysGoodbye(t *testing.T) {
	t.Parallel()
	codes := make(chan coder.StatusCode, 1)
	url := serve(t, func(conn *coder.Conn) {
		_, _, err := conn.Read(t.Context())
		codes <- coder.CloseStatus(err)
	})
	run(t, url, nil)
	if code := <-codes; code != coder.StatusNormalClosure {
		t.Errorf("the service saw code %d, want %d", code, coder.StatusNormalClosure)
	}
}

func TestProbe_Measures(t *testing.T) {
	t.Parallel()
	url, caFile := overTLS(t)
	result := run(t, url, func(c *websocket.Config) { sends(c); c.TLS.CAFile = caFile })
	got := make(map[string]float64)
	for _, m := range result.Measurements {
		got[m.Metric] = m.Value
	}
	for _, name := range []string{"websocket_ping_seconds", "websocket_message_seconds", probe.CertificateNotAfter} {
		if got[name] <= 0 {
			t.Errorf("%s: got %v, want more than 0", name, got[name])
		}
	}
	if limit := result.Duration.Seconds(); got["websocket_ping_seconds"]+got["websocket_message_seconds"] > limit {
		t.Errorf("got %v, want less than the %v s of all", got, limit)
	}
	var events []string
	for _, event := range result.Evidence.Events {
		events = append(events, event.Text)
	}
	if len(events) != 3 || events[1] != "sent 5 bytes" || events[2] != `the message came: "hello"` {
		t.Errorf("got the events %q, want ping, message and answer", events)
	}
}

func TestProbe_ShowsNoSecret(t *testing.T) {
	const url, header = "Qk7Zp3Wv9Xj5", "Hd2Lm8Rt4Yb6"
	t.Setenv("TEST_SECRET", url)
	t.Setenv("TEST_HEADER", "Bearer "+header)
	mirror := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := coder.Accept(w, r, nil)
		if err != nil {
			return
		}
		_ = conn.Write(r.Context(), coder.MessageText, []byte(r.URL.String()+" "+r.Header.Get("Authorization")))
		_, message, _ := conn.Read(r.Context())
		_ = conn.Close(coder.StatusPolicyViolation, string(message)+r.Header.Get("Authorization"))
	})
	refusing := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.URL.String()+r.Header.Get("Authorization"), http.StatusForbidden)
	})
	for _, base := range []string{mirror, refusing} {
		built, err := build(t, base+"/?token={{secret}}", func(c *websocket.Config) {
			c.Secret = probe.Secret{Env: "TEST_SECRET"}
			c.SecretHeaders = map[string]probe.Secret{"Authorization": {Env: "TEST_HEADER"}}
			c.Send, c.Expect = "login {{secret}}", []string{"never"}
		})
		if err != nil {
			t.Fatal(err)
		}
		result, err := built.Prober.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal([]any{result, built.Profile})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(shown), url) || strings.Contains(string(shown), header) {
			t.Errorf("got a secret in %s", shown)
		}
		if !strings.Contains(string(shown), "[redacted]") {
			t.Errorf("got %s, want to see where the secrets were: else this tests nothing", shown)
		}
	}
}
