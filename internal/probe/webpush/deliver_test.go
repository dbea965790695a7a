package webpush_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

func TestProbe_SelfDeliversOverAHeldReceiverAndNewConnections(t *testing.T) {
	s := newStage(t, pushservice.Options{RequireVAPID: true})
	key, _ := newKey(t)
	p := selfProber(t, s, func(c *webpush.Config) {
		c.VAPIDKeyFile, c.Subject = private(t, "vapid", key), "mailto:push@example.com"
		c.Topic, c.Urgency = "offers_1-a", "high"
	})
	const messages = 5
	for i := range messages {
		r := take(t, p)
		want(t, r, "", "delivered")
		wantFindings(t, r)
		wantValue(t, r, "push_receiver_up", 1)
		wantValue(t, r, "push_credential_ok", 1)
		wantValue(t, r, "push_target_valid", 1)
		if _, again := value(r, "push_receiver_reconnects_total"); again {
			t.Error("a reconnect was counted, want none")
		}
		if deliver, ok := r.Phases.Get(probe.Deliver); !ok || deliver != r.Duration {
			t.Errorf("deliver took %v, want the duration of %v", deliver, r.Duration)
		}
		if connected := strings.Contains(events(r), "receiver connected"); connected != (i == 0) {
			t.Errorf("probe %d connected the receiver: %v, want it in the first alone", i, connected)
		}
		var urls []string
		for _, exchange := range r.Evidence.Exchanges {
			urls = append(urls, exchange.Method+" "+exchange.URL)
		}
		if _, opened := r.Evidence.Exchanges[0].Phases.Get(probe.Connect); opened != (i == 0) {
			t.Errorf("probe %d has the times of the receiver's connection: %v, want them in the first alone", i, opened)
		}
		if !slices.Equal(urls, []string{"GET http://" + s.address + "/", "POST http://" + s.address + "/[redacted]"}) {
			t.Errorf("evidence has the exchanges %q, want the receiver's connection and the message", urls)
		}
	}
	if s.upgrades != 1 || s.endpoints() != 1 || len(s.peers) != messages {
		t.Errorf("got %d connections of receivers, %d subscriptions and messages over %d connections, want 1, 1 and %d",
			s.upgrades, s.endpoints(), len(s.peers), messages)
	}
	header := s.messages[0].Header
	for name, want := range map[string]string{
		"Ttl": "2", "Urgency": "high", "Topic": "offers_1-a", "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

func TestProbe_UnsignedAndWithATTLOfItsOwn(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	now := time.Duration(0)
	p := selfProber(t, s, func(c *webpush.Config) { c.TTL = &now })
	r := take(t, p)
	want(t, r, "", "delivered")
	if _, judged := value(r, "push_credential_ok"); judged {
		t.Error("a credential was judged that there is none of")
	}
	header := s.messages[0].Header
	if header.Get("Ttl") != "0" || header["Authorization"] != nil || header["Topic"] != nil {
		t.Errorf("got the header %v, want a TTL of 0 and neither signature nor topic", header)
	}
}

func TestProbe_NobodySeesItArrive(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	r := take(t, fileProber(t, "none", c.file(), nil, nil))
	want(t, r, "", "unseen")
	wantFindings(t, r, "delivery_unseen")
	if verdict := rate(t, r); verdict.Rating != probe.Good {
		t.Errorf("rated %v, want good at best: nobody saw it arrive", verdict.Rating)
	}
	if accept, ok := r.Phases.Get(probe.Accept); !ok || accept != r.Duration {
		t.Errorf("accept took %v, want the duration of %v", accept, r.Duration)
	}
	if _, ok := value(r, "push_target_refreshed_timestamp_seconds"); !ok {
		t.Error("it is not measured when the file of the subscription was written")
	}
	if got := <-c.got; !strings.HasPrefix(got, `{"channelwatch_probe":"`) {
		t.Errorf("the browser got %q, want a probe that asks nothing of it", got)
	}
}

func TestProbe_ReceiptOfABrowser(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	p := fileProber(t, "receipt", c.file(), c.receipts, nil)
	for range 3 {
		r := take(t, p)
		want(t, r, "", "delivered")
		wantFindings(t, r)
		if got := <-c.got; !strings.HasPrefix(got, `{"channelwatch_receipt":"`+receiptURL+`/v1/receipts/`) {
			t.Errorf("the browser got %q, want the URL of a receipt", got)
		}
	}
	c.leave()
	want(t, take(t, p), "message_lost", "lost")
}

// A browser that is away gets what the push service kept for it: for the TTL, and of one topic the newest.
func TestProbe_BrowserThatIsAway(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		ttl     time.Duration
		away    time.Duration // after the message was sent
		reason  probe.Reason
		outcome string
	}{
		{name: "kept for it", ttl: 60 * time.Second, outcome: "delivered"},
		{name: "now or never", ttl: 0, reason: "message_lost", outcome: "lost"},
		{name: "kept for too short a time", ttl: time.Second, away: 1200 * time.Millisecond, reason: "message_lost", outcome: "lost"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, pushservice.Options{})
			c := newCanary(t, s, "")
			p := fileProber(t, "receipt", c.file(), c.receipts, func(conf *webpush.Config) { conf.TTL = &tc.ttl })
			c.leave()
			back := make(chan struct{})
			go func() {
				defer close(back)
				for s.sent() == 0 && t.Context().Err() == nil {
					<-time.After(time.Millisecond)
				}
				<-time.After(tc.away + 50*time.Millisecond)
				c.dial("")
				c.listen()
			}()
			r := take(t, p)
			<-back
			want(t, r, tc.reason, tc.outcome)
		})
	}
}

func TestProbe_TopicKeepsTheNewestMessage(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	minute := time.Minute
	p := fileProber(t, "receipt", c.file(), c.receipts, func(conf *webpush.Config) {
		conf.Topic, conf.TTL, conf.Window = "offers", &minute, window/2
	})
	c.leave()
	for range 3 {
		want(t, take(t, p), "message_lost", "lost")
	}
	c.dial("")
	c.listen()
	want(t, take(t, p), "", "delivered")
	waitUntil(t, "the newest message of those that waited, and the one after it", func() bool { return len(c.got) >= 2 })
	if n := len(c.got); n != 2 {
		t.Errorf("the browser got %d messages, want 2", n)
	}
}

func TestProbe_CancelledIsAnError(t *testing.T) {
	s := newStage(t, pushservice.Options{Fault: func() pushservice.Fault { return pushservice.Fault{Drop: true} }})
	p := selfProber(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.answerWith(func(w http.ResponseWriter, r *http.Request) { cancel(); s.service.ServeHTTP(w, r) })
	if r, err := p.Probe(ctx); err == nil {
		t.Errorf("Probe of a cancelled context returned reason %q, want an error", r.Reason)
	}
	if _, err := p.Probe(ctx); err == nil {
		t.Error("Probe with a cancelled context returned no error")
	}
}

func TestProbe_OverTLS(t *testing.T) {
	service := pushservice.New(pushservice.Options{})
	server := httptest.NewTLSServer(service)
	defer server.Close()
	defer func() { _ = service.Close() }()
	authority := private(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	p := newProber(t, nil, func(c *webpush.Config) {
		c.Receive, c.Service, c.TLS.CAFile = "self", strings.Replace(server.URL, "https", "wss", 1), authority
	})
	for range 2 {
		r := take(t, p)
		want(t, r, "", "delivered")
		wantValue(t, r, probe.CertificateNotAfter, float64(server.Certificate().NotAfter.Unix()))
	}
	untrusting := newProber(t, nil, func(c *webpush.Config) { c.Receive, c.Service = "self", strings.Replace(server.URL, "https", "wss", 1) })
	want(t, take(t, untrusting), "tls_untrusted", "unsent")
}

// Whoever probes may allow less than the configuration.
func TestProbe_InLessTimeThanConfigured(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	p := selfProber(t, s, nil)
	waitUntil(t, "a message that is delivered", func() bool { // little time is left to connect: on a busy machine too little
		ctx, cancel := context.WithTimeout(t.Context(), window)
		defer cancel()
		r, err := p.Probe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return r.Reason == ""
	})
}

// A receipt for a message that is over says nothing any more.
func TestProbe_ReceiptAfterTheProbe(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	receipts := ledger.New() // not the one that the canary confirms to
	p := fileProber(t, "receipt", c.file(), receipts, nil)
	s.answerWith(func(w http.ResponseWriter, r *http.Request) {
		s.service.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusInternalServerError)
	})
	want(t, take(t, p), "push_provider_failed", "rejected")
	got := <-c.got
	if receipts.Confirm(strings.TrimSuffix(got[strings.LastIndex(got, "/")+1:], `"}`), time.Now()) {
		t.Error("a receipt was taken for a message that was refused and is no longer waited for")
	}
}
