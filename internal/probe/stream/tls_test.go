package stream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// secured starts the hub anew over TLS, with HTTP/2 on offer, and returns the file with its certificate.
func secured(t *testing.T, h *hub) string {
	t.Helper()
	h.Close()
	server := httptest.NewUnstartedServer(h.Config.Handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	h.Server = server
	t.Cleanup(func() { h.cut(); server.Close() })
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestProbe_TLS holds its stream over HTTP/1.1, publishes over HTTP/2 where it can, and knows the certificates of both
// ends, also of a stream that an earlier probe opened.
func TestProbe_TLS(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*stream.Config, *hub){
		"http":      func(*stream.Config, *hub) {},
		"websocket": func(c *stream.Config, h *hub) { c.URL, c.ReceiveURL = wsURL(h, "/in"), wsURL(h, "/ws") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			file := secured(t, h)
			p := newProber(t, h, func(c *stream.Config) { c.TLS.CAFile = file; change(c, h) })
			for range 2 {
				r := take(t, p)
				want(t, r, "", "delivered")
				if got := value(r, probe.CertificateNotAfter); got != float64(h.Certificate().NotAfter.Unix()) {
					t.Errorf("got the end %v of a certificate, want %v", got, h.Certificate().NotAfter)
				}
				for i, protocol := range map[string][]string{"http": {"HTTP/1.1", "HTTP/2"}, "websocket": {"HTTP/1.1", "HTTP/1.1"}}[name] {
					if got := r.Evidence.Exchanges[i]; got.Protocol != protocol || got.TLS == nil {
						t.Errorf("exchange %d is over %q with %v, want %s and TLS", i, got.Protocol, got.TLS, protocol)
					}
				}
			}
			stranger := newProber(t, h, func(c *stream.Config) { change(c, h) })
			r := take(t, stranger)
			if !strings.HasPrefix(string(r.Reason), "tls_") || outcome(r) != "unsent" {
				t.Errorf("got reason %q, outcome %q, want that the certificate is not trusted, and unsent", r.Reason, outcome(r))
			}
		})
	}
}

// What is shown in place of a name has an end, which is known before it comes.
func TestProbe_ClientCertificateEnds(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	ca := secured(t, h)
	now := time.Now()
	for name, c := range map[string]struct {
		begun    time.Time
		findings []probe.CheckID
	}{
		"young": {now.Add(-time.Hour), nil},
		"old":   {now.Add(-9 * time.Hour), []probe.CheckID{"push_credential_ending"}},
	} {
		cert, key := clientCertificate(t, c.begun, now.Add(time.Hour))
		p := newProber(t, h, func(config *stream.Config) {
			config.TLS.CAFile, config.TLS.CertFile, config.TLS.KeyFile = ca, cert, key
		})
		r := take(t, p)
		want(t, r, "", "delivered", c.findings...)
		if got := value(r, "push_credential_expiry_timestamp_seconds"); got != float64(now.Add(time.Hour).Unix()) {
			t.Errorf("%s: the certificate ends at %v, want in an hour", name, got)
		}
		if got := value(r, "push_credential_ok"); got != 1 {
			t.Errorf("%s: the verdict on the certificate is %v, want 1", name, got)
		}
	}
}

// clientCertificate returns the files of a certificate and its key.
func clientCertificate(t *testing.T, from, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), "file.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("CERTIFICATE", cert), write("PRIVATE KEY", private)
}
