package websocket_test

import (
	"crypto/sha1" //nolint:gosec // RFC 6455, section 4.2.2
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/websocket"
)

// build returns a prober of the defaults with the URL and changes.
func build(t *testing.T, url string, change func(*websocket.Config)) (probe.Built, error) {
	t.Helper()
	c := websocket.Kind().NewConfig(probe.MobileApp).(*websocket.Config)
	c.URL = url
	if change != nil {
		change(c)
	}
	return websocket.Kind().Build(c, probe.Setup{
		Channel: "app", Touchpoint: "live", Type: probe.MobileApp, Every: time.Minute, Timeout: 10 * time.Second,
		Location: "test", UserAgent: "Channelwatch/1.2.3",
	})
}

// run probes once.
func run(t *testing.T, url string, change func(*websocket.Config)) probe.Result {
	t.Helper()
	built, err := build(t, url, change)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// serve starts a service that takes every upgrade and then talks.
func serve(t *testing.T, talk func(*coder.Conn)) (url string) {
	t.Helper()
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := coder.Accept(w, r, &coder.AcceptOptions{Subprotocols: []string{"prices"}, InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		talk(conn)
	})
}

// serveHTTP starts a service that answers every request with handle, and waits for all of them when the test ends.
func serveHTTP(t *testing.T, handle http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

// serveRaw starts a service that takes every upgrade by hand and then has the bare connection.
func serveRaw(t *testing.T, talk func(net.Conn)) (url string) {
	t.Helper()
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
			base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
		talk(conn)
	})
}

// echo sends back whatever comes.
func echo(t *testing.T) func(*coder.Conn) {
	t.Helper()
	return func(conn *coder.Conn) {
		for {
			kind, message, err := conn.Read(t.Context())
			if err != nil || conn.Write(t.Context(), kind, message) != nil {
				return
			}
		}
	}
}

// drain reads until the other side is gone.
func drain(t *testing.T) func(*coder.Conn) {
	t.Helper()
	return func(conn *coder.Conn) {
		for {
			if _, _, err := conn.Read(t.Context()); err != nil {
				return
			}
		}
	}
}

// overTLS starts an echo with a good certificate and returns the file of its authority.
func overTLS(tb testing.TB) (url, caFile string) {
	tb.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := coder.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	}))
	tb.Cleanup(server.Close)
	caFile = filepath.Join(tb.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		tb.Fatal(err)
	}
	return "wss" + strings.TrimPrefix(server.URL, "https"), caFile
}
