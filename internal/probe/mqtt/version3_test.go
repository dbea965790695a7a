package mqtt_test

import (
	"net"
	"strings"
	"testing"

	old "github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

func version3(c *mqtt.Config) {
	c.Version, c.Window, c.Deadline = "3.1.1", window, window/2
}

func TestProbe3_AnswersToConnect(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		connect func(net.Conn)
		reason  probe.Reason
		detail  string
	}{
		{"version refused", raw(0x20, 2, 0, 1), "mqtt_version_refused", `0x01 unacceptable protocol version, want success; set version: "5"`},
		{"version refused in version 5", raw(0x20, 3, 0, 0x84, 0), "mqtt_version_refused", `another version of MQTT; set version: "5"`},
		{"client id refused", raw(0x20, 2, 0, 2), "mqtt_refused", "0x02 identifier rejected"},
		{"unavailable", raw(0x20, 2, 0, 3), "mqtt_refused", "0x03 server unavailable"},
		{"bad password", raw(0x20, 2, 0, 4), "push_credential_rejected", "0x04 bad user name or password"},
		{"not authorized", raw(0x20, 2, 0, 5), "push_credential_rejected", "0x05 not authorized"},
		{"a code that nobody knows", raw(0x20, 2, 0, 0x7f), "mqtt_refused", "0x7F"},
		{"another protocol", raw([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...), "mqtt_malformed", "want a CONNACK"},
		{"another packet", raw(0xd0, 0), "mqtt_malformed", "want a CONNACK"},
		{"200 MB announced", raw(0x20, 0x80, 0x80, 0x80, 0x64, 0), "mqtt_malformed", "want at most 65536"},
		{"silence", func(net.Conn) {}, "response_timeout", "no answer"},
		{"half an answer", raw(0x20, 2, 0), "response_timeout", "no answer"},
		{"hung up", func(c net.Conn) { _ = c.Close() }, "connection_closed", "closed before an answer"},
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }, "connection_reset", "reset"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := newFakeBroker3(t, behaviour3{connect: tc.connect})
			r := take(t, newProber(t, broker.url, func(c *mqtt.Config) { c.Version = "3.1.1" }))
			want(t, r, tc.reason, endingOf(tc.reason))
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("detail is %q, want %q in it", r.Detail, tc.detail)
			}
			if protocol := r.Evidence.Exchanges[0].Protocol; protocol != "MQTT/3.1.1" {
				t.Errorf("protocol is %q, want MQTT/3.1.1", protocol)
			}
		})
	}
}

func TestProbe3_AnswersToSubscribe(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		subscribe func(net.Conn, *old.SubscribePacket)
		reason    probe.Reason
		detail    string
	}{
		{"refused", func(c net.Conn, p *old.SubscribePacket) { grant(c, p, 0x80) }, "mqtt_subscribe_refused", "SUBSCRIBE answered 0x80"},
		{"more codes than asked for", func(c net.Conn, p *old.SubscribePacket) { grant(c, p, 0, 0) }, "mqtt_malformed", "SUBACK has 2 codes, want 1"},
		{"no code", func(c net.Conn, p *old.SubscribePacket) { grant(c, p) }, "mqtt_malformed", "SUBACK has 0 codes, want 1"},
		{"silence", func(net.Conn, *old.SubscribePacket) {}, "response_timeout", "no answer"},
		{"hung up", func(c net.Conn, _ *old.SubscribePacket) { _ = c.Close() }, "connection_closed", "connection ended before SUBACK"},
		{"answer to somebody else", func(c net.Conn, _ *old.SubscribePacket) { raw(0x90, 3, 0xff, 0xff, 0)(c) }, "response_timeout", "no answer"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := newFakeBroker3(t, behaviour3{subscribe: tc.subscribe})
			r := take(t, newProber(t, broker.url, func(c *mqtt.Config) { c.Version = "3.1.1" }))
			want(t, r, tc.reason, "unsent")
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("detail is %q, want %q in it", r.Detail, tc.detail)
			}
		})
	}
}

func TestProbe3_FateOfAMessage(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		publish  func(*fakeBroker3, net.Conn, *old.PublishPacket)
		reason   probe.Reason
		outcome  string
		findings []probe.CheckID
		detail   string
	}{
		{
			name: "accepted and dropped", publish: func(_ *fakeBroker3, c net.Conn, p *old.PublishPacket) { acknowledge3(c, p) },
			reason: "message_lost", outcome: "lost", detail: "accepted and not delivered within",
		},
		{
			name: "ignored", publish: func(*fakeBroker3, net.Conn, *old.PublishPacket) {},
			reason: "message_unsent", outcome: "unsent", detail: "no acknowledgement and no arrival after",
		},
		{
			name:    "delivered and never acknowledged",
			publish: func(b *fakeBroker3, _ net.Conn, p *old.PublishPacket) { b.forward(p.Payload, 0) },
			outcome: "delivered", findings: []probe.CheckID{"message_unacknowledged"},
		},
		{
			name: "delivered garbled",
			publish: func(b *fakeBroker3, c net.Conn, p *old.PublishPacket) {
				b.forward([]byte(strings.ToUpper(string(p.Payload[:50]))+string(p.Payload[50:])), 0)
				acknowledge3(c, p)
			},
			outcome: "corrupted", findings: []probe.CheckID{"message_corrupted"},
		},
		{
			name: "delivered in another's envelope",
			publish: func(b *fakeBroker3, c net.Conn, p *old.PublishPacket) {
				b.forward([]byte(`{"payload":"`+string(p.Payload)+`"}`), 0)
				acknowledge3(c, p)
			},
			outcome: "corrupted", findings: []probe.CheckID{"message_corrupted"},
		},
		{
			name: "only foreign and retained messages",
			publish: func(b *fakeBroker3, c net.Conn, p *old.PublishPacket) {
				b.forward([]byte("channelwatch probe NOBODYSENTTHISMESSAGE23456 NOBODYSENTTHISMESSAGE23456"), 0)
				b.forward(nil, 0)
				kept := p.Copy()
				kept.Retain = true
				b.each(func(conn net.Conn) { _ = kept.Write(conn) })
				acknowledge3(c, p)
			},
			reason: "message_lost", outcome: "lost",
		},
		{
			name: "sent again at QoS 2 before it was released: one delivery",
			publish: func(b *fakeBroker3, c net.Conn, p *old.PublishPacket) {
				b.forward(p.Payload, 2)
				b.forward(p.Payload, 2)
				acknowledge3(c, p)
			},
			outcome: "delivered",
		},
		{
			name: "delivered with a QoS that there is none of",
			publish: func(b *fakeBroker3, c net.Conn, p *old.PublishPacket) {
				b.each(raw(0x36, 5, 0, 1, 't', 0, 1))
				acknowledge3(c, p)
			},
			reason: "message_lost", outcome: "lost", detail: "the receiver was disconnected meanwhile",
		},
		{
			name: "a packet that brokers do not send",
			publish: func(b *fakeBroker3, c net.Conn, p *old.PublishPacket) {
				b.each(raw(0xc0, 0))
				acknowledge3(c, p)
			},
			reason: "message_lost", outcome: "lost", detail: "the receiver was disconnected meanwhile",
		},
		{
			name: "connections cut instead of an answer",
			publish: func(b *fakeBroker3, c net.Conn, _ *old.PublishPacket) {
				b.each(func(conn net.Conn) { _ = conn.Close() })
				_ = c.Close()
			},
			reason: "message_unsent", outcome: "unsent", detail: "publisher disconnected; the receiver was disconnected meanwhile",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := newFakeBroker3(t, behaviour3{publish: tc.publish})
			r := take(t, newProber(t, broker.url, version3))
			want(t, r, tc.reason, tc.outcome)
			wantFindings(t, r, tc.findings...)
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("detail is %q, want %q in it", r.Detail, tc.detail)
			}
		})
	}
}

func TestProbe3_NothingIsSentTwice(t *testing.T) {
	messages := make(chan string, 10)
	broker := newFakeBroker3(t, behaviour3{publish: func(_ *fakeBroker3, c net.Conn, p *old.PublishPacket) {
		messages <- string(p.Payload)
		_ = c.Close()
	}})
	p := newProber(t, broker.url, version3)
	for range 3 {
		want(t, take(t, p), "message_unsent", "unsent")
	}
	seen, got := make(map[string]bool), len(messages)
	for range got {
		seen[<-messages] = true
	}
	if got != 3 || len(seen) != 3 {
		t.Errorf("the broker got %d messages, %d of them different, want 3", got, len(seen))
	}
}
