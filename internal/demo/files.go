package demo

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
	"time"
)

// files are what the configuration refers to, and the certificates of the servers.
type files struct {
	ca    string // path of the authority's certificate
	token string // path of the token of the app's API
	vapid string // path of the key that web push messages are signed with
	good  *tls.Certificate
	bad   *tls.Certificate // has a twentieth of its lifetime left
}

// day is the unit of certificate lifetimes.
const day = 24 * time.Hour

func (s *Shop) writeFiles() (files, error) {
	f := files{
		ca: filepath.Join(s.opts.Dir, "ca.pem"), token: filepath.Join(s.opts.Dir, "app-token"), vapid: filepath.Join(s.opts.Dir, "vapid.pem"),
	}
	// Lifetimes are real, because the agent checks them against the real clock.
	now := time.Now()
	ca, err := newAuthority(now)
	if err != nil {
		return f, err
	}
	if f.good, err = ca.issue(2, now.Add(-day), now.Add(89*day)); err != nil {
		return f, err
	}
	if f.bad, err = ca.issue(3, now.Add(-86*day), now.Add(4*day)); err != nil {
		return f, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	if err := os.WriteFile(f.ca, block, 0o600); err != nil {
		return f, err
	}
	if err := writeKey(f.vapid); err != nil {
		return f, err
	}
	s.token = "Bearer " + rand.Text()
	return f, os.WriteFile(f.token, []byte(s.token+"\n"), 0o600)
}

// writeKey writes a new private key on P-256.
func writeKey(name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// certificates returns what a server shows: the certificate that ends soon while ending reports true.
func (f *files) certificates(ending func() bool) certificates {
	good, bad := f.good, f.bad
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if ending() {
			return bad, nil
		}
		return good, nil
	}
}

// authority vouches for the shop's servers. Its key is never written.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Demo shop authority (made up)"},
		NotBefore: now.Add(-100 * day), NotAfter: now.Add(365 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert: cert, key: key}, err
}

func (a *authority) issue(serial int64, from, until time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Demo shop (made up)"},
		NotBefore: from, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
