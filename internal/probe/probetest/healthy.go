package probetest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quic-go/quic-go/http3"
)

// HealthyHTTP1 starts a server that does everything right by HTTP/1.1: a small page behind a good certificate.
func HealthyHTTP1(tb testing.TB) Target {
	tb.Helper()
	return serveTLS(tb, say(goodAnswer))
}

// HealthyHTTP starts a server that does everything right: HTTP/2 over TLS with a good certificate, and a small page.
func HealthyHTTP(tb testing.TB) Target {
	tb.Helper()
	root := newRoot(tb, "Test Root")
	return serveHTTP2(tb, root.file(tb), &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}, welcome)
}

// HealthyHTTP3 starts a server that does everything right by HTTP/3, and is not there by TCP.
func HealthyHTTP3(tb testing.TB) Target {
	tb.Helper()
	root := newRoot(tb, "Test Root")
	return serveHTTP3(tb, root.file(tb), listenUDPOnly(tb), &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}, welcome)
}

func welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, goodBody)
}

// serveHTTP2 serves by HTTP/2 until the test ends.
func serveHTTP2(tb testing.TB, caFile string, config *tls.Config, handler http.HandlerFunc) Target {
	tb.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.TLS = config
	server.StartTLS()
	tb.Cleanup(server.Close)
	return Target{URL: server.URL + "/", CAFile: caFile}
}

// serveHTTP3 serves by HTTP/3 alone until the test ends.
func serveHTTP3(tb testing.TB, caFile string, socket net.PacketConn, config *tls.Config, handler http.HandlerFunc) Target {
	tb.Helper()
	server := &http3.Server{Handler: handler, TLSConfig: http3.ConfigureTLSConfig(config)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(socket) // ends when it is closed
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		_ = socket.Close()
		<-done
	})
	return Target{URL: "https://" + socket.LocalAddr().String() + "/", CAFile: caFile, HTTP3: "only"}
}

func listenUDP(tb testing.TB) net.PacketConn {
	tb.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		tb.Fatal(err)
	}
	return socket
}

// listenUDPOnly is listenUDP on a port on which nobody else can listen by TCP.
func listenUDPOnly(tb testing.TB) net.PacketConn {
	tb.Helper()
	for range 10 { // somebody else may have the UDP port
		socket, err := net.ListenPacket("udp", closedTCP(tb)) //nolint:noctx // it does not wait
		if err == nil {
			return socket
		}
	}
	tb.Fatal("no port is free in both protocols")
	return nil
}
