package demo

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// server is one server on a loopback port.
type server struct {
	*http.Server
	url string // without a slash at its end
}

// http1 is for servers that cut connections: over HTTP/2 only a stream could be cut.
func http1(p *http.Protocols) { p.SetHTTP1(true) }

func http1and2(p *http.Protocols) {
	p.SetHTTP1(true)
	p.SetHTTP2(true)
}

type certificates = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// serve starts a server on a free port.
func (s *Shop) serve(ctx context.Context, certs certificates, protocols func(*http.Protocols), handler http.Handler) (*server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	served := &server{url: "https://" + listener.Addr().String(), Server: newServer(handler)}
	served.TLSConfig = &tls.Config{GetCertificate: certs, MinVersion: tls.VersionTLS12}
	served.Protocols = new(http.Protocols)
	protocols(served.Protocols)
	s.serving.Go(func() {
		// It returns when the server is closed, and for no other reason on a loopback listener.
		_ = served.ServeTLS(listener, "", "")
	})
	return served, nil
}

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are part of the play
	}
}
