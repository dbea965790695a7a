package probetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	over *authority // that issued it; nil for a root
}

// newRoot returns an authority that vouches for itself.
func newRoot(tb testing.TB, name string) *authority {
	tb.Helper()
	return newAuthority(tb, name, nil, nil)
}

// newAuthority returns an authority below another. edit may change its certificate before it is signed.
func newAuthority(tb testing.TB, name string, over *authority, edit func(*x509.Certificate)) *authority {
	tb.Helper()
	template := certificate(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	if edit != nil {
		edit(template)
	}
	cert, key := sign(tb, template, over)
	return &authority{cert, key, over}
}

// issue returns a server certificate for 127.0.0.1 with the whole chain but the root. edit may change it before it is
// signed.
func (a *authority) issue(tb testing.TB, edit func(*x509.Certificate)) tls.Certificate {
	tb.Helper()
	template := certificate("127.0.0.1")
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if edit != nil {
		edit(template)
	}
	cert, key := sign(tb, template, a)
	chain := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	for issuer := a; issuer != nil && issuer.over != nil; issuer = issuer.over {
		chain.Certificate = append(chain.Certificate, issuer.cert.Raw)
	}
	return chain
}

// file returns the name of a PEM file with the certificate of the authority.
func (a *authority) file(tb testing.TB) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(name, block, 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// certificate returns a template that is in the first half of its life.
func certificate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}

// sign makes a key for the template and lets the authority sign it; without one it is self-signed.
func sign(tb testing.TB, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return cert, key
}
