package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// authority issues certificates into files.
type authority struct {
	dir    string
	caFile string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newAuthority(tb testing.TB, name string) *authority {
	tb.Helper()
	a := &authority{dir: tb.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(tb)
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	a.caFile = filepath.Join(a.dir, "ca.pem")
	writePEM(tb, a.caFile, "CERTIFICATE", der)
	return a
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func writePEM(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	writeFile(tb, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// issue returns certificate and key files for the brokers of this process and name, valid between the two times.
func (a *authority) issue(tb testing.TB, name string, from, until time.Time) (certFile, keyFile string) {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		DNSNames: []string{name}, IPAddresses: []net.IP{net.ParseIP(loopback())},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key := newKey(tb)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(tb, certFile, "CERTIFICATE", der)
	writePEM(tb, keyFile, "PRIVATE KEY", keyDER)
	return certFile, keyFile
}

func TestProbe_TLS(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca, stranger := newAuthority(t, "Test CA"), newAuthority(t, "Another CA")
	options := func(from, until time.Time, more ...string) []string {
		cert, key := ca.issue(t, "push.example.com", from, until)
		return append([]string{"certfile " + cert, "keyfile " + key}, more...)
	}
	valid := startMosquitto(t, options(now.Add(-time.Hour), now.Add(10*time.Hour))...)
	expired := startMosquitto(t, options(now.Add(-2*time.Hour), now.Add(-time.Hour))...)
	future := startMosquitto(t, options(now.Add(time.Hour), now.Add(2*time.Hour))...)
	ending := startMosquitto(t, options(now.Add(-20*time.Hour), now.Add(time.Hour))...)
	mutual := startMosquitto(t, options(now.Add(-time.Hour), now.Add(10*time.Hour),
		"cafile "+ca.caFile, "require_certificate true")...)
	plain := startMosquitto(t)
	clientCert, clientKey := ca.issue(t, "client", now.Add(-time.Hour), now.Add(time.Hour))

	cases := []struct {
		name     string
		broker   *mosquitto
		change   func(*mqtt.Config)
		reason   probe.Reason
		detail   string // its end; the same words as of a page
		findings []probe.CheckID
		chain    bool
	}{
		{name: "trusted", broker: valid, chain: true},
		{name: "trusted, by name", broker: valid, change: func(c *mqtt.Config) { c.TLS.ServerName = "push.example.com" }, chain: true},
		{name: "unknown authority", broker: valid, change: func(c *mqtt.Config) { c.TLS.CAFile = stranger.caFile }, reason: "tls_incomplete_chain", detail: "server sent the certificate of CN=push.example.com without that of its issuer CN=Test CA", chain: true},
		{name: "system's authorities", broker: valid, change: func(c *mqtt.Config) { c.TLS.CAFile = "" }, reason: "tls_incomplete_chain", detail: "server sent the certificate of CN=push.example.com without that of its issuer CN=Test CA", chain: true},
		{name: "wrong name", broker: valid, change: func(c *mqtt.Config) { c.TLS.ServerName = "shop.example.com" }, reason: "tls_wrong_host", detail: "x509: certificate is valid for push.example.com, not shop.example.com", chain: true},
		{name: "expired", broker: expired, reason: "tls_expired", detail: "certificate of CN=push.example.com expired at " + now.Add(-time.Hour).UTC().Format(time.RFC3339), chain: true},
		{name: "not yet valid", broker: future, reason: "tls_not_yet_valid", detail: "certificate of CN=push.example.com is valid from " + now.Add(time.Hour).UTC().Format(time.RFC3339), chain: true},
		{name: "ends soon", broker: ending, findings: []probe.CheckID{"certificate_overdue"}, chain: true},
		{name: "no TLS", broker: plain, reason: "tls_handshake", detail: "during the TLS handshake"},
		{name: "client certificate", broker: mutual, change: func(c *mqtt.Config) {
			c.TLS.CertFile, c.TLS.KeyFile = clientCert, clientKey
		}, chain: true},
	}
	for version, speak := range versions() {
		for _, tc := range cases {
			t.Run(version+", "+tc.name, func(t *testing.T) {
				t.Parallel()
				p := newProber(t, "mqtts://"+tc.broker.address(), func(c *mqtt.Config) {
					speak(c)
					c.TLS.CAFile = ca.caFile
					if tc.change != nil {
						tc.change(c)
					}
				})
				// The second result comes over the connections of the first and knows the certificate still.
				for range 2 {
					r := take(t, p)
					ending := "unsent"
					if tc.reason == "" {
						ending = "delivered"
					}
					want(t, r, tc.reason, ending)
					wantFindings(t, r, tc.findings...)
					facts := r.Evidence.Exchanges[0].TLS
					if !strings.HasSuffix(r.Detail, tc.detail) || tc.chain && facts.VerifyError != tc.detail {
						t.Errorf("detail is %q, evidence %+v, want %q in both", r.Detail, facts, tc.detail)
					}
					if got := facts != nil && len(facts.Chain) > 0; got != tc.chain {
						t.Errorf("the certificate chain is in the evidence: %v, want %v", got, tc.chain)
					}
				}
			})
		}
	}
}

func TestProbe_ClientCertificateMissing(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Test CA")
	cert, key := ca.issue(t, "push.example.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	broker := startMosquitto(t, "certfile "+cert, "keyfile "+key, "cafile "+ca.caFile, "require_certificate true")
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := take(t, newProber(t, "mqtts://"+broker.address(), both(speak, func(c *mqtt.Config) { c.TLS.CAFile = ca.caFile })))
			want(t, r, "tls_handshake", "unsent")
		})
	}
}
