package probetest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// listen serves every connection on a port of loopback until the test ends, and then waits for all that it started.
func listen(tb testing.TB, serve func(net.Conn)) (address string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		tb.Fatal(err)
	}
	return serveOn(tb, listener, serve)
}

// serveOn is listen with a listener of its own.
func serveOn(tb testing.TB, listener net.Listener, serve func(net.Conn)) (address string) {
	tb.Helper()
	var serving sync.WaitGroup
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	ended := false
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			if ended {
				_ = conn.Close() // accepted in the last moment
			}
			mu.Unlock()
			serving.Go(func() {
				serve(conn)
				_ = conn.Close()
				mu.Lock()
				delete(open, conn)
				mu.Unlock()
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		ended = true
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return listener.Addr().String()
}

// talk is one side of a conversation: what a server does with a connection once it has read the request.
type talk func(conn net.Conn, request *http.Request)

// serveHTTP lets talk answer each request, over plain HTTP.
func serveHTTP(tb testing.TB, answer talk) Target {
	tb.Helper()
	return Target{URL: "http://" + listen(tb, func(conn net.Conn) { converse(conn, answer) }) + "/"}
}

// serveTLS lets talk answer each request, over TLS with a good certificate.
func serveTLS(tb testing.TB, answer talk) Target {
	tb.Helper()
	root := newRoot(tb, "Test Root")
	return serveTLSWith(tb, root.file(tb), &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}, answer)
}

// serveTLSWith is serveTLS with a configuration of its own.
func serveTLSWith(tb testing.TB, caFile string, config *tls.Config, answer talk) Target {
	tb.Helper()
	address := listen(tb, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.HandshakeContext(tb.Context()) == nil {
			converse(secured, answer)
			_ = secured.Close()
		}
	})
	return Target{URL: "https://" + address + "/", CAFile: caFile}
}

// converse reads one request and answers it. Without a request there is nobody to answer.
func converse(conn net.Conn, answer talk) {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, request.Body)
	answer(conn, request)
}

// say returns a talk that writes a text and hangs up.
func say(text string) talk {
	return func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, text) }
}

// sayAndHold returns a talk that writes a text and waits for the other side to hang up.
func sayAndHold(text string) talk {
	return func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, text)
		hold(conn)
	}
}

// sayForever returns a talk that writes a text and then more again and again, until the other side hangs up.
func sayForever(text string, more []byte) talk {
	return func(conn net.Conn, _ *http.Request) {
		_, err := io.WriteString(conn, text)
		for err == nil {
			_, err = conn.Write(more)
		}
	}
}

// drip returns a talk that writes a text and then one byte of more every few milliseconds, over and over.
func drip(text, more string) talk {
	return func(conn net.Conn, _ *http.Request) {
		_, err := io.WriteString(conn, text)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; err == nil; i++ {
			<-tick.C
			_, err = io.WriteString(conn, more[i%len(more):][:1])
		}
	}
}

// sayAndReset returns a talk that writes a text and resets the connection.
func sayAndReset(text string) talk {
	return func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, text)
		reset(conn)
	}
}

// hold waits until the other side hangs up.
func hold(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// reset ends a connection so that the other side gets a reset instead of an end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
