package webpush

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// failure is why the receiver is not connected, as a result says it.
type failure struct {
	reason probe.Reason
	detail string
}

// Error returns the detail.
func (f *failure) Error() string { return f.detail }

// failed turns what ended the conversation with the push service, before there was a subscription, into a failure. The
// error of a cancelled context comes back as it is.
func failed(ctx context.Context, err error) error {
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case isNet && timeout.Timeout():
		return &failure{probe.ResponseTimeout, "receiver: no answer from the push service in time"}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &failure{probe.ConnectionReset, "receiver: connection reset before there was a subscription"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return &failure{probe.ConnectionClosed, "receiver: connection closed before there was a subscription"}
	}
	return &failure{refused, err.Error()}
}
