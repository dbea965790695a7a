package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"

	coder "github.com/coder/websocket"
)

// maxFlood bounds what is read of one connection, in bytes: a service that talks without end is no reason to load the
// network.
const maxFlood = 16 << 20

var errFlood = fmt.Errorf("%d MiB came without a message with the expected texts", maxFlood>>20)

// listener reads all messages of a connection, because pongs and close frames are seen by reading only, and hands over
// the first that fits and comes while it is armed: from the start, or once something was sent.
type listener struct {
	conn   *coder.Conn
	limit  int64
	expect []string
	armed  atomic.Bool
	found  chan []byte   // of one
	ended  chan struct{} // closed when nothing more is read

	// The rest is the goroutine's until it has ended.
	err      error // why nothing more is read; never nil then
	total    int64 // bytes
	messages int
	tooLong  int    // messages
	lastSeen []byte // the start of the last message
}

// listen reads until the connection or the context ends, and calls end then.
func listen(ctx context.Context, conn *coder.Conn, s *settings, end func()) *listener {
	l := &listener{
		conn: conn, limit: s.maxMessage, expect: s.expect, found: make(chan []byte, 1), ended: make(chan struct{}),
	}
	l.armed.Store(s.send == "")
	go func() {
		defer end()
		defer close(l.ended)
		for l.err == nil {
			l.err = l.next(ctx)
		}
	}()
	return l
}

// next reads one message.
func (l *listener) next(ctx context.Context) error {
	_, r, err := l.conn.Reader(ctx)
	if err != nil {
		return err
	}
	message, err := io.ReadAll(io.LimitReader(r, l.limit+1))
	if err != nil {
		return err
	}
	size := int64(len(message))
	if size > l.limit {
		rest, err := io.Copy(io.Discard, io.LimitReader(r, maxFlood-l.total))
		if err != nil {
			return err
		}
		size += rest
	}
	l.messages++
	if l.total += size; l.total >= maxFlood {
		return errFlood
	}
	if size > l.limit {
		l.tooLong++
	} else {
		l.offer(message)
	}
	l.lastSeen = bytes.Clone(message[:min(len(message), shown+1)])
	return nil
}

// offer hands a message over when it is the one.
func (l *listener) offer(message []byte) {
	if !l.armed.Load() {
		return
	}
	for _, text := range l.expect {
		if !bytes.Contains(message, []byte(text)) {
			return
		}
	}
	select {
	case l.found <- message:
	default: // there was one before
	}
}

// wasReset reports whether the other side cut the connection.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
