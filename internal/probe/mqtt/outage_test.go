package mqtt_test

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

const password = "planted-password-5tN1"

// withPassword reads the password from the environment variable that the test has set.
func withPassword(t *testing.T, user, value string) func(*mqtt.Config) {
	t.Helper()
	t.Setenv("CHANNELWATCH_TEST_PASSWORD", value)
	return func(c *mqtt.Config) {
		c.Username, c.Password = user, probe.Secret{Env: "CHANNELWATCH_TEST_PASSWORD"}
	}
}

func TestProbe_Password(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous false", passwordFile(t, "shop", password))
	url := "mqtt://" + broker.address()

	want(t, take(t, newProber(t, url, withPassword(t, "shop", password))), "", "delivered")

	wrong := take(t, newProber(t, url, withPassword(t, "shop", "wrong-"+password)))
	want(t, wrong, "mqtt_not_authorized", "unsent")

	none := take(t, newProber(t, url, nil))
	want(t, none, "mqtt_not_authorized", "unsent")

	if strings.Contains(everything(t, wrong), password) {
		t.Errorf("the password is in the result: %s", everything(t, wrong))
	}
}

func TestProbe_NoBrokerRepeatsThePassword(t *testing.T) {
	for name, said := range map[string]string{
		"as it is":        "no user with password " + password,
		"escaped":         "no user with password %70" + password[1:],
		"cut by a broker": "no user with password " + password[:len(password)-2],
		"at our cut":      strings.Repeat("x", 190) + password,
	} {
		broker := newFakeBroker(t, behaviour{connect: connack(packets.ConnackNotAuthorized, said)})
		r := take(t, newProber(t, broker.url, withPassword(t, "shop", password)))
		want(t, r, "mqtt_not_authorized", "unsent")
		if text := everything(t, r); strings.Contains(text, password[1:8]) || !strings.Contains(text, "[reda") {
			t.Errorf("%s: got %s, want the password redacted", name, text)
		}
	}
}

// A broker that denies is believed about nothing but the arrival.
func TestProbe_AccessList(t *testing.T) {
	cases := []struct {
		name    string
		rule    string
		qos     int
		reason  probe.Reason
		outcome string
	}{
		{"may do both", "topic readwrite " + topic, 1, "", "delivered"},
		{"may not publish, QoS 1", "topic read " + topic, 1, "publish_rejected", "rejected"},
		{"may not publish, QoS 2", "topic read " + topic, 2, "publish_rejected", "rejected"},
		{"may not publish, QoS 0: silence", "topic read " + topic, 0, "message_lost", "lost"},
		{"may not subscribe: granted, then silence", "topic write " + topic, 1, "message_lost", "lost"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			broker := startMosquitto(t, aclFile(t, tc.rule))
			r := take(t, newProber(t, "mqtt://"+broker.address(), func(c *mqtt.Config) {
				c.QoS, c.Window = tc.qos, 300*time.Millisecond
			}))
			want(t, r, tc.reason, tc.outcome)
			if tc.outcome == "rejected" && !strings.Contains(r.Detail, "0x87 not authorized") {
				t.Errorf("detail is %q, want the broker's reason in it", r.Detail)
			}
		})
	}
}

func TestProbe_KilledAndRestarted(t *testing.T) {
	broker := startMosquitto(t)
	p := newProber(t, "mqtt://"+broker.address(), nil)
	want(t, take(t, p), "", "delivered")

	broker.kill(t)
	// A probe right behind the crash can find the connections still open, and then loses them with its message.
	if first := take(t, p); first.Reason != "connect_refused" && first.Reason != "message_unsent" || outcome(first) != "unsent" {
		t.Errorf("got reason %q, outcome %q (%s), want an unsent message", first.Reason, outcome(first), first.Detail)
	}
	want(t, take(t, p), "connect_refused", "unsent")

	if !broker.start(t) {
		t.Fatal("the broker does not come back")
	}
	back := take(t, p)
	want(t, back, "", "delivered")
	if got := opened(back); got != 2 {
		t.Errorf("the probe after the restart opened %d connections, want 2", got)
	}
}

func TestProbe_RestartedBetweenProbes(t *testing.T) {
	broker := startMosquitto(t)
	p := newProber(t, "mqtt://"+broker.address(), nil)
	want(t, take(t, p), "", "delivered")

	broker.kill(t)
	if !broker.start(t) {
		t.Fatal("the broker does not come back")
	}
	wantDisconnected(t, p)
}

func TestProbe_Frozen(t *testing.T) {
	broker := startMosquitto(t)
	p := newProber(t, "mqtt://"+broker.address(), nil)
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
}

func TestProbe_RetainedMessage(t *testing.T) {
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
	p := newProber(t, "mqtt://"+broker.address(), nil)
	for range 3 {
		r := take(t, p)
		want(t, r, "", "delivered")
		wantFindings(t, r)
		keep(false)
	}
}

func TestProbe_TakenOver(t *testing.T) {
	broker := startMosquitto(t)
	same := func(c *mqtt.Config) { c.ClientID = "same" }
	first := newProber(t, "mqtt://"+broker.address(), same)
	second := newProber(t, "mqtt://"+broker.address(), same)
	want(t, take(t, first), "", "delivered")
	want(t, take(t, second), "", "delivered")

	wantDisconnected(t, first)
}

// wantDisconnected checks what follows when both held connections were cut: a probe that comes so soon that it still
// finds them open loses its message with them; otherwise it says that they were cut. Then all is well again.
func wantDisconnected(t *testing.T, p probe.Prober) {
	t.Helper()
	back := take(t, p)
	cut := back.Find("mqtt_disconnected") != nil
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
