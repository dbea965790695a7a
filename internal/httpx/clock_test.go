package httpx_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// delay makes what a server takes its time for: long against what a busy machine adds to other phases.
const delay = 300 * time.Millisecond

// Every delay shows up in the phase that it belongs to, and a body that comes slowly is part of the duration.
func TestClient_DelaysAreFoundInTheirPhase(t *testing.T) {
	t.Parallel()
	cert, options := tlsTarget(t)
	pause := func() { <-time.After(delay) }
	handler := func(before, within bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if before {
				pause()
			}
			_, _ = w.Write([]byte("hel"))
			_ = http.NewResponseController(w).Flush()
			if within {
				pause()
			}
			_, _ = w.Write([]byte("lo"))
		}
	}
	serve := func(before, within bool, protocols ...string) string {
		return "https://" + serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protocols}, handler(before, within))
	}
	hints := func(protocol string) string {
		config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{protocol}}
		return "https://" + serveTLS(t, config, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			pause()
			_, _ = w.Write([]byte("hello"))
		})
	}
	slowTLS := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { pause(); return &cert, nil }}
	dns := slowNameserver(t)
	plain := listen(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	_, port, _ := net.SplitHostPort(plain)
	tests := []struct {
		name, url string
		opts      httpx.Options
		phase     probe.Phase
	}{
		{"name", "http://slow.test:" + port, httpx.Options{Resolver: dns}, probe.Resolve},
		{"handshake", "https://" + serveTLS(t, slowTLS, handler(false, false)), httpx.Options{}, probe.TLS},
		{"HTTP/1.1 answer", serve(true, false, "http/1.1"), httpx.Options{}, probe.Wait},
		{"HTTP/1.1 body", serve(false, true, "http/1.1"), httpx.Options{}, probe.Receive},
		{"HTTP/2 answer", serve(true, false, "h2"), httpx.Options{}, probe.Wait},
		{"HTTP/1.1 answer after hints", hints("http/1.1"), httpx.Options{}, probe.Wait},
		{"HTTP/2 answer after hints", hints("h2"), httpx.Options{}, probe.Wait},
		{"HTTP/2 body", serve(false, true, "h2"), httpx.Options{}, probe.Receive},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.opts.TLS = options
			client := newClient(t, test.opts)
			var last probe.Phases
			for range 5 { // a busy machine may begin with the delay before the phase does, or add one elsewhere
				resp := do(t, client, &httpx.Request{URL: test.url})
				if resp.Reason != "" || string(resp.Body) != "hello" {
					t.Fatalf("got %q (%s), body %q", resp.Reason, resp.Detail, resp.Body)
				}
				last = resp.Phases
				got, _ := last.Get(test.phase)
				if longest, _ := last.Longest(); longest == test.phase && got >= delay/2 {
					return
				}
			}
			t.Errorf("got %v, want about %v in the phase %v", last, delay, test.phase)
		})
	}
}

// The time that a failure took is told as well.
func TestClient_FailuresAreTimed(t *testing.T) {
	const deadline = time.Second
	addr := listen(t, hang)
	resp, err := newClient(t, httpx.Options{}).Do(within(t, deadline), &httpx.Request{URL: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	checkClocks(t, resp)
	if wait, _ := resp.Phases.Get(probe.Wait); wait < deadline/2 || resp.Start.IsZero() {
		t.Errorf("waited %v from %v, want about %v", wait, resp.Start, deadline)
	}
}

// Without a deadline in the context the client's own holds.
func TestClient_OwnTimeout(t *testing.T) {
	addr := listen(t, hang)
	resp := do(t, newClient(t, httpx.Options{Timeout: time.Second}), &httpx.Request{URL: "http://" + addr})
	if resp.Reason != probe.ResponseTimeout {
		t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, probe.ResponseTimeout)
	}
}

// slowNameserver knows slow.test and takes its time for every answer.
func slowNameserver(t *testing.T) string {
	t.Helper()
	direct := map[string]any{"slow.test": []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	var config net.ListenConfig
	conn, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			<-time.After(delay)
			_, _ = conn.WriteTo(dnsReply(direct, b[:n]), from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}
