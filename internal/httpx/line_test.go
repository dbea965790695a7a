package httpx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fallback uint16
		host     string
		port     uint16
		wrong    bool
	}{
		"mail.example.com:25": {host: "mail.example.com", port: 25},
		"mail.example.com":    {fallback: 443, host: "mail.example.com", port: 443},
		"[2001:db8::1]:25":    {host: "2001:db8::1", port: 25},
		"192.0.2.1:65535":     {host: "192.0.2.1", port: 65535},
		"bücher.example:25":   {host: "xn--bcher-kva.example", port: 25},
		"no-port.example":     {wrong: true},
		"h:0":                 {wrong: true},
		"h:65536":             {wrong: true},
		"me@h:25":             {wrong: true},
		"h:25/path":           {wrong: true},
		"h:25?q":              {wrong: true},
		"two words:25":        {wrong: true},
		"":                    {fallback: 443, wrong: true},
	}
	for text, test := range tests {
		got, err := httpx.ParseEndpoint(text, test.fallback)
		if test.wrong != (err != nil) || got.Host != test.host || got.Port != test.port {
			t.Errorf("%q: got %+v, %v, want %q and %d, an error: %v", text, got, err, test.host, test.port, test.wrong)
		}
	}
}

// listenTCP accepts one connection and hands it over.
func listenTCP(t *testing.T) (httpx.Endpoint, <-chan net.Conn) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			accepted <- conn
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	to, err := httpx.ParseEndpoint(listener.Addr().String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return to, accepted
}

func openLine(ctx context.Context, t *testing.T, to httpx.Endpoint) *httpx.Line {
	t.Helper()
	client, err := httpx.New(httpx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	line, err := client.Open(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Close)
	return line
}

// TestOpen_Interrupted ends a read when the context is cancelled, and at its deadline.
func TestOpen_Interrupted(t *testing.T) {
	t.Parallel()
	for name, cancels := range map[string]bool{"cancelled": true, "deadline": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, accepted := listenTCP(t)
			deadline := time.Second // there has to be a connection before it
			if cancels {
				deadline = time.Minute
			}
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			line := openLine(ctx, t, to)
			if cancels {
				timer := time.AfterFunc(50*time.Millisecond, cancel)
				defer timer.Stop()
			}
			conn := <-accepted
			defer func() { _ = conn.Close() }()
			_, err := line.Conn.Read(make([]byte, 1))
			if reason, _ := httpx.WaitReason(err); reason != probe.ResponseTimeout {
				t.Errorf("got %v, want a read that ran out of time", err)
			}
		})
	}
}

// TestOpen_Close lets the other side know, and may be called twice.
func TestOpen_Close(t *testing.T) {
	t.Parallel()
	to, accepted := listenTCP(t)
	line := openLine(t.Context(), t, to)
	conn := <-accepted
	defer func() { _ = conn.Close() }()
	line.Close()
	line.Close()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end of the connection", err)
	}
}

// TestOpen_Phases add up to the duration, those that the caller marks too.
func TestOpen_Phases(t *testing.T) {
	t.Parallel()
	to, accepted := listenTCP(t)
	line := openLine(t.Context(), t, to)
	defer func() { _ = (<-accepted).Close() }()
	line.Mark(probe.Wait)
	result := line.Result("HELLO", "tcp://"+to.String())
	_, connected := result.Phases.Get(probe.Connect)
	_, waited := result.Phases.Get(probe.Wait)
	if !connected || !waited || result.Duration != result.Phases.Sum() || result.Start != line.Start {
		t.Errorf("got %v of %+v, want connect and wait, and their sum", result.Duration, result.Phases)
	}
	if exchange := result.Evidence.Exchanges[0]; exchange.Address != to.String() || exchange.Method != "HELLO" {
		t.Errorf("got %+v, want the address that answered", exchange)
	}
}
