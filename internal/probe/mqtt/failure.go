package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// failure is why a connection could not be opened, as a result says it.
type failure struct {
	reason probe.Reason
	detail string
	answer push.Answer // the broker's, where it rejected the login
}

// Error returns the detail.
func (f *failure) Error() string { return f.detail }

// ended reports whether the other side ended the connection instead of an answer.
func (f *failure) ended() bool {
	return f.reason == probe.ConnectionClosed || f.reason == probe.ConnectionReset
}

func newFailure(reason probe.Reason, format string, args ...any) *failure {
	return &failure{reason: reason, detail: fmt.Sprintf(format, args...), answer: push.Answer{Word: push.Unanswered}}
}

func failf(reason probe.Reason, format string, args ...any) error {
	return newFailure(reason, format, args...)
}

// classify turns what broke a phase into a failure. A context that was cancelled and a lack of the agent's own resources
// say nothing about the channel: such an error comes back as it is. probe.Wait stands for the time between CONNECT and its answer.
func classify(ctx context.Context, phase probe.Phase, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	for _, ours := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE,
	} {
		if errors.Is(err, ours) {
			return err
		}
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
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case timedOut(err):
		return failf(probe.DNSTimeout, "no answer from the resolver in time")
	case isDNS && dns.IsNotFound:
		return failf(probe.DNSNotFound, "%s: no such host", dns.Name)
	case isDNS:
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
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return failf(probe.TLSNotTLS, "answer is not TLS: begins with %q", record.RecordHeader[:])
	}
	if distrust, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return distrusted(distrust)
	}
	switch {
	case timedOut(err):
		return failf(probe.TLSTimeout, "TLS handshake not complete in time")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return failf(probe.TLSHandshake, "connection reset during the TLS handshake")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failf(probe.TLSHandshake, "connection closed during the TLS handshake")
	}
	return failf(probe.TLSHandshake, "TLS handshake: %v", err)
}

func distrusted(err *tls.CertificateVerificationError) error {
	reason, detail := probe.Distrust(err.UnverifiedCertificates, err.Err, time.Now())
	return newFailure(reason, "%s", detail)
}

// classifyAnswer is for the time between CONNECT or SUBSCRIBE and its answer.
func classifyAnswer(err error) error {
	remote, isOp := errors.AsType[*net.OpError](err)
	switch {
	case timedOut(err):
		return failf(probe.ResponseTimeout, "no answer from the broker in time")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return failf(probe.ConnectionReset, "connection reset before an answer")
	case isOp && remote.Op == "remote error":
		// With TLS 1.3 a refused client certificate shows only after the handshake.
		return failf(probe.TLSHandshake, "%v", remote.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return failf(probe.ConnectionClosed, "connection closed before an answer")
	}
	return failf(malformed, "%v", err)
}

func timedOut(err error) bool {
	timeout, isNet := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || isNet && timeout.Timeout()
}
