package rum_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/rum"
)

// dial opens a connection to the server.
func (s *server) dial() net.Conn {
	s.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() }) // the test may have done so
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

func TestServer_RefusesLongHeaders(t *testing.T) {
	s := serve(t, options())
	conn := s.dial()
	go func() {
		_, _ = fmt.Fprintf(conn, "POST /v1/vitals HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", strings.Repeat("x", 32<<10)) // it may end early
	}()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "431") {
		t.Errorf("answer %q, %v, want 431", line, err)
	}
}

func TestServer_StopCutsOffWhoSendsNothing(t *testing.T) {
	s, err := rum.New(options())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /v1/vitals HTTP/1.1\r\nHost: x\r\nOrigin: "+shopOrigin+"\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("answer %q, %v, want to be asked for the body", line, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("serving: %v, want nothing after a stop", err)
	}
}

func TestServer_SaysWhereItCannotServe(t *testing.T) {
	s, err := rum.New(options())
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
	if err := s.Serve(listener); err == nil || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("serving on a closed listener: %v, want an error with its address", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestServer_LogsAPanicWithoutItsSender breaks the clock.
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

func TestServer_LogsAPanicWithoutItsSender(t *testing.T) {
	var log logs
	opts := options()
	opts.Log = slog.New(slog.NewTextHandler(&log, nil))
	opts.Now = func() time.Time { panic("no clock") }
	s := serve(t, opts)
	if response, err := s.client.Do(s.request(good)); err == nil {
		t.Errorf("answer %d, want none", response.StatusCode)
	}
	if response, _ := s.do(s.get(http.MethodGet)); response.StatusCode != http.StatusOK {
		t.Errorf("answer %d after a panic, want 200", response.StatusCode)
	}
	text := log.String()
	if !strings.Contains(text, "no clock") || !strings.Contains(text, "handler.go") {
		t.Errorf("the log says %q, want the panic and where it was", text)
	}
	if strings.Contains(text, "203.0.113") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log tells an address: %s", text)
	}
}

// pipes is a listener to which somebody always connects who never says anything.
type pipes struct {
	closed   chan struct{}
	accepted atomic.Int64
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case <-p.closed:
		return nil, net.ErrClosed
	default:
	}
	p.accepted.Add(1)
	conn, _ := net.Pipe()
	return conn, nil
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestServer_BoundsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := rum.New(options())
		if err != nil {
			t.Fatal(err)
		}
		listener := &pipes{closed: make(chan struct{})}
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(listener) }()
		synctest.Wait()
		if n := listener.accepted.Load(); n != 1024 {
			t.Errorf("%d connections at once, want 1024", n)
		}
		<-time.After(6 * time.Second)
		synctest.Wait()
		if n := listener.accepted.Load(); n != 2*1024 {
			t.Errorf("%d connections once the first have said nothing for 5 s, want 2048: they are cut off", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
