package stream_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	timeout = 4 * time.Second
	window  = 1500 * time.Millisecond
)

// newProber builds a prober that publishes to the hub by POST and receives as Server-Sent Events; change adapts it.
func newProber(tb testing.TB, h *hub, change func(*stream.Config)) probe.Prober {
	tb.Helper()
	return newProberOf(tb, stream.Kind(), h, change)
}

// newProberOf is newProber for touchpoints of one agent, which share what they can.
func newProberOf(tb testing.TB, kind probe.Kind, h *hub, change func(*stream.Config)) probe.Prober {
	tb.Helper()
	return newProberWithin(tb, timeout, kind, h, change)
}

// newProberWithin is newProberOf with a timeout of its own.
func newProberWithin(tb testing.TB, timeout time.Duration, kind probe.Kind, h *hub, change func(*stream.Config)) probe.Prober {
	tb.Helper()
	built := buildOf(tb, kind, probe.Setup{Timeout: timeout, Every: 30 * time.Second}, func(c *stream.Config) {
		c.URL, c.ReceiveURL = h.URL+"/publish", h.URL+"/sse"
		if change != nil {
			change(c)
		}
	})
	tb.Cleanup(built.Close)
	return built.Prober
}

func build(tb testing.TB, setup probe.Setup, change func(*stream.Config)) probe.Built {
	tb.Helper()
	return buildOf(tb, stream.Kind(), setup, change)
}

func buildOf(tb testing.TB, kind probe.Kind, setup probe.Setup, change func(*stream.Config)) probe.Built {
	tb.Helper()
	config := kind.NewConfig(probe.Push).(*stream.Config)
	config.Window = window
	change(config)
	setup.Channel, setup.Touchpoint, setup.Type = "push", "orders", probe.Push
	built, err := kind.Build(config, setup)
	if err != nil {
		tb.Fatalf("building the prober: %v", err)
	}
	return built
}

// take probes once and checks what holds for every result of this kind: one message ends in exactly one way.
func take(tb testing.TB, p probe.Prober) probe.Result {
	tb.Helper()
	return takeWithin(tb, timeout, p)
}

// takeWithin is take with a timeout of its own.
func takeWithin(tb testing.TB, timeout time.Duration, p probe.Prober) probe.Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	defer cancel()
	r, err := p.Probe(ctx)
	if err != nil {
		tb.Fatalf("Probe: %v", err)
	}
	if n := len(measured(r, "push_messages_total")) + len(measured(r, "push_skipped_total")); n != 1 {
		tb.Errorf("the message ended in %d ways, want 1", n)
	}
	if r.Duration <= 0 || r.Duration > timeout+time.Second {
		tb.Errorf("duration is %v, want more than 0 and at most about %v", r.Duration, timeout)
	}
	return r
}

// measured returns the measurements of a metric.
func measured(r probe.Result, metric string) []probe.Measurement {
	var all []probe.Measurement
	for _, m := range r.Measurements {
		if m.Metric == metric {
			all = append(all, m)
		}
	}
	return all
}

// value returns the only measurement of a metric, and -1 when there is none or more.
func value(r probe.Result, metric string) float64 {
	if all := measured(r, metric); len(all) == 1 {
		return all[0].Value
	}
	return -1
}

// outcome returns how the message of a result ended, "" when none was sent.
func outcome(r probe.Result) string {
	for _, m := range measured(r, "push_messages_total") {
		return m.Label
	}
	return ""
}

// want checks reason, outcome and the ids of all findings.
func want(tb testing.TB, r probe.Result, reason probe.Reason, ending string, findings ...probe.CheckID) {
	tb.Helper()
	if r.Reason != reason || outcome(r) != ending {
		tb.Errorf("got reason %q, outcome %q (%s), want %q, %q", r.Reason, outcome(r), r.Detail, reason, ending)
	}
	if (r.Reason == "") != (r.Detail == "") {
		tb.Errorf("reason %q has detail %q", r.Reason, r.Detail)
	}
	var got []probe.CheckID
	for _, f := range r.Findings {
		got = append(got, f.Check)
		if f.Detail == "" {
			tb.Errorf("finding %q has no detail", f.Check)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(findings) {
		tb.Errorf("findings are %v, want %v", r.Findings, findings)
	}
}

// wsURL returns an address of the hub for WebSocket.
func wsURL(h *hub, path string) string { return "ws" + strings.TrimPrefix(h.URL, "http") + path }

func TestProbe_DeliversInEveryForm(t *testing.T) {
	t.Parallel()
	publish := map[string]func(*stream.Config, *hub){
		"post":      func(c *stream.Config, h *hub) { c.URL = h.URL + "/publish" },
		"websocket": func(c *stream.Config, h *hub) { c.URL = wsURL(h, "/in") },
	}
	receive := map[string]func(*stream.Config, *hub){
		"sse":       func(c *stream.Config, h *hub) { c.ReceiveURL = h.URL + "/sse" },
		"ndjson":    func(c *stream.Config, h *hub) { c.ReceiveURL, c.Receive = h.URL+"/ndjson", "ndjson" },
		"websocket": func(c *stream.Config, h *hub) { c.ReceiveURL = wsURL(h, "/ws") },
	}
	for sender, send := range publish {
		for receiver, listen := range receive {
			t.Run(sender+" to "+receiver, func(t *testing.T) {
				t.Parallel()
				h := newHub(t)
				p := newProber(t, h, func(c *stream.Config) { send(c, h); listen(c, h) })
				for range 5 {
					r := take(t, p)
					want(t, r, "", "delivered")
					if deliver, _ := r.Phases.Get(probe.Deliver); deliver != r.Duration {
						t.Errorf("deliver took %v, want the duration of %v", deliver, r.Duration)
					}
					if _, accepted := r.Phases.Get(probe.Accept); accepted != (sender == "post") {
						t.Errorf("accept is reached: %v, want it where there is an answer only", accepted)
					}
					if up, again := value(r, "push_receiver_up"), value(r, "push_receiver_reconnects_total"); up != 1 || again != 0 {
						t.Errorf("got receiver up %v after %v reconnects, want 1 and 0", up, again)
					}
					if n := len(r.Evidence.Exchanges); n != 2 {
						t.Errorf("the evidence has %d exchanges, want the receiver's and the publisher's", n)
					}
				}
				if got := h.subscriptions(); got != 1 {
					t.Errorf("5 probes subscribed %d times, want one held receiver", got)
				}
			})
		}
	}
}

func TestProbe_SendsWhatIsConfigured(t *testing.T) {
	t.Setenv("TEST_TOKEN", "bearer-of-the-test")
	t.Setenv("TEST_KEY", "key-of-the-test")
	h := newHub(t)
	p := newProber(t, h, func(c *stream.Config) {
		c.Body = `{"text": "{{message}}", "shop": "example"}`
		c.Headers = map[string]string{"X-Priority": "low"}
		c.SecretHeaders = map[string]probe.Secret{"X-Api-Key": {Env: "TEST_KEY"}}
		c.Token = probe.Secret{Env: "TEST_TOKEN"}
	})
	want(t, take(t, p), "", "delivered")
	r, text := h.last()
	const prefix, suffix = `{"text": "channelwatch probe `, `", "shop": "example"}`
	if !strings.HasPrefix(text, prefix) || !strings.HasSuffix(text, suffix) || len(text) != len(prefix)+26+len(suffix) {
		t.Errorf("published %q, want the body with a message of 26 random characters", text)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Priority": "low", "X-Api-Key": "key-of-the-test", "Authorization": "Bearer bearer-of-the-test",
	} {
		if got := r.Header.Get(name); got != value {
			t.Errorf("published with %s %q, want %q", name, got, value)
		}
	}
}

// TestProbe_SubscribesWithCredentialsAlone keeps the fields of messages from the receiver, where ntfy takes them for
// filters.
func TestProbe_SubscribesWithCredentialsAlone(t *testing.T) {
	t.Setenv("TEST_PASSWORD", "password-of-the-test")
	t.Setenv("TEST_KEY", "key-of-the-test")
	for path, accept := range map[string]string{"/sse": "text/event-stream", "/ndjson": "application/x-ndjson, application/json", "/ws": "*/*"} {
		h := newHub(t)
		var got http.Header
		h.turnAway = func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Clone()
			w.WriteHeader(http.StatusNotFound)
		}
		r := take(t, newProber(t, h, func(c *stream.Config) {
			c.ReceiveURL, c.Receive = h.URL+path, strings.TrimPrefix(path, "/")
			if path == "/ws" {
				c.ReceiveURL, c.Receive = wsURL(h, path), ""
			}
			c.Headers = map[string]string{"Priority": "low"}
			c.SecretHeaders = map[string]probe.Secret{"X-Api-Key": {Env: "TEST_KEY"}}
			c.Username, c.Password = "bob", probe.Secret{Env: "TEST_PASSWORD"}
		}))
		want(t, r, "stream_refused", "unsent")
		for name, value := range map[string]string{
			"Accept": accept, "Accept-Encoding": "identity", "X-Api-Key": "key-of-the-test", "Priority": "", "Last-Event-Id": "",
			"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:password-of-the-test")),
		} {
			if got.Get(name) != value {
				t.Errorf("%s: subscribed with %s %q, want %q", path, name, got.Get(name), value)
			}
		}
	}
}

// TestProbe_PublisherGone does not hold the receiver responsible.
func TestProbe_PublisherGone(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://127.0.0.1:1/", "ws://127.0.0.1:1/"} {
		h := newHub(t)
		p := newProber(t, h, func(c *stream.Config) { c.URL = url })
		for range 2 {
			r := take(t, p)
			want(t, r, probe.ConnectRefused, "unsent")
			if up := value(r, "push_receiver_up"); up != 1 {
				t.Errorf("%s: got receiver up %v, want 1", url, up)
			}
		}
		if got := h.subscriptions(); got != 1 {
			t.Errorf("%s: subscribed %d times, want the receiver held", url, got)
		}
	}
}

func TestProbe_SubscribesOverWebSocket(t *testing.T) {
	t.Setenv("TEST_SECRET", "hunter2-and-more")
	h := newHub(t)
	p := newProber(t, h, func(c *stream.Config) {
		c.ReceiveURL, c.Subscribe = wsURL(h, "/ws"), `{"join":"{{secret}}"}`
		c.Secret = probe.Secret{Env: "TEST_SECRET"}
	})
	want(t, take(t, p), "", "delivered")
	settle(t, func() bool { // the hub reads and delivers on its own
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.subscribed) > 0
	})
	h.set(func(h *hub) {
		if got := fmt.Sprint(h.subscribed); got != `[{"join":"hunter2-and-more"}]` {
			t.Errorf("subscribed with %s, want the text with its secret, once", got)
		}
	})
}

// TestProbe_Conforms runs the conformance suite against a hub that receives where it publishes.
func TestProbe_Conforms(t *testing.T) {
	probetest.Run(t, probetest.Subject{
		Kind: stream.Kind(), Type: probe.Push,
		With: func(target probetest.Target) map[string]any {
			return map[string]any{"url": target.URL + "/publish", "receive_url": target.URL + "/sse"}
		},
	}, probetest.Fixture{
		Healthy:    func(tb testing.TB) probetest.Target { tb.Helper(); return probetest.Target{URL: newHub(tb).URL} },
		Silent:     func(tb testing.TB) probetest.Target { tb.Helper(); return probetest.Target{URL: silent(tb)} },
		SilentWant: probe.ResponseTimeout,
		ClosedPort: func(testing.TB) probetest.Target { return probetest.Target{URL: "http://127.0.0.1:1"} },
	})
}
