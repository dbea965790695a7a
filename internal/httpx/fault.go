package httpx

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"syscall"

	"golang.org/x/net/http/httpguts"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// fault is an error that says something about the service: it becomes the reason of a Response. Every other error means
// that nothing could be measured.
type fault struct {
	reason probe.Reason
	detail string
}

// Error returns the detail.
func (f *fault) Error() string { return f.detail }

func faultf(reason probe.Reason, format string, args ...any) error {
	return &fault{reason, fmt.Sprintf(format, args...)}
}

// timedOut reports whether err is a deadline that passed.
func timedOut(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}

// ours reports whether err is a lack of the agent's own resources, which says nothing about the service.
func ours(err error) bool {
	for _, cause := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// wasReset reports whether the other side cut the connection.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// bare returns the innermost text of a network error: addresses and ports of the agent's side help nobody, and the value
// of a header field may be a cookie.
func bare(err error) string {
	if line, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return malformedField(string(line))
	}
	if opErr, ok := errors.AsType[*net.OpError](err); ok && opErr.Err != nil {
		err = opErr.Err
	}
	return probe.Clip(err.Error(), maxFieldValue)
}

// malformedField says what is wrong with a header line that package textproto quotes in full.
func malformedField(text string) string {
	_, line, _ := strings.Cut(text, `"`)
	name, _, _ := strings.Cut(line, ":")
	if name == line || !httpguts.ValidHeaderFieldName(name) {
		return "a line is no header field, want name: value"
	}
	return "field " + probe.Clip(name, 40) + " has a control character in its value"
}
