package mqtt_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func raw(data ...byte) func(net.Conn) {
	return func(c net.Conn) { _, _ = c.Write(data) }
}

func connack(code byte, reason string) func(net.Conn) {
	return func(c net.Conn) {
		reply(c, &packets.Connack{ReasonCode: code, Properties: &packets.Properties{ReasonString: reason}})
	}
}

func TestProbe_AnswersToConnect(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		connect func(net.Conn)
		reason  probe.Reason
		detail  string
	}{
		{"server busy", connack(packets.ConnackServerBusy, "come back later"), "mqtt_refused", `0x89 server busy ("come back later")`},
		{"banned", connack(packets.ConnackBanned, ""), "mqtt_refused", "0x8A banned"},
		{"bad password", connack(packets.ConnackBadUsernameOrPassword, ""), "push_credential_rejected", "0x86 bad user name or password"},
		{"bad method", connack(packets.ConnackBadAuthenticationMethod, ""), "push_credential_rejected", "0x8C"},
		{"version 5 refused in version 5", connack(packets.ConnackUnsupportedProtocolVersion, ""), "mqtt_version_refused", `0x84 unsupported protocol version, want success; set version: "3.1.1"`},
		{"version 5 refused in version 3", raw(0x20, 2, 0, 1), "mqtt_version_refused", `another version of MQTT; set version: "3.1.1"`},
		{"another protocol", raw([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...), "mqtt_malformed", ""},
		{"another packet", raw(0xd0, 0), "mqtt_malformed", ""},
		{"200 MB announced", raw(0x20, 0x80, 0x80, 0x80, 0x64, 0), "mqtt_malformed", "want at most 65536"},
		{"length without end", raw(0x20, 0xff, 0xff, 0xff, 0xff, 0xff), "mqtt_malformed", "more than four bytes"},
		{"silence", func(net.Conn) {}, "response_timeout", "no answer"},
		{"half an answer", raw(0x20), "response_timeout", "no answer"},
		{"hung up", func(c net.Conn) { _ = c.Close() }, "connection_closed", "closed before an answer"},
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }, "connection_reset", "reset"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := newFakeBroker(t, behaviour{connect: tc.connect})
			r := take(t, newProber(t, broker.url, nil))
			want(t, r, tc.reason, endingOf(tc.reason))
			wantConnections(t, r, "CONNECT as subscriber")
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("detail is %q, want %q in it", r.Detail, tc.detail)
			}
			if opened(r) != 1 || reached(r, probe.Deliver) {
				t.Errorf("opened %d connections with phases %+v, want one and no delivery", opened(r), r.Phases)
			}
		})
	}
}

// endingOf returns how the message of a probe that could not connect ends.
func endingOf(reason probe.Reason) string {
	switch reason {
	case "mqtt_version_refused":
		return "" // not measured: no message is missing
	case "push_credential_rejected":
		return "rejected"
	}
	return "unsent"
}

func TestProbe_AnswersToSubscribe(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		subscribe func(net.Conn, *packets.Subscribe)
		reason    probe.Reason
		detail    string
	}{
		{
			"refused", func(c net.Conn, s *packets.Subscribe) {
				reply(c, &packets.Suback{
					PacketID: s.PacketID, Reasons: []byte{packets.SubackNotauthorized},
					Properties: &packets.Properties{ReasonString: "read denied"},
				})
			}, "mqtt_subscribe_refused", `0x87 not authorized ("read denied")`,
		},
		{
			"more codes than asked for", func(c net.Conn, s *packets.Subscribe) {
				reply(c, &packets.Suback{PacketID: s.PacketID, Reasons: []byte{0, 0}, Properties: &packets.Properties{}})
			}, "mqtt_malformed", "SUBACK has 2 codes, want 1",
		},
		{"silence", func(net.Conn, *packets.Subscribe) {}, "response_timeout", "no answer"},
		{
			"disconnected", func(c net.Conn, _ *packets.Subscribe) {
				reply(c, &packets.Disconnect{ReasonCode: packets.DisconnectAdministrativeAction, Properties: &packets.Properties{}})
				_ = c.Close()
			}, "connection_closed", "0x98 administrative action",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := newFakeBroker(t, behaviour{subscribe: tc.subscribe})
			r := take(t, newProber(t, broker.url, nil))
			want(t, r, tc.reason, "unsent")
			if !strings.Contains(r.Detail, tc.detail) {
				t.Errorf("detail is %q, want %q in it", r.Detail, tc.detail)
			}
		})
	}
}

func TestProbe_NoWayToTheBroker(t *testing.T) {
	cases := []struct {
		name   string
		url    string
		reason probe.Reason
	}{
		{"nothing listens", "mqtt://127.0.0.1:1", "connect_refused"},
		{"nothing listens, by name", "mqtt://localhost:1", "connect_refused"},
		{"no such name", "mqtt://broker.invalid", "dns_not_found"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := take(t, newProber(t, tc.url, nil))
			if tc.reason == "dns_not_found" && (r.Reason == "dns_failed" || r.Reason == "dns_timeout") {
				tc.reason = r.Reason // a machine without a resolver
			}
			want(t, r, tc.reason, "unsent")
		})
	}
}

func TestProbe_ReceiverIsSubscribedBeforeASend(t *testing.T) {
	published := make(chan bool, 10)
	broker := newFakeBroker(t, behaviour{
		subscribe: func(net.Conn, *packets.Subscribe) {},
		publish:   func(*fakeBroker, net.Conn, *packets.Publish) { published <- true },
	})
	want(t, take(t, newProber(t, broker.url, nil)), "response_timeout", "unsent")
	if len(published) > 0 {
		t.Error("a message was published before the subscription was confirmed")
	}
}

func TestProbe_ShortContextKeepsTimeToConnect(t *testing.T) {
	broker := startMosquitto(t)
	p := newProber(t, "mqtt://"+broker.address(), func(c *mqtt.Config) { c.Window = timeout - time.Millisecond })
	want(t, take(t, p), "", "delivered")
}

// TestProbe_MisbehavingServices points the kind at every service of the shared table that misbehaves before anybody
// speaks MQTT.
func TestProbe_MisbehavingServices(t *testing.T) {
	for _, fault := range probetest.Faults() {
		early := strings.HasPrefix(string(fault.Want), "tls_") || strings.HasPrefix(string(fault.Want), "connect_")
		if !early || fault.Want == probe.TLSALPN || strings.HasPrefix(fault.Name, "redirect") || strings.HasSuffix(fault.Name, "of a name") {
			continue // later than the connection, about what HTTP alone negotiates, or served by a resolver of its own
		}
		t.Run(fault.Name, func(t *testing.T) {
			target := fault.Start(t)
			if target.Resolver != "" {
				t.Fatalf("the name is served by %s, a resolver that the kind cannot be told", target.Resolver)
			}
			r := take(t, newProber(t, strings.TrimSuffix(strings.Replace(target.URL, "http", "mqtt", 1), "/"), func(c *mqtt.Config) {
				c.TLS.CAFile = target.CAFile
			}))
			want(t, r, fault.Want, "unsent")
		})
	}
}
