package ledger_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

// caller is a connection from an address.
type caller struct {
	net.Conn
	from net.Addr
}

func (c caller) RemoteAddr() net.Addr { return c.from }

// callers is a listener to which the next caller connects at once.
type callers struct {
	next   func() (net.Conn, bool) // false: nobody more calls
	closed chan struct{}
}

func (c *callers) Accept() (net.Conn, error) {
	if conn, ok := c.next(); ok {
		return conn, nil
	}
	<-c.closed
	return nil, net.ErrClosed
}

func (c *callers) Close() error {
	close(c.closed)
	return nil
}

func (c *callers) Addr() net.Addr { return &net.TCPAddr{} }

// from returns the n-th address.
func from(n int) net.Addr {
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], uint32(n))
	return &net.TCPAddr{IP: address[:], Port: 1}
}

// answer serves callers in a bubble of synctest and returns how to stop.
func answer(t *testing.T, opts ledger.Options, next func() (net.Conn, bool)) (stop func()) {
	t.Helper()
	if opts.Ledger == nil {
		opts.Ledger = ledger.New()
	}
	server, err := ledger.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	listener := &callers{next: next, closed: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestServer_BoundsConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, l := 0, ledger.New()
		stop := answer(t, ledger.Options{Ledger: l}, func() (net.Conn, bool) {
			n++
			conn, _ := net.Pipe()
			return caller{conn, from(n)}, n < 5000
		})
		synctest.Wait()
		if n != 1024 {
			t.Errorf("%d connections at once, want 1024", n)
		}
		if got := countsOf(l).limited; got != 1 {
			t.Errorf("limited %v times, want that there is no more room counted once", got)
		}
		<-time.After(4 * time.Second)
		synctest.Wait()
		if n != 2*1024 {
			t.Errorf("%d connections once the first have said nothing for 3 s, want 2048: they are cut off", n)
		}
		stop()
	})
}

func TestServer_HangsUpOnSendersWithManyConnections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		from net.Addr
		open int
	}{
		{"a stranger", from(1 << 30), 64},
		{"an IPv6 network", &net.TCPAddr{IP: net.ParseIP("2001:db8::1")}, 64},
		{"a trusted proxy", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, 100},
		{"whoever has no address", &net.UnixAddr{Name: "@", Net: "unix"}, 64},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n, others := 0, 0
				var ends []net.Conn
				l := ledger.New()
				stop := answer(t, ledger.Options{Ledger: l, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}, func() (net.Conn, bool) {
					n++
					ours, theirs := net.Pipe()
					if n <= 100 {
						ends = append(ends, theirs)
						return caller{ours, test.from}, true
					}
					others++
					return caller{ours, from(n)}, n <= 101
				})
				synctest.Wait()
				if open := stillOpen(ends); open != test.open {
					t.Errorf("%d of 100 connections are open, want %d", open, test.open)
				}
				if got := countsOf(l).limited; got != float64(100-test.open) {
					t.Errorf("limited %v times, want each of %d that are hung up on", got, 100-test.open)
				}
				if others == 0 {
					t.Error("nobody else gets through")
				}
				stop()
				for _, end := range ends {
					_ = end.Close()
				}
			})
		})
	}
}

// stillOpen counts the pipes that the other end has not closed.
func stillOpen(ends []net.Conn) (open int) {
	for _, end := range ends {
		if err := end.SetDeadline(time.Time{}); err == nil {
			open++
		}
	}
	return open
}

// TestServer_MakesRoomWhenConnectionsEnd has one address come again and again.
func TestServer_MakesRoomWhenConnectionsEnd(t *testing.T) {
	t.Parallel()
	s := serve(t, ledger.Options{})
	for range 200 {
		s.send(http.MethodPost, "/v1/heartbeat", "", "Connection", "close")
	}
	if got := countsOf(s.Ledger); got.unauthorized+got.limited != 200 {
		t.Errorf("got %+v, want 200 requests", got)
	}
}

// TestServer_CutsOffWhoIsSlow sends a request byte by byte: the whole of it would take minutes.
func TestServer_CutsOffWhoIsSlow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, once, slowly string
		within             time.Duration
	}{
		{"the header", "POST /v1/sent HTTP/1.1\r\n", "X-Slow: " + strings.Repeat("x", 500), 3 * time.Second},
		{"the body", "POST /v1/sent HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n", strings.Repeat(" ", 500), 10 * time.Second},
		{"the next request", "POST /v1/sent HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "", 10 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				called := false
				stop := answer(t, ledger.Options{}, func() (net.Conn, bool) {
					defer func() { called = true }()
					return caller{ours, from(1)}, !called
				})
				start := time.Now()
				var writing sync.WaitGroup
				writing.Go(func() {
					_, _ = io.WriteString(theirs, test.once)
					for i := range test.slowly {
						<-time.After(time.Second)
						if _, err := io.WriteString(theirs, test.slowly[i:i+1]); err != nil {
							return
						}
					}
				})
				_, _ = io.Copy(io.Discard, theirs) // until the server hangs up
				if took := time.Since(start); took < test.within || took > test.within+2*time.Second {
					t.Errorf("cut off after %v, want %v", took, test.within)
				}
				_ = theirs.Close()
				writing.Wait()
				stop()
			})
		})
	}
}

func TestServer_RefusesLongHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, ledger.Options{})
	if got := s.exchange(request("POST", "/v1/sent", "X-Long: "+strings.Repeat("x", 32<<10)+"\r\n", "")); !strings.Contains(got, "431") {
		t.Errorf("got %q, want 431", got)
	}
	if got := s.exchange(request("POST", "/v1/receipts/"+strings.Repeat("x", 32<<10), "", "")); !strings.Contains(got, "431") {
		t.Errorf("got %q for a long address, want 431", got)
	}
}

func TestServer_SaysWhereItCannotServe(t *testing.T) {
	t.Parallel()
	server, err := ledger.NewServer(ledger.Options{Ledger: ledger.New()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(listener); err == nil || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("serving on a closed listener: %v, want an error with its address", err)
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// logs is a log that a test reads while others may write it.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestServer_LogsNothingOfItsSenders has a server that breaks, because it has no ledger, and one that does not.
func TestServer_LogsNothingOfItsSenders(t *testing.T) {
	t.Parallel()
	var log logs
	opts := ledger.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	broken, err := ledger.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if p := recover(); p != any(http.ErrAbortHandler) {
				t.Errorf("got the panic %v, want one that net/http says nothing of", p)
			}
		}()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/receipts/the-id-of-a-message", nil)
		r.RemoteAddr = "203.0.113.7:1"
		broken.ServeHTTP(httptest.NewRecorder(), r)
	}()
	if text := log.String(); !strings.Contains(text, "panicked") || !strings.Contains(text, "handler.go") {
		t.Errorf("the log says %q, want the panic and where it was", text)
	}
	s := serve(t, opts)
	book := s.OpenBook(token, time.Minute)
	defer book.Close()
	s.send(http.MethodPost, "/v1/sent", `{"id":"the-id-of-a-message"}`, "Authorization", "Bearer "+token)
	s.send(http.MethodPost, "/v1/receipts/the-id-of-a-message", "")
	s.send(http.MethodGet, "/the-id-of-a-message", "")
	s.exchange("no HTTP at all, but the-id-of-a-message\r\n\r\n")
	for _, secret := range []string{"the-id-of", token, "203.0.113", "127.0.0.1"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %s: %s", secret, log.String())
		}
	}
}
