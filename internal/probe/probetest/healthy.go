package probetest

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// HealthyHTTP starts a server that does everything right: HTTP/2 over TLS with a good certificate, and a small page.
func HealthyHTTP(tb testing.TB) Target {
	tb.Helper()
	root := newRoot(tb, "Test Root")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, goodBody)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}
	server.StartTLS()
	tb.Cleanup(server.Close)
	return Target{URL: server.URL + "/", CAFile: root.file(tb)}
}
