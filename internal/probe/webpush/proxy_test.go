package webpush_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// blackHole passes connections on until they are swallowed: then nothing gets through any more, and nobody is told. New
// connections are passed on again.
type blackHole struct {
	address string

	mu      sync.Mutex
	passing []chan struct{} // closed for connections that are swallowed
}

func newBlackHole(tb testing.TB, to string) *blackHole {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	h := &blackHole{address: listener.Addr().String()}
	var work sync.WaitGroup
	var conns []net.Conn
	work.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			swallowed := make(chan struct{})
			h.mu.Lock()
			h.passing = append(h.passing, swallowed)
			conns = append(conns, near, far)
			h.mu.Unlock()
			work.Go(func() { pass(near, far, swallowed) })
			work.Go(func() { pass(far, near, swallowed) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		h.mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		h.mu.Unlock()
		work.Wait()
	})
	return h
}

// pass copies what comes from one end to the other until it is swallowed.
func pass(from, to net.Conn, swallowed <-chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-swallowed:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			_ = to.Close()
			return
		}
	}
}

// swallow ends all connections there are without a word to anybody.
func (h *blackHole) swallow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, swallowed := range h.passing {
		close(swallowed)
	}
	h.passing = nil
}

// A connection that is dead without a word would lose every message from then on.
func TestProbe_HalfDeadReceiverIsNoticedBeforeAMessageIsSent(t *testing.T) {
	t.Parallel()
	s := newStage(t, pushservice.Options{})
	hole := newBlackHole(t, s.address)
	p := newProber(t, nil, func(c *webpush.Config) { c.Receive, c.Service = "self", "ws://"+hole.address+"/" })
	want(t, take(t, p), "", "delivered")
	waitUntil(t, "the message to be confirmed", func() bool { return s.service.Acks(100) == 1 })
	hole.swallow()
	start := time.Now()
	r := take(t, p)
	want(t, r, "", "delivered")
	wantFindings(t, r, "receiver_disconnected")
	if r.Duration > time.Since(start)-500*time.Millisecond {
		t.Errorf("delivery took %v of %v, want the time in which the connection was found dead not to count", r.Duration, time.Since(start))
	}
	wantFindings(t, take(t, p))
}
