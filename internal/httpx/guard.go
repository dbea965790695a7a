package httpx

import (
	"context"
	"net"
	"sync"
	"time"
)

// guard interrupts a connection when its context ends. It costs no goroutine until then.
type guard struct {
	conn  net.Conn
	stop  func() bool
	ended sync.WaitGroup // the interruption
}

// newGuard gives conn the deadline of ctx and interrupts it when ctx is cancelled.
func newGuard(ctx context.Context, conn net.Conn) *guard {
	g := &guard{conn: conn}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // fails on a closed connection only, and then the next read says so
	}
	g.ended.Add(1)
	g.stop = context.AfterFunc(ctx, func() {
		defer g.ended.Done()
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	return g
}

// release waits until nothing interrupts the connection any more and leaves it open, without a deadline.
func (g *guard) release() {
	if g.stop() {
		g.ended.Done()
	}
	g.ended.Wait()
	_ = g.conn.SetDeadline(time.Time{}) // fails on a closed connection only, and then the next read says so
}

// close waits until nothing uses the connection any more and closes it.
func (g *guard) close() {
	if g.stop() {
		g.ended.Done()
	}
	g.ended.Wait()
	_ = g.conn.Close() // the exchange is over; there is nobody to tell
}
