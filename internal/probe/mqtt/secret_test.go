package mqtt_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// A broker can say the password wherever it has a word. It is in no result, however it is spelled or cut.
func TestProbe_NoBrokerRepeatsThePassword(t *testing.T) {
	t.Parallel()
	spellings := map[string]string{
		"as it is":        "no user with password " + password,
		"escaped":         "no user with password %70" + password[1:],
		"cut by a broker": "no user with password " + password[:len(password)-2],
		"at our cut":      strings.Repeat("x", 80) + password,
	}
	say := func(said string) *packets.Properties { return &packets.Properties{ReasonString: said} }
	places := map[string]func(said string) behaviour{
		"CONNACK":              func(said string) behaviour { return behaviour{connect: connack(packets.ConnackServerBusy, said)} },
		"CONNACK of the login": func(said string) behaviour { return behaviour{connect: connack(packets.ConnackNotAuthorized, said)} },
		"SUBACK": func(said string) behaviour {
			return behaviour{subscribe: func(c net.Conn, s *packets.Subscribe) {
				reply(c, &packets.Suback{PacketID: s.PacketID, Reasons: []byte{packets.SubackNotauthorized}, Properties: say(said)})
			}}
		},
		"PUBACK": func(said string) behaviour {
			return behaviour{publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
				acknowledge(c, p, packets.PubackNotAuthorized, said)
			}}
		},
		"PUBACK of a lost message": func(said string) behaviour {
			return behaviour{publish: func(_ *fakeBroker, c net.Conn, p *packets.Publish) {
				acknowledge(c, p, packets.PubackNoMatchingSubscribers, said)
			}}
		},
		"DISCONNECT": func(said string) behaviour {
			return behaviour{publish: func(_ *fakeBroker, c net.Conn, _ *packets.Publish) {
				reply(c, &packets.Disconnect{ReasonCode: packets.DisconnectNotAuthorized, Properties: say(said)})
			}}
		},
	}
	for place, does := range places {
		for spelling, said := range spellings {
			t.Run(place+", "+spelling, func(t *testing.T) {
				t.Parallel()
				broker := newFakeBroker(t, does(said))
				p := newProber(t, broker.url, both(withPassword(t, password), func(c *mqtt.Config) { c.Window = 100 * time.Millisecond }))
				for range 2 { // the second may be withheld, with the reason of the first
					text := ""
					// On a busy machine the broker's word can come when the window is over.
					eventually(t, 10*time.Second, func() bool {
						text = everything(t, take(t, p))
						return strings.Contains(text, password[1:8]) || strings.Contains(text, "[reda")
					})
					if strings.Contains(text, password[1:8]) || !strings.Contains(text, "[reda") {
						t.Errorf("got %s, want the password redacted", text)
					}
				}
			})
		}
	}
}

// Whatever fails, the password is neither in the result nor in the error.
func TestProbe_NoFailureShowsThePassword(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Test CA")
	cert, key := ca.issue(t, "push.example.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	secure := startMosquitto(t, "certfile "+cert, "keyfile "+key)
	failures := map[string]string{
		"nothing listens":   "mqtt://127.0.0.1:1",
		"no such name":      "mqtt://broker.invalid",
		"silence":           newFakeBroker(t, behaviour{connect: func(net.Conn) {}}).url,
		"hung up":           newFakeBroker(t, behaviour{connect: func(c net.Conn) { _ = c.Close() }}).url,
		"echo":              "mqtt://" + serve(t, func(c net.Conn) { echo(c) }),
		"unknown authority": "mqtts://" + secure.address(),
		"no TLS":            strings.Replace(newFakeBroker(t, behaviour{}).url, "mqtt:", "mqtts:", 1),
		"ignored":           newFakeBroker(t, behaviour{publish: ignore}).url,
		"wrong password":    "mqtt://" + startMosquitto(t, "allow_anonymous false", passwordFile(t, "shop", "another-one")).address(),
	}
	for version, speak := range versions() {
		for name, url := range failures {
			t.Run(version+", "+name, func(t *testing.T) {
				t.Parallel()
				p := newProber(t, url, both(both(speak, withPassword(t, password)), func(c *mqtt.Config) { c.Window = time.Second }))
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				r, err := p.Probe(ctx)
				if err != nil || r.Reason == "" {
					t.Errorf("got error %v and reason %q, want a reason", err, r.Reason)
				}
				if text := everything(t, r); strings.Contains(text, password) {
					t.Errorf("the password is in the result: %s", text)
				}
				over, end := context.WithCancel(t.Context())
				end()
				if _, err = p.Probe(over); err == nil || strings.Contains(err.Error(), password) {
					t.Errorf("got error %v, want one without the password", err)
				}
			})
		}
	}
}

// echo sends back what comes.
func echo(conn net.Conn) {
	buffer := make([]byte, 1024)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		_, _ = conn.Write(buffer[:n])
	}
}

// A file with a secret is named when it cannot be used; its content is not.
func TestBuild_NoMistakeShowsASecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	writeFile(t, secret, password)
	open := filepath.Join(dir, "open")
	writeFile(t, open, password)
	if err := os.Chmod(open, 0o604); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*mqtt.Config){
		"everybody can read it": func(c *mqtt.Config) { c.Password.File = open },
		"as a key":              func(c *mqtt.Config) { c.URL, c.TLS.CertFile, c.TLS.KeyFile = "mqtts://a", secret, secret },
		"as an authority":       func(c *mqtt.Config) { c.URL, c.TLS.CAFile = "mqtts://a", secret },
		"in the URL":            func(c *mqtt.Config) { c.URL = "mqtt://shop:" + password + "@a" },
		"in a broken URL":       func(c *mqtt.Config) { c.URL = "mqtt://shop:" + password + "@[" },
		"beside a mistake":      func(c *mqtt.Config) { c.Password.File, c.Topic = secret, "#" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := valid()
			change(config)
			if _, err := mqtt.Kind().Build(config, probe.Setup{Timeout: 10 * time.Second}); err == nil || strings.Contains(err.Error(), password) {
				t.Errorf("got %v, want an error without the password", err)
			}
		})
	}
}
