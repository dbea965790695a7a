package mqtt_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

func TestProbe_FateOfAMessage(t *testing.T) {
	t.Parallel()
	accept := func(_ *fakeBroker, c net.Conn, p *packets.Publish) { acknowledge(c, p, 0, "") }
	cases := []struct {
		name     string
		publish  func(*fakeBroker, net.Conn, *packets.Publish)
		reason   probe.Reason
		outcome  string
		findings []probe.CheckID
		detail   string // part of the result's detail
	}{
		{
			name: "accepted and dropped", publish: accept,
			reason: "message_lost", outcome: "lost", detail: "accepted and not delivered within",
		},
		{
			name: "accepted without a subscriber",
			publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
				acknowledge(c, p, packets.PubackNoMatchingSubscribers, "")
			},
			reason: "message_lost", outcome: "lost", detail: "broker said 0x10 no matching subscribers",
		},
		{
			name: "ignored", publish: ignore,
			reason: "message_unsent", outcome: "unsent", detail: "no acknowledgement and no arrival after",
		},
		{
			name: "rejected with a reason",
			publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
				acknowledge(c, p, packets.PubackTopicNameInvalid, "not this\x07 one")
			},
			reason: "message_rejected", outcome: "rejected", detail: `answered 0x90 topic name invalid ("not this one"), want it taken`,
		},
		{
			name: "too many",
			publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
				acknowledge(c, p, packets.PubackQuotaExceeded, "")
			},
			reason: "push_rate_limited", outcome: "rejected", detail: "answered 0x97 quota exceeded, want it taken",
		},
		{
			name: "rejected without a reason",
			publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
				acknowledge(c, p, packets.PubackUnspecifiedError, "")
			},
			reason: "message_rejected", outcome: "rejected", detail: "answered 0x80 unspecified error",
		},
		{
			name:    "delivered and never acknowledged",
			publish: func(b *fakeBroker, _ net.Conn, p *packets.Publish) { b.forward(p) },
			outcome: "delivered", findings: []probe.CheckID{"message_unacknowledged"},
		},
		{
			name: "delivered with another payload",
			publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
				garbled := *p
				garbled.Payload = []byte("channelwatch probe ?")
				b.forward(&garbled)
				acknowledge(c, p, 0, "")
			},
			outcome: "corrupted", findings: []probe.CheckID{"message_corrupted"},
		},
		{
			name: "delivered without its properties",
			publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
				bare := *p
				bare.Properties = &packets.Properties{}
				b.forward(&bare)
				acknowledge(c, p, 0, "")
			},
			outcome: "delivered",
		},
		{
			name: "only foreign and retained messages",
			publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
				b.forward(&packets.Publish{Topic: p.Topic, Payload: []byte("somebody else's"), Properties: &packets.Properties{}})
				kept := *p
				kept.Retain = true
				b.forward(&kept)
				acknowledge(c, p, 0, "")
			},
			reason: "message_lost", outcome: "lost",
		},
		{
			name: "connections cut instead of an answer",
			publish: func(b *fakeBroker, c net.Conn, _ *packets.Publish) {
				b.mu.Lock()
				defer b.mu.Unlock()
				for _, sub := range b.subs {
					reply(sub, &packets.Disconnect{ReasonCode: packets.DisconnectServerShuttingDown, Properties: &packets.Properties{}})
					_ = sub.Close()
				}
				_ = c.Close()
			},
			reason: "message_unsent", outcome: "unsent", detail: "disconnected",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := newFakeBroker(t, behaviour{publish: tc.publish})
			r := take(t, newProber(t, broker.url, func(c *mqtt.Config) { c.Deadline = window / 2 }))
			want(t, r, tc.reason, tc.outcome)
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("detail is %q, want %q in it", r.Detail, tc.detail)
			}
			ids := make([]string, 0, len(r.Findings))
			for _, f := range r.Findings {
				ids = append(ids, string(f.Check))
			}
			for _, id := range tc.findings {
				if r.Find(id) == nil {
					t.Errorf("findings are %v, want %q", ids, id)
				}
			}
			if len(r.Findings) != len(tc.findings) {
				t.Errorf("findings are %v, want %v", ids, tc.findings)
			}
		})
	}
}

func TestProbe_DoesNotWaitWhenNothingCanArrive(t *testing.T) {
	broker := newFakeBroker(t, behaviour{publish: func(b *fakeBroker, c net.Conn, _ *packets.Publish) {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, _ = b.subs[0].Close(), c.Close()
	}})
	r := take(t, newProber(t, broker.url, nil))
	want(t, r, "message_unsent", "unsent")
	if r.Duration >= window {
		t.Errorf("waited %v with both connections gone, want less than the window of %v", r.Duration, window)
	}
}

func TestProbe_Late(t *testing.T) {
	const deadline = 100 * time.Millisecond
	broker := newFakeBroker(t, behaviour{publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
		acknowledge(c, p, 0, "")
		<-time.After(2 * deadline)
		b.forward(p)
	}})
	r := take(t, newProber(t, broker.url, func(c *mqtt.Config) { c.Deadline = deadline }))
	want(t, r, "", "late")
	wantFindings(t, r, "message_late")
	if r.Duration < 2*deadline {
		t.Errorf("duration is %v, want at least the %v that the broker held the message back", r.Duration, 2*deadline)
	}
}

func TestProbe_NothingIsSentTwice(t *testing.T) {
	messages := make(chan string, 10)
	broker := newFakeBroker(t, behaviour{publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
		messages <- string(p.Payload)
		_ = c.Close()
	}})
	p := newProber(t, broker.url, func(c *mqtt.Config) { c.Window = time.Second })
	for range 3 {
		want(t, take(t, p), "message_unsent", "unsent")
	}
	seen := make(map[string]bool)
	for range len(messages) {
		m := <-messages
		if seen[m] {
			t.Errorf("the broker got %q twice", m)
		}
		seen[m] = true
	}
	if len(seen) != 3 {
		t.Errorf("the broker got %d messages, want 3", len(seen))
	}
}

func TestProbe_EveryDroppedMessageIsSeen(t *testing.T) {
	t.Parallel()
	broker := newFakeBroker(t, behaviour{publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) { acknowledge(c, p, 0, "") }})
	p := newProber(t, broker.url, nil)
	for range 3 {
		var probing sync.WaitGroup
		for range 10 {
			probing.Go(func() { want(t, take(t, p), "message_lost", "lost") })
		}
		probing.Wait()
	}
}

func TestProbe_RepeatsAreCounted(t *testing.T) {
	broker := newFakeBroker(t, behaviour{publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
		b.forward(p)
		b.forward(p)
		b.forward(p)
		acknowledge(c, p, 0, "")
	}})
	p := newProber(t, broker.url, nil)
	repeats := 0
	// A repeat that comes when its own probe is over shows in the next one.
	for range 5 {
		r := take(t, p)
		want(t, r, "", "delivered")
		if f := r.Find("message_duplicated"); f != nil {
			var n int
			if _, err := fmt.Sscanf(f.Detail, "this message or one before it arrived %d times", &n); err != nil {
				t.Fatalf("detail %q: %v", f.Detail, err)
			}
			repeats += n
		}
	}
	if repeats < 8 || repeats > 10 {
		t.Errorf("counted %d repeats of 5 messages that each came three times, want 8 to 10", repeats)
	}
}

func TestProbe_ARepeatAfterTheProbeIsReportedByTheNext(t *testing.T) {
	var previous *packets.Publish
	broker := newFakeBroker(t, behaviour{publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
		if previous != nil {
			b.forward(previous)
		}
		copied := *p
		previous = &copied
		b.forward(p)
		acknowledge(c, p, 0, "")
	}})
	p := newProber(t, broker.url, nil)
	first := take(t, p)
	want(t, first, "", "delivered")
	wantFindings(t, first)
	second := take(t, p)
	want(t, second, "", "delivered")
	wantFindings(t, second, "message_duplicated")
}

func TestProbe_AnArrivalAfterTheWindowChangesNothing(t *testing.T) {
	var previous *packets.Publish
	broker := newFakeBroker(t, behaviour{publish: func(b *fakeBroker, c net.Conn, p *packets.Publish) {
		acknowledge(c, p, 0, "")
		if previous != nil {
			b.forward(previous)
			b.forward(p)
		}
		copied := *p
		previous = &copied
	}})
	p := newProber(t, broker.url, nil)
	want(t, take(t, p), "message_lost", "lost")
	second := take(t, p)
	want(t, second, "", "delivered")
	wantFindings(t, second)
}
