package page_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// issue makes a self-signed certificate for 127.0.0.1 and writes it to a file.
func issue(t *testing.T, notBefore, notAfter time.Time) (cert tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotBefore: notBefore, NotAfter: notAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, caFile
}

func TestProbe_Certificates(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Now().Truncate(time.Second)
	tests := []struct {
		name                string
		notBefore, notAfter time.Time
		trusted             bool
		reason              probe.Reason
		findings            []probe.CheckID
	}{
		{"fresh", now.Add(-day), now.Add(9 * day), true, "", nil},
		{"due for renewal", now.Add(-75 * day), now.Add(25 * day), true, "", []probe.CheckID{probe.CertificateExpiring}},
		{"overdue", now.Add(-90 * day), now.Add(10 * day), true, "", []probe.CheckID{probe.CertificateOverdue}},
		{"expired", now.Add(-90 * day), now.Add(-day), true, probe.TLSExpired, nil},
		{"not trusted", now.Add(-day), now.Add(9 * day), false, probe.TLSUntrusted, nil},
		{"not trusted and overdue", now.Add(-90 * day), now.Add(10 * day), false, probe.TLSUntrusted, []probe.CheckID{probe.CertificateOverdue}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cert, ca := issue(t, tt.notBefore, tt.notAfter)
			server := httptest.NewUnstartedServer(html("hello"))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up on a bad certificate are expected
			server.StartTLS()
			defer server.Close()
			result := run(t, config(probe.DesktopWeb, server.URL, func(c *page.Config) {
				if tt.trusted {
					c.TLS.CAFile = ca
				}
			}))
			if result.Reason != tt.reason {
				t.Errorf("got reason %q, want %q: %s", result.Reason, tt.reason, result.Detail)
			}
			if diff := cmp.Diff(tt.findings, checkIDs(result.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			dates := make(map[string]float64)
			for _, m := range result.Measurements {
				dates[m.Metric] = m.Value
			}
			delete(dates, "page_bytes")
			want := map[string]float64{
				probe.CertificateNotBefore: float64(tt.notBefore.Unix()), probe.CertificateNotAfter: float64(tt.notAfter.Unix()),
			}
			if diff := cmp.Diff(want, dates); diff != "" {
				t.Errorf("dates, which are known whatever the verification says (-want +got):\n%s", diff)
			}
			if facts := result.Evidence.Exchanges[0].TLS; facts == nil || len(facts.Chain) != 1 {
				t.Errorf("got TLS facts %+v, want the chain", facts)
			}
		})
	}
}

func TestProbe_CertificateOfAPlainPageIsOnlyFound(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cert, ca := issue(t, now.Add(-90*time.Hour), now.Add(10*time.Hour))
	server := httptest.NewUnstartedServer(html("hello"))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, server.URL, http.StatusFound) })
	result := run(t, config(probe.DesktopWeb, url, func(c *page.Config) { c.TLS.CAFile = ca }))
	if diff := cmp.Diff([]probe.CheckID{probe.CertificateOverdue}, checkIDs(result.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(result.Measurements) != 1 || result.Measurements[0].Metric != "page_bytes" {
		t.Errorf("got measurements %+v, want page_bytes alone, as the profile says", result.Measurements)
	}
}

func TestProbe_CancelledIsNotMeasured(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	built, err := page.Kind().Build(config(probe.DesktopWeb, url, nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	if result, err := built.Prober.Probe(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v and result %+v, want %v", err, result, context.Canceled)
	}
}

func TestProbe_DeadlineIsTheReasonOfWhatHung(t *testing.T) {
	t.Parallel()
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	built, err := page.Kind().Build(config(probe.DesktopWeb, url, nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil || result.Reason != probe.ResponseTimeout {
		t.Errorf("got reason %q and error %v, want %q", result.Reason, err, probe.ResponseTimeout)
	}
}
