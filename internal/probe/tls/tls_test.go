package tls_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/tls"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// service is a server with a certificate of an authority of its own.
type service struct{ address, caFile string }

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority returns a root.
func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	template := template()
	template.Subject = pkix.Name{Organization: []string{"Example Trust"}, CommonName: "Example Root"}
	template.NotBefore, template.NotAfter = time.Now().Add(-1000*day), time.Now().Add(1000*day)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	key := newKey(tb)
	return &authority{create(tb, template, template, key, key), key}
}

// template is of a certificate for loopback that is in the first half of its life.
func template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames: []string{"shop.example.test", "*.cdn.example.test"}, NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(9 * day),
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func create(tb testing.TB, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// start serves handshakes with a changed certificate and configuration until the test ends.
func start(tb testing.TB, edit func(*x509.Certificate), configure func(*stdtls.Config)) service {
	tb.Helper()
	root, template, key := newAuthority(tb), template(), newKey(tb)
	if edit != nil {
		edit(template)
	}
	leaf := create(tb, template, root.cert, key, root.key)
	config := &stdtls.Config{Certificates: []stdtls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}
	if configure != nil {
		configure(config)
	}
	file := filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return service{listen(tb, config), file}
}

// listen makes handshakes, and waits for the other side to hang up.
func listen(tb testing.TB, config *stdtls.Config) (address string) {
	tb.Helper()
	return accept(tb, func(conn net.Conn) { _, _ = stdtls.Server(conn, config).Read(make([]byte, 1)) })
}

// accept hands every connection to a server until the test ends, and waits for it.
func accept(tb testing.TB, handle func(net.Conn)) (address string) {
	tb.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				handle(conn)
				_ = conn.Close()
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func build(config tls.Config) (probe.Built, error) {
	if config.MinVersion == "" {
		config.MinVersion = "1.2"
	}
	return tls.Kind().Build(&config, probe.Setup{Timeout: 10 * time.Second, Every: time.Minute})
}

func run(t *testing.T, config tls.Config) probe.Result {
	t.Helper()
	built, err := build(config)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// at returns the configuration for a target of the suite.
func at(target probetest.Target) map[string]any {
	_, address, _ := strings.Cut(strings.TrimSuffix(target.URL, "/"), "://")
	with := map[string]any{"address": address}
	if target.Resolver != "" {
		with["resolver"] = target.Resolver
	}
	if target.CAFile != "" {
		with["tls"] = map[string]any{"ca_file": target.CAFile}
	}
	return with
}

func TestConformance(t *testing.T) {
	probetest.Run(t, probetest.Subject{Kind: tls.Kind(), Type: probe.DesktopWeb, With: at}, probetest.Fixture{
		Healthy: probetest.HealthyHTTP,
		Silent: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: "https://" + accept(tb, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })}
		},
		SilentWant: probe.TLSTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}

// TestProbe_Faults points the kind at every service that fails before it speaks HTTP.
func TestProbe_Faults(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, fault := range probetest.Faults() {
		group, _, _ := strings.Cut(fault.Name, ":")
		if !slices.Contains([]string{"DNS", "connect", "certificate", "TLS"}, group) || !understood(fault) {
			continue
		}
		tried++
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			target := fault.Start(t)
			config := tls.Config{Resolver: target.Resolver, TLS: httpkind.TLS{CAFile: target.CAFile}}
			config.Address, _ = at(target)["address"].(string)
			built, err := build(config)
			if err != nil {
				t.Fatal(err)
			}
			timeout := 10 * time.Second
			if fault.Hangs {
				timeout = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			result, err := built.Prober.Probe(ctx)
			if err != nil || result.Reason != fault.Want || len(result.Findings) > 0 {
				t.Fatalf("got %v, reason %q (%s) and %v, want %q alone", err, result.Reason, result.Detail, result.Findings, fault.Want)
			}
			facts := result.Evidence.Exchanges[0].TLS
			if fault.Chain && (len(facts.Chain) == 0 || facts.VerifyError == "" || len(result.Measurements) != 2) {
				t.Errorf("got %+v and %v, want the chain, why it is not believed, and its dates", facts, result.Measurements)
			}
		})
	}
	if tried < 25 {
		t.Errorf("%d services were tried, want at least 25", tried)
	}
}

// understood leaves out what is no fault to a kind that offers no protocol, offers old versions too, and does not wait for
// what comes after the handshake.
func understood(fault probetest.Fault) bool {
	return fault.Want != probe.TLSALPN && fault.Name != "TLS: old version only" && fault.Name != "TLS: client certificate wanted"
}

// TestProbe_Findings tells apart what is wrong with handshakes that succeed.
func TestProbe_Findings(t *testing.T) {
	t.Parallel()
	lives := func(before, after time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-before), time.Now().Add(after)
		}
	}
	version := func(v uint16) func(*stdtls.Config) {
		return func(c *stdtls.Config) { c.MinVersion, c.MaxVersion = stdtls.VersionTLS10, v }
	}
	tests := map[string]struct {
		edit      func(*x509.Certificate)
		configure func(*stdtls.Config)
		config    tls.Config
		want      []probe.CheckID
		detail    string // part of that of the finding, or of the result
	}{
		"good":              {detail: "TLS 1.3, TLS_AES_128_GCM_SHA256, valid until"},
		"share of lifetime": {detail: ": 90 % of its lifetime left"},
		"to renew":          {edit: lives(70*day, 30*day), want: []probe.CheckID{probe.CertificateExpiring}, detail: "30 % of its lifetime left, want at least 1/3"},
		"overdue":           {edit: lives(90*day, 10*day), want: []probe.CheckID{probe.CertificateOverdue}, detail: "10.0 days or 10 % of its lifetime left, want at least 1/8"},
		"short-lived, new":  {edit: lives(time.Hour, 5*time.Hour)},
		"names": {config: tls.Config{
			Names: []string{"shop.example.test", "SHOP.example.test", "a.cdn.example.test", "*.cdn.example.test"},
		}},
		"names that are missing": {
			config: tls.Config{Names: []string{"www.example.test", "shop.example.test", "*.example.test", "a.b.cdn.example.test"}},
			want:   []probe.CheckID{"tls_missing_name"}, detail: "not valid for www.example.test, *.example.test, a.b.cdn.example.test",
		},
		"issuer":       {config: tls.Config{Issuer: "example trust"}},
		"other issuer": {config: tls.Config{Issuer: "Better Trust"}, want: []probe.CheckID{"tls_other_issuer"}, detail: `issued by CN=Example Root,O=Example Trust, want "Better Trust" in it`},
		"TLS 1.2":      {configure: version(stdtls.VersionTLS12), detail: "TLS 1.2"},
		"TLS 1.1":      {configure: version(stdtls.VersionTLS11), want: []probe.CheckID{"tls_weak_version"}, detail: "server's best is TLS 1.1, want TLS 1.2 or newer"},
		"TLS 1.0":      {configure: version(stdtls.VersionTLS10), want: []probe.CheckID{"tls_weak_version"}, detail: "server's best is TLS 1.0"},
		"TLS 1.3 wanted": {
			configure: version(stdtls.VersionTLS12), config: tls.Config{MinVersion: "1.3"}, want: []probe.CheckID{"tls_weak_version"}, detail: "TLS 1.2, want TLS 1.3",
		},
		"any protocol": {configure: func(c *stdtls.Config) { c.NextProtos = []string{"smtp"} }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.edit, test.configure)
			test.config.Address, test.config.TLS.CAFile = s.address, s.caFile
			result := run(t, test.config)
			var got []probe.CheckID
			detail := result.Detail
			for _, finding := range result.Findings {
				got, detail = append(got, finding.Check), finding.Detail
			}
			if result.Reason != "" || !cmp.Equal(got, test.want) || !strings.Contains(detail, test.detail) {
				t.Errorf("got reason %q, findings %v, detail %q, want %v with %q", result.Reason, got, detail, test.want, test.detail)
			}
		})
	}
}

// TestProbe_Dates measures the dates of the certificate, in Unix time, also of an expired one.
func TestProbe_Dates(t *testing.T) {
	t.Parallel()
	before, after := time.Now().Add(-3*day).Truncate(time.Second), time.Now().Add(-day).Truncate(time.Second)
	s := start(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = before, after }, nil)
	result := run(t, tls.Config{Address: s.address, TLS: httpkind.TLS{CAFile: s.caFile}})
	want := []probe.Measurement{
		{Metric: probe.CertificateNotAfter, Value: float64(after.Unix())}, {Metric: probe.CertificateNotBefore, Value: float64(before.Unix())},
	}
	if diff := cmp.Diff(want, result.Measurements); diff != "" || result.Reason != probe.TLSExpired {
		t.Errorf("reason %q, want %q; measurements (-want +got):\n%s", result.Reason, probe.TLSExpired, diff)
	}
	if chain := result.Evidence.Exchanges[0].TLS.Chain; len(chain) != 1 || !chain[0].NotAfter.Equal(after) {
		t.Errorf("got the chain %+v, want one certificate until %v", chain, after)
	}
}

// TestProbe_ServerName asks for another name than that of the address, and judges by it.
func TestProbe_ServerName(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	s := start(t, nil, func(c *stdtls.Config) {
		c.GetConfigForClient = func(hello *stdtls.ClientHelloInfo) (*stdtls.Config, error) {
			asked <- hello.ServerName
			return nil, nil
		}
	})
	with := httpkind.TLS{CAFile: s.caFile, ServerName: "shop.example.test"}
	if result := run(t, tls.Config{Address: s.address, TLS: with}); result.Reason != "" || <-asked != "shop.example.test" {
		t.Errorf("got %q: %s, want nothing wrong and the name in the hello", result.Reason, result.Detail)
	}
	with.ServerName = "other.example.test"
	if result := run(t, tls.Config{Address: s.address, TLS: with}); result.Reason != probe.TLSWrongHost || <-asked != with.ServerName {
		t.Errorf("got %q: %s, want %q", result.Reason, result.Detail, probe.TLSWrongHost)
	}
}

func TestBuild_Mistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config tls.Config
		want   string
	}{
		"address":     {tls.Config{Address: "https://example.com"}, "address: want host:port, without anything else"},
		"no address":  {tls.Config{}, "address: want host:port, without anything else"},
		"version":     {tls.Config{Address: "h", MinVersion: "1.1"}, `min_version: "1.1", want 1.2 or 1.3`},
		"name":        {tls.Config{Address: "h", Names: []string{"a b"}}, `names: "a b", want the name of a host`},
		"name, port":  {tls.Config{Address: "h", Names: []string{"a:443"}}, `names: "a:443", want the name of a host`},
		"names":       {tls.Config{Address: "h", Names: slices.Repeat([]string{"a"}, 101)}, "names: 101, want at most 100"},
		"resolver":    {tls.Config{Address: "h", Resolver: "dns"}, `resolver: "dns" has no port, want host:port`},
		"no CA file":  {tls.Config{Address: "h", TLS: httpkind.TLS{CAFile: "/nowhere.pem"}}, "tls: reading CA file: open /nowhere.pem: no such file or directory"},
		"two at once": {tls.Config{Address: "h", MinVersion: "2", Resolver: "dns"}, "min_version: \"2\", want 1.2 or 1.3\nresolver: \"dns\" has no port, want host:port"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := build(test.config)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestBuild_Profile announces phases and dates, and knows the port of most.
func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	built, err := build(tls.Config{Address: "shop.example.com"})
	want := probe.Profile{
		Target: "shop.example.com:443", URL: "tls://shop.example.com:443", TLS: true,
		Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS},
		Metrics: []string{probe.CertificateNotAfter, probe.CertificateNotBefore},
	}
	if diff := cmp.Diff(want, built.Profile); diff != "" || err != nil {
		t.Errorf("%v, profile (-want +got):\n%s", err, diff)
	}
}
