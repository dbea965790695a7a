package probe_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// issuer makes certificates without a network.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue returns a certificate of name; without an issuer it is self-signed. edit may change it before it is signed.
func (i *issuer) issue(t *testing.T, name string, edit func(*x509.Certificate)) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"shop.example"},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if edit != nil {
		edit(template)
	}
	if i == nil {
		i = &issuer{template, key}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, i.cert, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{cert, key}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestDistrust(t *testing.T) {
	t.Parallel()
	root := (*issuer)(nil).issue(t, "Root", nil)
	middle := root.issue(t, "Middle", nil)
	leaf := middle.issue(t, "shop", nil)
	nameless := middle.issue(t, "", func(c *x509.Certificate) { c.Subject = pkix.Name{} })
	nobody := middle.issue(t, "", func(c *x509.Certificate) { c.Subject, c.DNSNames = pkix.Name{}, nil })
	old := middle.issue(t, "old", func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Minute) })
	early := middle.issue(t, "early", func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Minute) })
	client := middle.issue(t, "client", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	long := middle.issue(t, strings.Repeat("x", 600), nil)
	cases := map[string]struct {
		trusted *issuer // nil: nobody
		host    string
		chain   []*issuer
		reason  probe.Reason
		detail  string
	}{
		"expired":         {root, "shop.example", []*issuer{old, middle}, probe.TLSExpired, "certificate of CN=old expired at 2026-11-22T11:59:00Z"},
		"not yet valid":   {root, "shop.example", []*issuer{early, middle}, probe.TLSNotYetValid, "certificate of CN=early is valid from 2026-11-22T12:01:00Z"},
		"another host":    {root, "other.example", []*issuer{leaf, middle}, probe.TLSWrongHost, "x509: certificate is valid for shop.example, not other.example"},
		"incomplete":      {root, "shop.example", []*issuer{leaf}, probe.TLSIncompleteChain, "server sent the certificate of CN=shop without that of its issuer CN=Middle"},
		"by its host":     {root, "shop.example", []*issuer{nameless}, probe.TLSIncompleteChain, "server sent the certificate of shop.example without that of its issuer CN=Middle"},
		"by nothing":      {root, "", []*issuer{nobody}, probe.TLSIncompleteChain, "server sent the certificate of (no name) without that of its issuer CN=Middle"},
		"self-signed":     {nil, "shop.example", []*issuer{root}, probe.TLSUntrusted, "certificate of CN=Root is self-signed"},
		"unknown root":    {nil, "shop.example", []*issuer{leaf, middle}, probe.TLSUntrusted, "chain of CN=shop ends at CN=Root, which is not trusted"},
		"another purpose": {root, "shop.example", []*issuer{client, middle}, probe.TLSUntrusted, "certificate of CN=client: x509: certificate specifies an incompatible key usage"},
		"long name":       {root, "shop.example", []*issuer{long}, probe.TLSIncompleteChain, "server sent the certificate of CN=" + strings.Repeat("x", 509) + "… without that of its issuer CN=Middle"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var chain []*x509.Certificate
			options := x509.VerifyOptions{DNSName: tc.host, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: noon}
			for _, i := range tc.chain {
				chain = append(chain, i.cert)
				options.Intermediates.AddCert(i.cert)
			}
			if tc.trusted != nil {
				options.Roots.AddCert(tc.trusted.cert)
			}
			_, err := chain[0].Verify(options)
			if err == nil {
				t.Fatal("the chain is believed, want one that is not")
			}
			reason, detail := probe.Distrust(chain, err, noon)
			if reason != tc.reason || detail != tc.detail {
				t.Errorf("got %q, %q, want %q, %q", reason, detail, tc.reason, tc.detail)
			}
		})
	}
}

func TestDescribeChain(t *testing.T) {
	t.Parallel()
	root := (*issuer)(nil).issue(t, "Root", nil)
	leaf := root.issue(t, "shop", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} })
	sum := sha256.Sum256(leaf.cert.Raw)
	want := []probe.Cert{{
		Subject: "CN=shop", Issuer: "CN=Root", Names: []string{"shop.example", "192.0.2.1"},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), SHA256: hex.EncodeToString(sum[:]),
	}}
	if diff := cmp.Diff(want, probe.DescribeChain([]*x509.Certificate{leaf.cert})); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
	if got := probe.DescribeChain(nil); len(got) != 0 {
		t.Errorf("got %+v of no chain", got)
	}
}

// A server chooses how much it sends; evidence stays small.
func TestDescribeChain_IsBounded(t *testing.T) {
	t.Parallel()
	huge := (*issuer)(nil).issue(t, strings.Repeat("x", 2000), func(c *x509.Certificate) {
		for i := range 100 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("%d.%s.example", i, strings.Repeat("y", 1000)))
			c.IPAddresses = append(c.IPAddresses, net.IPv4(192, 0, 2, byte(i)))
		}
	})
	chain := make([]*x509.Certificate, 50)
	for i := range chain {
		chain[i] = huge.cert
	}
	described := probe.DescribeChain(chain)
	if len(described) != 10 {
		t.Errorf("got %d certificates, want the first 10", len(described))
	}
	cert := described[0]
	texts := append(cert.Names, cert.Subject, cert.Issuer)
	if len(cert.Names) != 40 {
		t.Errorf("got %d names, want 20 hosts and 20 addresses", len(cert.Names))
	}
	for _, text := range texts {
		if len(text) > 512+len("…") {
			t.Errorf("got a text of %d bytes, want at most 512 and the mark of the cut", len(text))
		}
	}
}
