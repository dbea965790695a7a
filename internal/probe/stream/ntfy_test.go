package stream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// ntfyProber publishes to the topic of the stand-in and receives from it in a form, "" for the default.
func ntfyProber(tb testing.TB, h *hub, form string, change func(*stream.Config)) probe.Prober {
	tb.Helper()
	return newProber(tb, h, func(c *stream.Config) {
		c.Preset, c.URL, c.ReceiveURL, c.Receive = "ntfy", h.URL+"/topic", "", form
		if change != nil {
			change(c)
		}
	})
}

func TestNtfy_DeliversInEveryForm(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"", "ndjson", "sse", "websocket"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			h := newNtfy(t)
			p := ntfyProber(t, h, form, func(c *stream.Config) { c.Body = " {{message}}, dear customer\n" })
			for range 3 {
				want(t, take(t, p), "", "delivered")
			}
			if got := h.subscriptions(); got != 1 {
				t.Errorf("3 probes subscribed %d times, want one held receiver", got)
			}
			r, _ := h.last()
			for name, value := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache": "no", "Firebase": "no"} {
				if got := r.Header.Get(name); got != value {
					t.Errorf("published with %s %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestNtfy_Streams(t *testing.T) {
	t.Parallel()
	message := func(change func(string) string) func(string) []string {
		return func(text string) []string { return []string{change(ntfyEvent("message", text))} }
	}
	for name, c := range map[string]struct {
		greeting string
		deliver  func(string) []string
		reason   probe.Reason
		outcome  string
		findings []probe.CheckID
	}{
		"never says that it is open": {reason: "response_timeout", outcome: "unsent"},
		"is no ntfy":                 {greeting: `{"hello":"world"}`, reason: "stream_malformed", outcome: "unsent"},
		"is no JSON":                 {greeting: "hello", reason: "stream_malformed", outcome: "unsent"},
		"begins with a message":      {greeting: ntfyEvent("message", "cached"), reason: "stream_malformed", outcome: "unsent"},
		"sends what was cached": {
			greeting: ntfyEvent("open", ""),
			deliver: func(string) []string {
				return []string{ntfyEvent("message", "channelwatch probe AAAAAAAAAAAAAAAAAAAAAAAAAA"), ntfyEvent("keepalive", "")}
			},
			reason: "message_lost", outcome: "lost",
		},
		"sends another event with the id": {
			greeting: ntfyEvent("open", ""), deliver: message(func(e string) string { return strings.Replace(e, `"message"`, `"poll_request"`, 1) }),
			reason: "message_lost", outcome: "lost",
		},
		"changes the text": {
			greeting: ntfyEvent("open", ""), deliver: message(func(e string) string { return strings.Replace(e, "dear", "deer", 1) }),
			outcome: "corrupted", findings: []probe.CheckID{"message_corrupted"},
		},
		"breaks the JSON": {
			greeting: ntfyEvent("open", ""), deliver: message(func(e string) string { return strings.TrimSuffix(e, "}") }),
			outcome: "corrupted", findings: []probe.CheckID{"message_corrupted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newNtfy(t)
			h.set(func(h *hub) { h.greeting, h.deliver = c.greeting, c.deliver })
			p := ntfyProber(t, h, "", func(config *stream.Config) { config.Body = "{{message}} dear" })
			want(t, take(t, p), c.reason, c.outcome, c.findings...)
		})
	}
}

// TestNtfy_Limit obeys a server that has enough, and sends again when it may.
func TestNtfy_Limit(t *testing.T) {
	t.Parallel()
	h := newNtfy(t)
	h.set(func(h *hub) {
		h.refuse = ntfyRefusal(http.StatusTooManyRequests, 42901, "limit reached: too many requests", http.Header{"Retry-After": {"3"}})
	})
	p := ntfyProber(t, h, "", nil)
	r := take(t, p)
	want(t, r, "push_rate_limited", "rejected")
	if want := "answered 429 42901 limit reached: too many requests, want it taken"; r.Detail != want {
		t.Errorf("got %q, want %q", r.Detail, want)
	}
	h.set(func(h *hub) { h.refuse = nil })
	withheld := take(t, p)
	want(t, withheld, "push_rate_limited", "")
	if _, text := h.last(); text != "" {
		t.Errorf("published %q although the server asked to wait", text)
	}
	settle(t, func() bool { return take(t, p).Reason == "" })
}

func TestNtfy_Refusals(t *testing.T) {
	t.Parallel()
	for status, c := range map[int]struct {
		code   int
		text   string
		reason probe.Reason
	}{
		http.StatusUnauthorized:          {40101, "unauthorized", "push_credential_rejected"},
		http.StatusForbidden:             {40301, "forbidden", "push_credential_rejected"},
		http.StatusBadRequest:            {40009, "invalid request: topic invalid", "message_rejected"},
		http.StatusRequestEntityTooLarge: {41301, "attachment too large", "message_rejected"},
		http.StatusInternalServerError:   {50001, "internal server error", "push_provider_failed"},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			h := newNtfy(t)
			h.set(func(h *hub) { h.refuse = ntfyRefusal(status, c.code, c.text, nil) })
			r := take(t, ntfyProber(t, h, "", nil))
			want(t, r, c.reason, "rejected")
			if !strings.Contains(r.Detail, c.text) {
				t.Errorf("got %q, want what the server said: %s", r.Detail, c.text)
			}
			h.set(func(h *hub) { h.turnAway = h.refuse })
			r = take(t, ntfyProber(t, h, "websocket", nil))
			if r.Reason == "" || !strings.Contains(r.Detail, c.text) {
				t.Errorf("got %q and %q, want a reason and what the server said to a subscriber", r.Reason, r.Detail)
			}
		})
	}
}
