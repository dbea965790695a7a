package webpush_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

func TestProbe_DisconnectedReceiverComesBack(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	p := selfProber(t, s, nil)
	want(t, take(t, p), "", "delivered")
	// What is not confirmed yet would be delivered again.
	waitUntil(t, "the message to be confirmed", func() bool { return s.service.Acks(100) == 1 })
	s.service.Disconnect()
	waitUntil(t, "the connection to be cut", func() bool { return s.service.Receivers() == 0 })
	r := take(t, p)
	want(t, r, "", "delivered")
	wantFindings(t, r, "receiver_disconnected")
	wantValue(t, r, "push_receiver_reconnects_total", 1)
	wantValue(t, r, "push_receiver_up", 1)
	if s.endpoints() != 1 {
		t.Errorf("messages went to %d subscriptions, want the first to be taken up again", s.endpoints())
	}
	next := take(t, p)
	wantFindings(t, next)
	if s.upgrades != 2 {
		t.Errorf("the receiver connected %d times, want 2", s.upgrades)
	}
}

func TestProbe_ServiceRestarts(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	p := selfProber(t, s, nil)
	want(t, take(t, p), "", "delivered")
	s.off()
	away := take(t, p)
	want(t, away, "connect_refused", "unsent")
	wantFindings(t, away, "receiver_disconnected")
	wantValue(t, away, "push_receiver_up", 0)
	still := take(t, p)
	want(t, still, "connect_refused", "unsent")
	wantFindings(t, still) // it is told once
	s.on()
	back := take(t, p)
	want(t, back, "", "delivered")
	wantFindings(t, back)
	wantValue(t, back, "push_receiver_up", 1)
	if s.endpoints() != 2 {
		t.Errorf("messages went to %d subscriptions, want a new one at a service that forgot the first", s.endpoints())
	}
}

// A receiver that is cut off while a message is on its way is no reason to wait for the rest of the window.
func TestProbe_ReceiverIsCutOffMeanwhile(t *testing.T) {
	s := newStage(t, always(pushservice.Fault{Drop: true}))
	p := selfProber(t, s, nil)
	s.answerWith(func(w http.ResponseWriter, r *http.Request) {
		s.service.ServeHTTP(w, r)
		s.service.Disconnect()
	})
	r := take(t, p)
	want(t, r, "message_lost", "lost")
	if r.Duration >= window || !strings.Contains(r.Detail, "the receiver was disconnected meanwhile") {
		t.Errorf("got %q after %v, want that the receiver was cut off, before the window of %v is over", r.Detail, r.Duration, window)
	}
}

func TestProbe_ReceiverIsNotLetIn(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		socket http.HandlerFunc
		reason probe.Reason
		detail string
	}{
		{"status", status(http.StatusForbidden, "go away"), "push_receiver_refused", "status 403, want 101"},
		{"no WebSocket", status(http.StatusOK, "<html>"), "push_receiver_refused", "status 200, want 101"},
		{"cut off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "connection_closed", "closed"},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "response_timeout", "in time"},
		{"hello refused", conversation(`{"messageType":"hello","status":503}`), "push_receiver_refused", "status 503, want 200"},
		{"hello without a name", conversation(`{"messageType":"hello","status":200}`), "push_receiver_refused", "no name"},
		{"hello hangs", conversation(), "response_timeout", "in time"},
		{"hello that is none", conversation(`hello`), "push_receiver_refused", "not a JSON object"},
		{
			"register refused", conversation(hello, `{"messageType":"register","status":401}`),
			"push_receiver_refused", "status 401, want 200",
		},
		{
			"endpoint without TLS", conversation(hello, `{"messageType":"register","status":200,"channelID":"$channel","pushEndpoint":"http://push.example.com/a"}`),
			"push_receiver_refused", "endpoint: want https",
		},
		{
			"endpoint elsewhere", conversation(hello, `{"messageType":"register","status":200,"channelID":"$channel","pushEndpoint":"https://intranet.example.com/a"}`),
			"push_receiver_refused", "at another domain than the service",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, pushservice.Options{})
			s.greetWith(tc.socket)
			r := take(t, selfProber(t, s, func(c *webpush.Config) { c.Window = timeout - time.Second }))
			want(t, r, tc.reason, "unsent")
			wantValue(t, r, "push_receiver_up", 0)
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("the detail is %q, want %q in it", r.Detail, tc.detail)
			}
			if s.sent() != 0 {
				t.Errorf("%d messages were sent while nobody listened", s.sent())
			}
		})
	}
}

func TestProbe_SubscriptionOutlivesTheAgent(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	file := filepath.Join(t.TempDir(), "state.json")
	for range 2 {
		built, err := build(nil, func(c *webpush.Config) { c.Receive, c.Service, c.StateFile = "self", s.url(), file })
		if err != nil {
			t.Fatal(err)
		}
		want(t, take(t, built.Prober), "", "delivered")
		built.Close()
	}
	if s.endpoints() != 1 {
		t.Errorf("messages went to %d subscriptions, want one that was kept", s.endpoints())
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state is %v (%v), want a file of mode 0600", info, err)
	}
	want(t, take(t, selfProber(t, s, nil)), "", "delivered")
	if s.endpoints() != 2 {
		t.Errorf("messages went to %d subscriptions, want another one without the file", s.endpoints())
	}
}

// That the subscription cannot be kept is told once, as what it is: no matter of the channel.
func TestProbe_StateThatCannotBeWritten(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := selfProber(t, s, func(c *webpush.Config) { c.StateFile = filepath.Join(dir, "state.json") })
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if r, err := p.Probe(ctx); err == nil || !strings.Contains(err.Error(), "writing the state of a receiver: ") {
		t.Errorf("got reason %q and the error %v, want that the state could not be written", r.Reason, err)
	}
	want(t, take(t, p), "", "delivered")
	if s.upgrades != 1 {
		t.Errorf("the receiver connected %d times, want the connection to stay", s.upgrades)
	}
}

func TestProbe_OwnSubscriptionIsGone(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	p := selfProber(t, s, nil)
	want(t, take(t, p), "", "delivered")
	s.answerWith(status(http.StatusGone, `{"code":410,"errno":106}`))
	gone := take(t, p)
	want(t, gone, "push_target_gone", "rejected")
	wantValue(t, gone, "push_target_valid", 0)
	if got := rate(t, gone).Rating; got != probe.Unknown {
		t.Errorf("rated %v, want unknown: it says nothing about customers", got)
	}
	// The next probe subscribes again. A service that does not know that either fails its customers too.
	again := take(t, p)
	want(t, again, "message_rejected", "rejected")
	if got := rate(t, again).Rating; got != probe.Poor || !strings.Contains(again.Detail, "for a subscription that it has just given out") {
		t.Errorf("rated %v with %q, want poor: the service does not know what it has just given out", got, again.Detail)
	}
	s.answerWith(nil)
	want(t, take(t, p), "", "delivered")
	if s.endpoints() != 3 {
		t.Errorf("messages went to %d subscriptions, want a new one after each that was gone", s.endpoints())
	}
}

func TestClose_EndsTheReceiver(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	built, err := build(nil, func(c *webpush.Config) { c.Receive, c.Service = "self", s.url() })
	if err != nil {
		t.Fatal(err)
	}
	want(t, take(t, built.Prober), "", "delivered")
	built.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if r, err := built.Prober.Probe(ctx); err == nil {
		t.Errorf("a closed prober returned reason %q, want an error", r.Reason)
	}
}
