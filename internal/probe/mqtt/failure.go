package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// failure is why a connection could not be opened, as a result says it.
type failure struct {
	reason probe.Reason
	detail string
}

// Error returns the detail.
func (f *failure) Error() string { return f.detail }

func failf(reason probe.Reason, format string, args ...any) error {
	return &failure{reason: reason, detail: fmt.Sprintf(format, args...)}
}

// classify turns what broke a phase into a failure. A context that was cancelled says nothing about the channel: its
// error comes back as it is. probe.Wait stands for the time between CONNECT and its answer.
func classify(ctx context.Context, phase probe.Phase, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	switch phase {
	case probe.Resolve:
		return classifyResolve(err)
	case probe.Connect:
		return classifyConnect(err)
	case probe.TLS:
		return classifyTLS(err)
	default:
		return classifyAnswer(err)
	}
}

func classifyResolve(err error) error {
	dns := (*net.DNSError)(nil)
	switch {
	case timedOut(err):
		return failf(probe.DNSTimeout, "no answer from the resolver in time")
	case errors.As(err, &dns) && dns.IsNotFound:
		return failf(probe.DNSNotFound, "%s: no such host", dns.Name)
	case errors.As(err, &dns):
		return failf(probe.DNSFailed, "%s: %s", dns.Name, dns.Err)
	}
	return failf(probe.DNSFailed, "%v", err)
}

func classifyConnect(err error) error {
	switch {
	case timedOut(err):
		return failf(probe.ConnectTimeout, "no connection in time")
	case errors.Is(err, syscall.ECONNREFUSED):
		return failf(probe.ConnectRefused, "%v", err)
	}
	return failf(probe.ConnectUnreachable, "%v", err)
}

func classifyTLS(err error) error {
	var (
		record    tls.RecordHeaderError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		authority x509.UnknownAuthorityError
	)
	switch {
	case timedOut(err):
		return failf(probe.TLSTimeout, "TLS handshake not finished in time")
	case errors.As(err, &record):
		return failf(probe.TLSNotTLS, "%v", record.Msg)
	case errors.As(err, &host):
		return failf(probe.TLSWrongHost, "%v", host)
	case errors.As(err, &authority):
		return failf(probe.TLSUntrusted, "%v", authority)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert.NotBefore.After(time.Now()):
		return failf(probe.TLSNotYetValid, "%v", invalid)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return failf(probe.TLSExpired, "%v", invalid)
	case errors.As(err, &invalid):
		return failf(probe.TLSUntrusted, "%v", invalid)
	}
	return failf(probe.TLSHandshake, "%v", err)
}

// classifyAnswer is for the time between CONNECT or SUBSCRIBE and its answer.
func classifyAnswer(err error) error {
	remote := (*net.OpError)(nil)
	switch {
	case timedOut(err):
		return failf(probe.ResponseTimeout, "no answer from the broker in time")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return failf(probe.ConnectionReset, "connection reset before an answer")
	case errors.As(err, &remote) && remote.Op == "remote error":
		// With TLS 1.3 a refused client certificate shows only after the handshake.
		return failf(probe.TLSHandshake, "%v", remote.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return failf(probe.ConnectionClosed, "connection closed before an answer")
	}
	return failf(malformed, "%v", err)
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}
