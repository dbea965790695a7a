package mqtt_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

const password = "planted-password-5tN1"

// withPassword logs in with a password from a file of its own.
func withPassword(t *testing.T, value string) func(*mqtt.Config) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	writeFile(t, path, value+"\n")
	return func(c *mqtt.Config) { c.Username, c.Password = "shop", probe.Secret{File: path} }
}

func TestProbe_Password(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := startMosquitto(t, "allow_anonymous false", passwordFile(t, "shop", password))
			url := "mqtt://" + broker.address()

			right := take(t, newProber(t, url, both(speak, withPassword(t, password))))
			want(t, right, "", "delivered")
			wantValue(t, right, "push_credential_ok", "", 1)

			p := newProber(t, url, both(speak, withPassword(t, "wrong-"+password)))
			wrong := take(t, p)
			want(t, wrong, "push_credential_rejected", "rejected")
			wantValue(t, wrong, "push_credential_ok", "", 0)
			wantValue(t, wrong, "push_provider_responses_total", "credential_rejected", 1)
			wantValue(t, wrong, "push_receiver_up", "", 0)

			none := take(t, newProber(t, url, speak))
			want(t, none, "push_credential_rejected", "rejected")
			if _, known := measured(none, "push_credential_ok", ""); known {
				t.Error("there is a verdict on a credential, although none was shown")
			}
			if text := everything(t, wrong); strings.Contains(text, password) {
				t.Errorf("the password is in the result: %s", text)
			}
		})
	}
}

// A second wrong password every half minute locks accounts.
func TestProbe_RejectedNameIsNotTriedAgainSoon(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*mqtt.Config)
		want   int // logins of three probes
	}{
		{"with a name", withPassword(t, password), 1},
		{"without one there is no account", nil, 3},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			logins := make(chan bool, 10)
			broker := newFakeBroker(t, behaviour{connect: func(c net.Conn) {
				logins <- true
				connack(packets.ConnackBadUsernameOrPassword, "")(c)
			}})
			p := newProber(t, broker.url, tc.change)
			first := take(t, p)
			want(t, first, "push_credential_rejected", "rejected")
			for range 2 {
				next := take(t, p)
				if next.Reason != first.Reason {
					t.Errorf("got reason %q (%s), want that of the first refusal", next.Reason, next.Detail)
				}
				if _, withheld := measured(next, "push_skipped_total", "credential"); withheld != (tc.want == 1) {
					t.Errorf("the login was withheld: %v (%s), want %v", withheld, next.Detail, tc.want == 1)
				}
				if tc.want == 1 && (!strings.Contains(next.Detail, "0x86 bad user name or password") || !strings.Contains(next.Detail, "next try in 20m0s")) {
					t.Errorf("detail is %q, want the broker's reason and when the next try is", next.Detail)
				}
			}
			if got := len(logins); got != tc.want {
				t.Errorf("the broker saw %d logins, want %d", got, tc.want)
			}
		})
	}
}

// What is shown in place of a name has an end, which is known before it comes.
func TestProbe_ClientCertificateEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := newAuthority(t, "Test CA")
	serverEnds, clientEnds := now.Add(10*time.Hour), now.Add(5*time.Hour)
	cert, key := ca.issue(t, "push.example.com", now.Add(-time.Hour), serverEnds)
	broker := startMosquitto(t, "certfile "+cert, "keyfile "+key, "cafile "+ca.caFile, "require_certificate true")
	ownCert, ownKey := ca.issue(t, "client", now.Add(-time.Hour), clientEnds)
	p := newProber(t, "mqtts://"+broker.address(), func(c *mqtt.Config) {
		c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile = ca.caFile, ownCert, ownKey
	})
	for range 2 {
		r := take(t, p)
		want(t, r, "", "delivered")
		wantFindings(t, r)
		wantValue(t, r, "push_credential_ok", "", 1)
		wantValue(t, r, "push_credential_expiry_timestamp_seconds", "tls_client", float64(clientEnds.Unix()))
		wantValue(t, r, "push_credential_expiry_timestamp_seconds", "tls_server", float64(serverEnds.Unix()))
	}

	oldCert, oldKey := ca.issue(t, "client", now.Add(-9*time.Hour), now.Add(time.Hour))
	r := take(t, newProber(t, "mqtts://"+broker.address(), func(c *mqtt.Config) {
		c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile = ca.caFile, oldCert, oldKey
	}))
	want(t, r, "", "delivered")
	wantFindings(t, r, "push_credential_ending")
}
