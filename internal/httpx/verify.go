package httpx

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of what is kept of a chain.
const (
	maxChain = 10
	maxNames = 20
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

// describe copies what evidence holds of a chain.
func describe(name string, chain []*x509.Certificate) *chainFacts {
	f := &chainFacts{name: name, raw: chain}
	f.notBefore, f.notAfter = expiry(chain)
	for _, cert := range chain[:min(len(chain), maxChain)] {
		sum := sha256.Sum256(cert.Raw)
		names := slices.Clone(cert.DNSNames[:min(len(cert.DNSNames), maxNames)])
		for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), maxNames)] {
			names = append(names, ip.String())
		}
		for i := range names {
			names[i] = clip(names[i], maxFieldValue)
		}
		f.certs = append(f.certs, probe.Cert{
			Subject:   clip(cert.Subject.String(), maxFieldValue),
			Issuer:    clip(cert.Issuer.String(), maxFieldValue),
			Names:     names,
			NotBefore: cert.NotBefore,
			NotAfter:  cert.NotAfter,
			SHA256:    hex.EncodeToString(sum[:]),
		})
	}
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
		return verifyFault(f.raw, err, now)
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

// verifyFault sorts the reason why a chain is not trusted.
func verifyFault(chain []*x509.Certificate, err error, now time.Time) error {
	leaf := chain[0]
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		cert := invalid.Cert
		if now.Before(cert.NotBefore) {
			return faultf(probe.TLSNotYetValid, "certificate of %s is valid from %s",
				subject(cert), cert.NotBefore.UTC().Format(time.RFC3339))
		}
		return faultf(probe.TLSExpired, "certificate of %s expired at %s",
			subject(cert), cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return faultf(probe.TLSWrongHost, "%s", clip(err.Error(), maxFieldValue))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		switch {
		case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
			return faultf(probe.TLSUntrusted, "certificate of %s is self-signed", subject(leaf))
		case len(chain) == 1:
			return faultf(probe.TLSIncompleteChain, "server sent the certificate of %s without that of its issuer %s",
				subject(leaf), clip(leaf.Issuer.String(), maxFieldValue))
		}
		return faultf(probe.TLSUntrusted, "chain of %s ends at %s, which is not trusted",
			subject(leaf), clip(chain[len(chain)-1].Issuer.String(), maxFieldValue))
	}
	return faultf(probe.TLSUntrusted, "certificate of %s: %s", subject(leaf), clip(err.Error(), maxFieldValue))
}

// subject names a certificate in a detail.
func subject(cert *x509.Certificate) string {
	if name := cert.Subject.String(); name != "" {
		return clip(name, maxFieldValue)
	}
	if len(cert.DNSNames) > 0 {
		return clip(cert.DNSNames[0], maxFieldValue)
	}
	return "(no name)"
}
