package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	coder "github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// shown is how much of a message evidence and details hold, in bytes.
const shown = 300

// talk pings, sends and waits, as the settings say. It returns why it could not go on, or nil. ctx is cancelled when the
// connection ends.
func (v *visit) talk(ctx context.Context, conn *coder.Conn, l *listener) *probe.Finding {
	if v.ping {
		if why := v.pinged(ctx, conn, l); why != nil {
			return why
		}
	}
	if !v.awaits {
		return nil
	}
	began := time.Now()
	l.armed.Store(true)
	if v.send != "" {
		err := conn.Write(ctx, coder.MessageText, []byte(v.send))
		v.mark(probe.Send)
		if err != nil {
			return v.ending(l, probe.Findingf(probe.SendFailed, "the message of %d bytes was not taken", len(v.send)))
		}
		v.note("sent %d bytes", len(v.send))
	}
	return v.answered(l, began) //nolint:contextcheck // the rules have a time of their own
}

// pinged asks whether the other side is alive.
func (v *visit) pinged(ctx context.Context, conn *coder.Conn, l *listener) *probe.Finding {
	began := time.Now()
	err := conn.Ping(ctx)
	v.mark(probe.Wait)
	took := time.Since(began)
	if err != nil {
		return v.ending(l, probe.Findingf(noPong, "no pong within %v of the ping", took.Round(time.Millisecond)))
	}
	v.measure(pingSeconds, took)
	v.note("ping answered within %v", took.Round(time.Microsecond))
	return nil
}

// answered waits for the message and looks at it.
func (v *visit) answered(l *listener, began time.Time) *probe.Finding {
	var message []byte
	select {
	case message = <-l.found:
	case <-l.ended:
		select {
		case message = <-l.found: // came before the end
		default:
			v.mark(probe.Wait)
			return v.ending(l, nil)
		}
	}
	v.mark(probe.Wait)
	v.measure(answerSeconds, v.last.Sub(began))
	v.note("the message came: %q", probe.Clip(string(message), shown))
	v.result.Detail = fmt.Sprintf("connected, message of %d bytes", len(message))
	v.result.Findings = append(v.result.Findings, v.asserts.Check(&assert.Response{
		Status: v.response.Status, Header: v.response.Header, Body: message, Start: v.result.Start, Duration: v.result.Duration,
		Phases: v.result.Phases, NotBefore: v.response.NotBefore, NotAfter: v.response.NotAfter,
	})...)
	return nil
}

// ending says why the connection is of no more use: the service's own close frame, what broke it, or that the time was
// over, in the words of late where there are any.
func (v *visit) ending(l *listener, late *probe.Finding) *probe.Finding {
	<-l.ended // at the latest with the context
	bye, isBye := errors.AsType[coder.CloseError](l.err)
	switch {
	case isBye:
		return probe.Findingf(closed, "closed by the service with code %d (%v), reason %q", int(bye.Code), bye.Code, probe.Clip(bye.Reason, shown))
	case !errors.Is(l.err, context.DeadlineExceeded):
		return broken(l.err)
	case late != nil:
		return late
	}
	detail := fmt.Sprintf("no message with the expected texts in time, of %d that came", l.messages)
	if l.tooLong > 0 {
		detail += fmt.Sprintf(", %d of them over %d bytes", l.tooLong, v.maxMessage)
	}
	if l.lastSeen != nil {
		detail += fmt.Sprintf("; the last one starts with %q", probe.Clip(string(l.lastSeen), shown))
	}
	return &probe.Finding{Check: noMessage, Detail: detail}
}

// broken says what a connection ended with that had neither a close frame nor a deadline.
func broken(err error) *probe.Finding {
	switch {
	case errors.Is(err, errFlood):
		return probe.Findingf(noMessage, "%v", err)
	case wasReset(err):
		return probe.Findingf(probe.ConnectionReset, "the connection was reset without a close frame")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return probe.Findingf(probe.ConnectionClosed, "the connection was closed without a close frame")
	}
	return probe.Findingf(probe.ResponseMalformed, "what came is no WebSocket frame that a client can take: %s", probe.Clip(err.Error(), shown))
}
