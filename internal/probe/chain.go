package probe

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Bounds of what is kept of a chain of certificates, which servers choose.
const (
	maxChain       = 10
	maxNames       = 20
	maxCertificate = 512 // bytes of one name
)

// DescribeChain copies what evidence holds of a chain as it was sent, leaf first. Length, names and texts are bounded.
func DescribeChain(chain []*x509.Certificate) []Cert {
	certs := make([]Cert, 0, min(len(chain), maxChain))
	for _, cert := range chain[:min(len(chain), maxChain)] {
		sum := sha256.Sum256(cert.Raw)
		described := Cert{
			Subject:   Clip(cert.Subject.String(), maxCertificate),
			Issuer:    Clip(cert.Issuer.String(), maxCertificate),
			NotBefore: cert.NotBefore,
			NotAfter:  cert.NotAfter,
			SHA256:    hex.EncodeToString(sum[:]),
		}
		for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
			described.Names = append(described.Names, Clip(name, maxCertificate))
		}
		for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), maxNames)] {
			described.Names = append(described.Names, ip.String())
		}
		certs = append(certs, described)
	}
	return certs
}

// Distrust sorts and words why a chain, which is not empty, is not believed at time now. err is what x509 said of it.
func Distrust(chain []*x509.Certificate, err error, now time.Time) (reason Reason, detail string) {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		cert := invalid.Cert
		if now.Before(cert.NotBefore) {
			return TLSNotYetValid, fmt.Sprintf("certificate of %s is valid from %s", holder(cert), cert.NotBefore.UTC().Format(time.RFC3339))
		}
		return TLSExpired, fmt.Sprintf("certificate of %s expired at %s", holder(cert), cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return TLSWrongHost, Clip(err.Error(), maxCertificate)
	}
	leaf, last := chain[0], chain[len(chain)-1]
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		return TLSUntrusted, fmt.Sprintf("certificate of %s: %s", holder(leaf), Clip(err.Error(), maxCertificate))
	}
	issuer := Clip(last.Issuer.String(), maxCertificate)
	switch {
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return TLSUntrusted, fmt.Sprintf("certificate of %s is self-signed", holder(leaf))
	case len(chain) == 1:
		return TLSIncompleteChain, fmt.Sprintf("server sent the certificate of %s without that of its issuer %s", holder(leaf), issuer)
	}
	return TLSUntrusted, fmt.Sprintf("chain of %s ends at %s, which is not trusted", holder(leaf), issuer)
}

// holder names a certificate in a detail.
func holder(cert *x509.Certificate) string {
	if name := cert.Subject.String(); name != "" {
		return Clip(name, maxCertificate)
	}
	if len(cert.DNSNames) > 0 {
		return Clip(cert.DNSNames[0], maxCertificate)
	}
	return "(no name)"
}
