package httpx

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// chainFacts is what is known of a chain that a server sent. It is immutable. A client keeps the last one: the same
// chain for the same name needs no new signature checks while everything in it is valid.
type chainFacts struct {
	name      string
	raw       []*x509.Certificate // as sent
	certs     []probe.Cert
	notBefore time.Time
	notAfter  time.Time
	trusted   bool
	validTo   time.Time // while trusted: when the verdict ends
	validFrom time.Time
}

// same reports whether facts are about this chain and name.
func (f *chainFacts) same(name string, chain []*x509.Certificate) bool {
	return f != nil && f.name == name && slices.EqualFunc(f.raw, chain, func(a, b *x509.Certificate) bool {
		return a == b || bytes.Equal(a.Raw, b.Raw)
	})
}

// verify records what the handshake showed and returns a fault unless a browser would trust it.
func (x *exchange) verify(name string, state *tls.ConnectionState) error {
	facts := &probe.TLSFacts{
		Version:    tls.VersionName(state.Version),
		Cipher:     tls.CipherSuiteName(state.CipherSuite),
		ALPN:       state.NegotiatedProtocol,
		ServerName: name,
	}
	x.record.TLS = facts
	now := time.Now()
	known := x.client.lastCert.Load()
	if known.same(name, state.PeerCertificates) && known.trusted && now.Before(known.validTo) && now.After(known.validFrom) {
		facts.Chain, x.chain = known.certs, known
		return nil
	}
	chain := describe(name, state.PeerCertificates)
	err := chain.check(x.client.tls.roots, now)
	facts.Chain, x.chain = chain.certs, chain
	if err != nil {
		facts.VerifyError = err.Error()
		return err
	}
	x.client.lastCert.Store(chain)
	return nil
}

// describe notes a chain as it was sent.
func describe(name string, chain []*x509.Certificate) *chainFacts {
	f := &chainFacts{name: name, raw: chain, certs: probe.DescribeChain(chain)}
	f.notBefore, f.notAfter = expiry(chain)
	return f
}

// check verifies the chain as a browser does and notes how long the verdict holds.
func (f *chainFacts) check(roots *x509.CertPool, now time.Time) error {
	intermediates := x509.NewCertPool()
	for _, cert := range f.raw[1:] {
		intermediates.AddCert(cert)
	}
	leaf := f.raw[0]
	chains, err := leaf.Verify(x509.VerifyOptions{
		DNSName: f.name, Roots: roots, Intermediates: intermediates, CurrentTime: now,
	})
	if err != nil {
		reason, detail := probe.Distrust(f.raw, err, now)
		return &fault{reason, detail}
	}
	// Of several chains that lead to a root (cross-signed authorities), a client uses one that lasts: the best counts.
	f.trusted, f.notAfter = true, time.Time{}
	for _, chain := range chains {
		if notBefore, notAfter := expiry(chain); notAfter.After(f.notAfter) {
			f.notBefore, f.notAfter = notBefore, notAfter
		}
	}
	f.validFrom, f.validTo = now, f.notAfter
	return nil
}
