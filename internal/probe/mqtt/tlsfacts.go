package mqtt

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// tlsFacts describes a handshake that ended with err. A chain that was not believed is described too.
func tlsFacts(name string, conn *tls.Conn, err error) *probe.TLSFacts {
	state := conn.ConnectionState()
	facts := &probe.TLSFacts{ServerName: name}
	chain := state.PeerCertificates
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		chain = unverified.UnverifiedCertificates
		facts.VerifyError = unverified.Err.Error()
	}
	if state.HandshakeComplete {
		facts.Version = tls.VersionName(state.Version)
		facts.Cipher = tls.CipherSuiteName(state.CipherSuite)
	}
	for _, cert := range chain {
		facts.Chain = append(facts.Chain, describe(cert))
	}
	return facts
}

func describe(cert *x509.Certificate) probe.Cert {
	sum := sha256.Sum256(cert.Raw)
	c := probe.Cert{
		Subject:   cert.Subject.String(),
		Issuer:    cert.Issuer.String(),
		Names:     cert.DNSNames,
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		SHA256:    hex.EncodeToString(sum[:]),
	}
	for _, ip := range cert.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	return c
}
