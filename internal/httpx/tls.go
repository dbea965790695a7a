package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// TLSOptions configure TLS. The zero value is what a current browser does: TLS 1.2 or newer, the default curves with
// the hybrid post-quantum one, the system's roots. Certificates are always verified.
type TLSOptions struct {
	CAFile     string // PEM file of the only roots that are trusted; empty is the system's
	CertFile   string // PEM file of the client's certificate with its chain
	KeyFile    string // PEM file of its key
	ServerName string // sent as SNI and verified instead of the URL's host, on the first host only
	MinVersion uint16 // tls.VersionTLS12 when 0
	MaxVersion uint16 // newest when 0
}

// tlsSettings is the part of a connection's TLS that all connections of a client share.
type tlsSettings struct {
	base       *tls.Config
	roots      *x509.CertPool // nil: the system's, which Go parses once per process
	serverName string
}

func newTLSSettings(o TLSOptions, protocols []string) (tlsSettings, error) {
	minVersion := o.MinVersion
	if minVersion == 0 {
		minVersion = tls.VersionTLS12
	}
	s := tlsSettings{serverName: o.ServerName, base: &tls.Config{
		MinVersion: minVersion,
		MaxVersion: o.MaxVersion,
		NextProtos: protocols,
		// A resumed handshake is not what a new customer gets.
		SessionTicketsDisabled: true,
		// The chain is verified after the handshake, by verify, so that it is known even when it is not trusted.
		InsecureSkipVerify: true,
	}}
	var errs []error
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		s.roots = x509.NewCertPool()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("reading CA file: %w", err))
		case !s.roots.AppendCertsFromPEM(pem):
			errs = append(errs, fmt.Errorf("CA file %s has no PEM certificate", o.CAFile))
		}
	}
	if o.CertFile != "" || o.KeyFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading client certificate and key: %w", err))
		}
		s.base.Certificates = []tls.Certificate{cert}
	}
	return s, errors.Join(errs...)
}

// serverName returns the name that the server has to prove. The address of the exchange must be settled.
func (x *exchange) serverName() string {
	if x.client.tls.serverName != "" && x.first {
		return x.client.tls.serverName
	}
	return strings.TrimSuffix(x.url.Hostname(), ".")
}

// handshake makes the TLS handshake, verifies the chain and returns the connection with the protocol to speak.
func (x *exchange) handshake(ctx context.Context, tcp *net.TCPConn) (net.Conn, string, error) {
	name := strings.TrimSuffix(x.url.Hostname(), ".")
	if x.client.tls.serverName != "" && x.trail.hops == 1 {
		name = x.client.tls.serverName
	}
	protocols := x.client.opts.Protocols
	if x.keep {
		protocols = []string{HTTP1}
	}
	conn, state, err := x.secure(ctx, tcp, name, protocols)
	if err != nil {
		return nil, "", err
	}
	switch {
	case state.NegotiatedProtocol == HTTP2:
		return conn, HTTP2, nil
	case !x.keep && !slices.Contains(x.client.opts.Protocols, HTTP1):
		return nil, "", faultf(probe.TLSALPN, "server chose no application protocol, want %s", HTTP2)
	}
	return conn, HTTP1, nil
}

// secure makes the TLS handshake with a server of this name and verifies the chain.
func (x *exchange) secure(ctx context.Context, tcp *net.TCPConn, name string, protocols []string) (*tls.Conn, *tls.ConnectionState, error) {
	config := x.client.tls.base.Clone()
	config.ServerName, config.NextProtos = name, protocols
	conn := tls.Client(tcp, config)
	// The connection has the deadline already and is interrupted by its guard: a context that ends would cost a goroutine.
	err := conn.HandshakeContext(context.WithoutCancel(ctx))
	state := conn.ConnectionState()
	if err == nil {
		err = x.verify(name, &state)
		x.mark(probe.TLS)
	} else {
		x.mark(probe.TLS)
		err = handshakeFault(err)
	}
	if err != nil {
		return nil, nil, err
	}
	return conn, &state, nil
}

func handshakeFault(err error) error {
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return faultf(probe.TLSNotTLS, "answer is not TLS: begins with %q", header.RecordHeader[:])
	}
	opErr, alert := errors.AsType[*net.OpError](err)
	alert = alert && opErr.Op == alertOp
	switch {
	case alert && opErr.Err.Error() == tls.AlertError(alertNoProtocol).Error():
		return faultf(probe.TLSALPN, "server knows none of the application protocols that were offered")
	case strings.Contains(err.Error(), "unadvertised ALPN protocol"):
		return faultf(probe.TLSALPN, "server chose an application protocol that was not offered")
	case timedOut(err):
		return faultf(probe.TLSTimeout, "TLS handshake not complete in time")
	case wasReset(err):
		return faultf(probe.TLSHandshake, "connection reset during the TLS handshake")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return faultf(probe.TLSHandshake, "connection closed during the TLS handshake")
	}
	return faultf(probe.TLSHandshake, "TLS handshake: %s", bare(err))
}

const (
	alertNoProtocol = 120            // no_application_protocol, RFC 7301 section 3.2
	alertOp         = "remote error" // what crypto/tls calls an alert of the other side
)

// isAlert reports whether err is a TLS alert of the other side.
func isAlert(err error) bool {
	opErr, ok := errors.AsType[*net.OpError](err)
	return ok && opErr.Op == alertOp
}

// expiry returns the validity of the certificate that expires first.
func expiry(chain []*x509.Certificate) (notBefore, notAfter time.Time) {
	for i, cert := range chain {
		if i == 0 || cert.NotAfter.Before(notAfter) {
			notBefore, notAfter = cert.NotBefore, cert.NotAfter
		}
	}
	return notBefore, notAfter
}
