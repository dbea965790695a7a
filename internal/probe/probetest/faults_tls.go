package probetest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// certificateFaults are services that answer well behind a certificate that browsers do not believe.
func certificateFaults() []Fault {
	leaf := func(edit func(*x509.Certificate)) func(testing.TB) Target {
		return func(tb testing.TB) Target {
			tb.Helper()
			root := newRoot(tb, "Test Root")
			return secured(tb, root, root.issue(tb, edit))
		}
	}
	faults := []Fault{
		{Name: "certificate: expired", Start: leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), Want: probe.TLSExpired},
		{Name: "certificate: not yet valid", Start: leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), Want: probe.TLSNotYetValid},
		{Name: "certificate: another name", Start: leaf(func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"other.example.test"}
		}), Want: probe.TLSWrongHost},
		{Name: "certificate: not for servers", Start: leaf(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), Want: probe.TLSUntrusted},
		{Name: "certificate: expired authority", Start: func(tb testing.TB) Target {
			tb.Helper()
			root := newRoot(tb, "Test Root")
			middle := newAuthority(tb, "Test Authority", root, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
			return secured(tb, root, middle.issue(tb, nil))
		}, Want: probe.TLSExpired},
		{Name: "certificate: self-signed", Start: func(tb testing.TB) Target {
			tb.Helper()
			return secured(tb, newRoot(tb, "Test Root"), (*authority)(nil).issue(tb, nil))
		}, Want: probe.TLSUntrusted},
		{Name: "certificate: chain incomplete", Start: func(tb testing.TB) Target {
			tb.Helper()
			root := newRoot(tb, "Test Root")
			chain := newAuthority(tb, "Test Authority", root, nil).issue(tb, nil)
			chain.Certificate = chain.Certificate[:1]
			return secured(tb, root, chain)
		}, Want: probe.TLSIncompleteChain},
		{Name: "certificate: unknown authority", Start: func(tb testing.TB) Target {
			tb.Helper()
			stranger := newAuthority(tb, "Unknown Authority", newRoot(tb, "Unknown Root"), nil)
			return secured(tb, newRoot(tb, "Test Root"), stranger.issue(tb, nil))
		}, Want: probe.TLSUntrusted},
	}
	for i := range faults {
		faults[i].Chain = true
	}
	return faults
}

// secured serves a page behind the certificate to those who trust the root.
func secured(tb testing.TB, root *authority, cert tls.Certificate) Target {
	tb.Helper()
	return serveTLSWith(tb, root.file(tb), &tls.Config{Certificates: []tls.Certificate{cert}}, say(goodAnswer))
}

// handshakeFaults are services that do not get as far as a certificate, or refuse the client after it.
func handshakeFaults() []Fault {
	configured := func(edit func(*tls.Config)) func(testing.TB) Target {
		return func(tb testing.TB) Target {
			tb.Helper()
			root := newRoot(tb, "Test Root")
			config := &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}
			edit(config)
			return serveTLSWith(tb, root.file(tb), config, say(goodAnswer))
		}
	}
	return []Fault{
		{Name: "TLS: old version only", Start: configured(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}), Want: probe.TLSHandshake},
		{Name: "TLS: no common protocol", Start: configured(func(c *tls.Config) { c.NextProtos = []string{"smtp"} }), Want: probe.TLSALPN},
		{Name: "TLS: client certificate wanted", Start: configured(func(c *tls.Config) {
			c.ClientAuth = tls.RequireAnyClientCert
		}), Want: probe.TLSHandshake},
		{Name: "TLS: plain HTTP on the port", Start: greet("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Want: probe.TLSNotTLS},
		{Name: "TLS: garbage on the port", Start: greet("\x00\x01\x02\x03\x04 what is this \xfe\xff"), Want: probe.TLSNotTLS},
		{Name: "TLS: garbage in a record", Start: greet("\x16\x03\x03\x00\x08garbage!"), Want: probe.TLSHandshake},
		{Name: "TLS: alert", Start: greet("\x15\x03\x03\x00\x02\x02\x28"), Want: probe.TLSHandshake},
		{Name: "TLS: closed in the handshake", Start: greet(""), Want: probe.TLSHandshake},
		{Name: "TLS: reset in the handshake", Start: hello(reset), Want: probe.TLSHandshake},
		{Name: "TLS: no answer", Start: hello(hold), Want: probe.TLSTimeout, Hangs: true},
	}
}

// hello waits for the client's first record and does as it is told.
func hello(then func(net.Conn)) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		tb.Helper()
		return Target{URL: "https://" + listen(tb, func(conn net.Conn) {
			header := make([]byte, 5)
			if _, err := io.ReadFull(conn, header); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, conn, int64(header[3])<<8|int64(header[4])); err != nil {
				return
			}
			then(conn)
		}) + "/"}
	}
}

// greet answers the client's first record with a text and hangs up.
func greet(text string) func(testing.TB) Target {
	return hello(func(conn net.Conn) { _, _ = io.WriteString(conn, text) })
}
