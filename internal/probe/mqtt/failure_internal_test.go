package mqtt

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestClassify(t *testing.T) {
	socket := func(err error) error { return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)} }
	cases := []struct {
		name  string
		phase probe.Phase
		err   error
		want  probe.Reason // empty: not measured
	}{
		{"no such name", probe.Resolve, &net.DNSError{Name: "a", Err: "no such host", IsNotFound: true}, probe.DNSNotFound},
		{"resolver fails", probe.Resolve, &net.DNSError{Name: "a", Err: "server misbehaving"}, probe.DNSFailed},
		{"resolver hangs", probe.Resolve, &net.DNSError{Name: "a", Err: "i/o timeout", IsTimeout: true}, probe.DNSTimeout},
		{"resolver says something else", probe.Resolve, errors.New("odd"), probe.DNSFailed},
		{"refused", probe.Connect, socket(syscall.ECONNREFUSED), probe.ConnectRefused},
		{"no route", probe.Connect, socket(syscall.EHOSTUNREACH), probe.ConnectUnreachable},
		{"packets dropped", probe.Connect, socket(syscall.ETIMEDOUT), probe.ConnectTimeout},
		{"deadline", probe.Connect, context.DeadlineExceeded, probe.ConnectTimeout},
		{"own file handles used up", probe.Connect, socket(syscall.EMFILE), ""},
		{"own ports used up", probe.Connect, socket(syscall.EADDRNOTAVAIL), ""},
		{"handshake cut", probe.TLS, io.EOF, probe.TLSHandshake},
		{"handshake hangs", probe.TLS, os.ErrDeadlineExceeded, probe.TLSTimeout},
		{"answer cut", probe.Wait, io.ErrUnexpectedEOF, probe.ConnectionClosed},
		{"answer reset", probe.Wait, socket(syscall.ECONNRESET), probe.ConnectionReset},
		{"answer hangs", probe.Wait, os.ErrDeadlineExceeded, probe.ResponseTimeout},
		{"alert instead of an answer", probe.Wait, &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, probe.TLSHandshake},
		{"not MQTT", probe.Wait, errors.New("odd"), malformed},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			err := classify(t.Context(), tc.phase, tc.err)
			why, ok := errors.AsType[*failure](err)
			switch {
			case tc.want == "" && ok:
				t.Errorf("got reason %q, want the error itself: it says nothing about the channel", why.reason)
			case tc.want != "" && (!ok || why.reason != tc.want || why.detail == ""):
				t.Errorf("got %+v, want reason %q with a detail", err, tc.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := classify(ctx, probe.Connect, socket(syscall.ECONNREFUSED)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v of a cancelled context, want its error", err)
	}
}
