package httpx_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// serveHTTP3 serves by HTTP/3 alone until the test ends.
func serveHTTP3(t *testing.T, config *tls.Config, handler http.HandlerFunc) (address string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: handler, TLSConfig: http3.ConfigureTLSConfig(config)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(socket) // ends when it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = socket.Close()
		<-done
	})
	return socket.LocalAddr().String()
}

// quicClient returns a client that asks by HTTP/3 and trusts the authority, and the configuration of its server.
func quicClient(t *testing.T, opts httpx.Options) (*httpx.Client, *tls.Config) {
	t.Helper()
	root := (*authority)(nil).issue(t, ca(template("Test Root")))
	leaf := root.issue(t, template("127.0.0.1", "127.0.0.1"))
	opts.TLS.CAFile, opts.Protocols = root.file(t), []string{httpx.HTTP3}
	return newClient(t, opts), &tls.Config{Certificates: []tls.Certificate{leaf.with(leaf)}}
}

func TestHTTP3_Exchange(t *testing.T) {
	t.Parallel()
	client, config := quicClient(t, httpx.Options{MaxRedirects: 2})
	address := serveHTTP3(t, config, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?a=1", http.StatusFound)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = fmt.Fprintf(w, "%s %s %s %d %s %s", r.Proto, r.Method, r.Header.Get("X-Key"), r.ContentLength, r.Host, body)
	})
	resp := do(t, client, &httpx.Request{
		Method: http.MethodPost, URL: "https://" + address + "/", Header: http.Header{"X-Key": {"open"}}, Body: []byte(strings.Repeat("b", 5)),
	})
	if resp.Reason != "" {
		t.Fatalf("got reason %q: %s", resp.Reason, resp.Detail)
	}
	if got, want := string(resp.Body), "HTTP/3.0 POST open 5 "+address+" bbbbb"; got != want {
		t.Errorf("got body %q, want %q", got, want)
	}
	wantPhases(t, &resp.Phases, probe.TLS, probe.Send, probe.Wait, probe.Receive)
	checkClocks(t, resp)
	facts := resp.Exchanges[0].TLS
	if resp.Protocol != "HTTP/3" || facts == nil || facts.ALPN != "h3" || facts.Version != "TLS 1.3" || len(facts.Chain) == 0 || resp.NotAfter.IsZero() {
		t.Errorf("got protocol %q, TLS %+v and end %v, want HTTP/3 with its facts", resp.Protocol, facts, resp.NotAfter)
	}
	if got := resp.Exchanges[0].Address; got != address {
		t.Errorf("got address %q, want %q", got, address)
	}

	resp = do(t, client, &httpx.Request{URL: "https://" + address + "/old"})
	if resp.Reason != "" || len(resp.Exchanges) != 2 || resp.Status != http.StatusOK || resp.Exchanges[1].Protocol != "HTTP/3" {
		t.Errorf("got reason %q (%s) and %+v, want the answer behind the redirect", resp.Reason, resp.Detail, resp.Exchanges)
	}
}

func TestHTTP3_Limits(t *testing.T) {
	t.Parallel()
	client, config := quicClient(t, httpx.Options{BodyLimit: 1 << 10})
	address := serveHTTP3(t, config, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 300<<10))
		case "/body":
			_, _ = w.Write(make([]byte, 2<<10))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4<<10)); err != nil {
					return
				}
			}
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("short"))
		case "/nothing":
			panic(http.ErrAbortHandler)
		case "/hang":
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/silent":
			<-r.Context().Done()
		}
	})
	for path, want := range map[string]probe.Reason{
		"/header": probe.HeaderTooLarge, "/body": probe.BodyTooLarge, "/endless": probe.BodyTooLarge, "/short": probe.BodyTruncated,
		"/nothing": probe.ConnectionReset, "/hang": probe.BodyTimeout, "/silent": probe.ResponseTimeout,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			resp, err := client.Do(within(t, patience(want, 2*time.Second)), &httpx.Request{URL: "https://" + address + path})
			if err != nil {
				t.Fatal(err)
			}
			if resp.Reason != want {
				t.Errorf("got reason %q (%s), want %q", resp.Reason, resp.Detail, want)
			}
			checkClocks(t, resp)
		})
	}
}

func TestHTTP3_Handshake(t *testing.T) {
	t.Parallel()
	client, config := quicClient(t, httpx.Options{})
	other := config.Clone()
	other.NextProtos = []string{"doq"}
	stranger := (*authority)(nil).issue(t, template("127.0.0.1", "127.0.0.1"))
	for name, tt := range map[string]struct {
		address string
		want    probe.Reason
	}{
		"nothing listens":     {closedUDP(t), probe.ConnectRefused},
		"black hole":          {serveUDP(t, nil), probe.ConnectTimeout},
		"another protocol":    {serveQUIC(t, other), probe.TLSALPN},
		"nonsense":            {serveUDP(t, []byte("what is this?")), probe.TLSTimeout},
		"unknown certificate": {serveHTTP3(t, &tls.Config{Certificates: []tls.Certificate{stranger.with(stranger)}}, http.NotFound), probe.TLSUntrusted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := client.Do(within(t, patience(tt.want, 2*time.Second)), &httpx.Request{URL: "https://" + tt.address})
			if err != nil {
				t.Fatal(err)
			}
			if resp.Reason != tt.want {
				t.Errorf("got reason %q (%s), want %q", resp.Reason, resp.Detail, tt.want)
			}
			wantPhases(t, &resp.Phases, probe.TLS)
			checkClocks(t, resp)
		})
	}
}

func TestHTTP3_Cancelled(t *testing.T) {
	t.Parallel()
	client, config := quicClient(t, httpx.Options{})
	ctx, cancel := contextWithCancel(t)
	address := serveHTTP3(t, config, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if resp, err := client.Do(ctx, &httpx.Request{URL: "https://" + address}); err == nil {
		t.Errorf("got %+v, want the error of the cancelled context", resp)
	}
}

// closedUDP returns the address of a socket that takes datagrams of another one only.
func closedUDP(t *testing.T) (address string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// serveUDP answers every datagram with the same one, or with none.
func serveUDP(t *testing.T, answer []byte) (address string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := make([]byte, 2<<10); ; {
			_, from, err := socket.ReadFrom(p)
			if err != nil {
				return
			}
			if answer != nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = socket.Close()
		<-done
	})
	return socket.LocalAddr().String()
}

// serveQUIC makes handshakes and nothing else.
func serveQUIC(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	listener, err := quic.ListenAddr("127.0.0.1:0", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := listener.Accept(context.Background()); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}
