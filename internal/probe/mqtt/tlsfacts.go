package mqtt

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// tlsFacts describes a handshake that ended with err. A chain that was not believed is described too.
func tlsFacts(name string, conn *tls.Conn, err error) *probe.TLSFacts {
	state := conn.ConnectionState()
	facts := &probe.TLSFacts{ServerName: name}
	chain := state.PeerCertificates
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		chain = unverified.UnverifiedCertificates
		_, facts.VerifyError = probe.Distrust(chain, unverified.Err, time.Now())
	}
	if state.HandshakeComplete {
		facts.Version = tls.VersionName(state.Version)
		facts.Cipher = tls.CipherSuiteName(state.CipherSuite)
	}
	facts.Chain = probe.DescribeChain(chain)
	return facts
}
