package mqtt_test

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// A broker that denies is believed about nothing but the arrival. In version 3.1.1 it cannot even say that it denies.
func TestProbe_AccessList(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		version string
		rule    string
		qos     int
		reason  probe.Reason
		outcome string
	}{
		{"may do both", "5", "topic readwrite " + topic, 1, "", "delivered"},
		{"may not publish, QoS 1", "5", "topic read " + topic, 1, "message_rejected", "rejected"},
		{"may not publish, QoS 2", "5", "topic read " + topic, 2, "message_rejected", "rejected"},
		{"may not publish, QoS 0: silence", "5", "topic read " + topic, 0, "message_lost", "lost"},
		{"may not subscribe: granted, then silence", "5", "topic write " + topic, 1, "message_lost", "lost"},
		{"3.1.1, may do both", "3.1.1", "topic readwrite " + topic, 1, "", "delivered"},
		{"3.1.1, may not publish, QoS 0", "3.1.1", "topic read " + topic, 0, "message_lost", "lost"},
		{"3.1.1, may not publish, QoS 1: acknowledged", "3.1.1", "topic read " + topic, 1, "message_lost", "lost"},
		{"3.1.1, may not publish, QoS 2: acknowledged", "3.1.1", "topic read " + topic, 2, "message_lost", "lost"},
		{"3.1.1, may not subscribe: granted, then silence", "3.1.1", "topic write " + topic, 1, "message_lost", "lost"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t, aclFile(t, tc.rule))
			r := take(t, newProber(t, "mqtt://"+broker.address(), func(c *mqtt.Config) {
				c.Version, c.QoS, c.Window = tc.version, tc.qos, time.Second
			}))
			want(t, r, tc.reason, tc.outcome)
			if tc.outcome == "rejected" && !strings.Contains(r.Detail, "0x87 not authorized") {
				t.Errorf("detail is %q, want the broker's reason in it", r.Detail)
			}
			said := "accepted"
			if tc.qos == 0 {
				said = "sent" // nobody accepted it
			}
			if tc.outcome == "lost" && !strings.HasPrefix(r.Detail, said+" and not delivered") {
				t.Errorf("detail is %q, want it to begin with %q", r.Detail, said)
			}
		})
	}
}

// What is larger than a broker takes is refused where the version has words for it.
func TestProbe_Oversize(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		version string
		limit   string
		reason  probe.Reason
		outcome string
		detail  string
	}{
		{"message", "5", "message_size_limit 20", "message_rejected", "rejected", "0x95 packet too large"},
		{"packet", "5", "max_packet_size 110", "message_unsent", "unsent", "publisher disconnected, broker said 0x95 packet too large"},
		{"3.1.1, message: acknowledged", "3.1.1", "message_size_limit 20", "message_lost", "lost", "accepted and not delivered"},
		{"3.1.1, packet", "3.1.1", "max_packet_size 90", "message_unsent", "unsent", "publisher disconnected"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t, tc.limit)
			p := newProber(t, "mqtt://"+broker.address(), func(c *mqtt.Config) {
				c.Version, c.Window = tc.version, time.Second
			})
			detail := ""
			// A ping that meets the closed connection can overtake the broker's last word.
			for range 5 {
				r := take(t, p)
				want(t, r, tc.reason, tc.outcome)
				if detail = r.Detail; strings.Contains(detail, tc.detail) {
					return
				}
			}
			t.Errorf("detail is %q, want %q in it", detail, tc.detail)
		})
	}
}

func TestProbe_KilledAndRestarted(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t)
			p := newProber(t, "mqtt://"+broker.address(), speak)
			want(t, take(t, p), "", "delivered")

			broker.kill(t)
			// A probe right behind the crash can find the connections still open, and then loses them with its message.
			if first := take(t, p); first.Reason != "connect_refused" && first.Reason != "message_unsent" || outcome(first) != "unsent" {
				t.Errorf("got reason %q, outcome %q (%s), want an unsent message", first.Reason, outcome(first), first.Detail)
			}
			// The outage is seen by every probe as long as it lasts: nothing is kept to be sent when the broker is back. On a busy
			// machine the end of the receiver's connection is read some probes after that of the sender's.
			ends := time.Now().Add(10 * time.Second)
			for left := 20; left > 0; {
				down := take(t, p)
				want(t, down, "connect_refused", "unsent")
				switch up := value(down, "push_receiver_up", "") != 0; {
				case up && time.Now().After(ends):
					t.Fatal("the receiver is up while nothing listens")
				case !up:
					left--
				}
			}

			if !broker.start(t) {
				t.Fatal("the broker does not come back")
			}
			back := take(t, p)
			want(t, back, "", "delivered")
			if got := opened(back); got != 2 {
				t.Errorf("the probe after the restart opened %d connections, want 2", got)
			}
			if up, again := value(back, "push_receiver_up", ""), value(back, "push_receiver_reconnects_total", ""); up != 1 || again != 1 {
				t.Errorf("receiver is up: %v, connected again: %v, want 1 and 1", up, again)
			}
		})
	}
}

// A restart between two probes loses no message, whether the broker keeps sessions or not: the probe has none to keep.
func TestProbe_RestartedBetweenProbes(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			for name, options := range map[string][]string{
				"without persistence": nil,
				"with persistence":    {"persistence true", "autosave_on_changes true", "autosave_interval 1"},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					if options != nil {
						options = append(options, "persistence_location "+t.TempDir()+string(filepath.Separator))
					}
					broker := startMosquitto(t, options...)
					p := newProber(t, "mqtt://"+broker.address(), speak)
					want(t, take(t, p), "", "delivered")

					broker.kill(t)
					if !broker.start(t) {
						t.Fatal("the broker does not come back")
					}
					wantDisconnected(t, p)
				})
			}
		})
	}
}

func TestProbe_Frozen(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t)
			p := newProber(t, "mqtt://"+broker.address(), speak)
			want(t, take(t, p), "", "delivered")

			broker.signal(t, syscall.SIGSTOP)
			hung := take(t, p)
			want(t, hung, "message_unsent", "unsent")
			if hung.Duration < window {
				t.Errorf("waited %v for the message, want the window of %v", hung.Duration, window)
			}
			// The connections are given up. The kernel still accepts new ones, the broker does not answer on them.
			want(t, take(t, p), "response_timeout", "unsent")

			broker.signal(t, syscall.SIGCONT)
			want(t, take(t, p), "", "delivered")
		})
	}
}

// At QoS 0 a message that never left the machine's buffers looks sent: both connections are opened anew after a loss.
func TestProbe_FrozenAtQoS0(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t)
			p := newProber(t, "mqtt://"+broker.address(), both(speak, func(c *mqtt.Config) { c.QoS, c.Window = 0, time.Second }))
			want(t, take(t, p), "", "delivered")
			broker.signal(t, syscall.SIGSTOP)
			want(t, take(t, p), "message_lost", "lost")
			broker.signal(t, syscall.SIGCONT)
			back := take(t, p)
			want(t, back, "", "delivered")
			if got := opened(back); got != 2 {
				t.Errorf("the probe after the loss opened %d connections, want 2", got)
			}
		})
	}
}

func TestProbe_RetainedMessage(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t)
			conn, err := net.Dial("tcp", broker.address())
			if err != nil {
				t.Fatal(err)
			}
			other := paho.NewClient(paho.ClientConfig{Conn: conn})
			if _, err := other.Connect(t.Context(), &paho.Connect{ClientID: "other", CleanStart: true}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = other.Disconnect(&paho.Disconnect{}) }()
			keep := func(retain bool) {
				if _, err := other.Publish(t.Context(), &paho.Publish{Topic: topic, QoS: 1, Retain: retain, Payload: []byte("old news")}); err != nil {
					t.Fatal(err)
				}
			}
			keep(true)
			p := newProber(t, "mqtt://"+broker.address(), speak)
			for range 3 {
				r := take(t, p)
				want(t, r, "", "delivered")
				wantFindings(t, r)
				keep(false)
			}
		})
	}
}

func TestProbe_TakenOver(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t)
			same := both(speak, func(c *mqtt.Config) { c.ClientID = "same" })
			first := newProber(t, "mqtt://"+broker.address(), same)
			second := newProber(t, "mqtt://"+broker.address(), same)
			want(t, take(t, first), "", "delivered")
			want(t, take(t, second), "", "delivered")

			wantDisconnected(t, first)
		})
	}
}

// wantDisconnected checks what follows when both held connections were cut: a probe that comes so soon that it still
// finds them open loses its message with them; otherwise it says that they were cut. Then all is well again.
func wantDisconnected(t *testing.T, p probe.Prober) {
	t.Helper()
	back := take(t, p)
	cut := back.Find("receiver_disconnected") != nil
	missed := back.Reason == "message_lost" || back.Reason == "message_unsent"
	if !cut && !missed {
		t.Errorf("got reason %q (%s) and findings %v, want the cut connections noticed", back.Reason, back.Detail, back.Findings)
	}
	// After a missed message the publisher's connection may still have to be noticed.
	for range 2 {
		back = take(t, p)
	}
	want(t, back, "", "delivered")
	wantFindings(t, back)
}
