package apns_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
	"github.com/channelwatch/channelwatch/internal/push"
)

// speaksHTTP2 answers a request with the frames of a talk.
func speaksHTTP2(talk func(*http2.Framer)) func(*tls.Conn) {
	return func(conn *tls.Conn) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		framer := http2.NewFramer(conn, conn)
		_ = framer.WriteSettings()
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if data, ok := frame.(*http2.DataFrame); ok && data.StreamEnded() {
				break
			}
		}
		talk(framer)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// hangUp ends a connection, and takes what is still sent: closing it with something unread would reset it.
func hangUp(conn *tls.Conn) {
	_, _ = conn.Read(make([]byte, 1))
	if tcp, ok := conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, tcp)
	}
}

// hardReset cuts a connection so that the other side learns of it.
func hardReset(conn *tls.Conn) {
	if tcp, ok := conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
}

// TestProbe_NamesWhatWentWrongOnTheWay has one kind of trouble at a time, each twice over, and then none: no trouble may
// last longer than its cause.
func TestProbe_NamesWhatWentWrongOnTheWay(t *testing.T) {
	t.Parallel()
	// A canary may have got a message whose sender saw trouble, so that it is waited for until the window is over.
	quick, both := []string{"acceptance"}, []string{"acceptance", "canary"}
	cases := []struct {
		name  string
		modes []string
		talk  func(*tls.Conn)
		want  probe.Reason
	}{
		{"black hole", both, func(conn *tls.Conn) { _, _ = io.Copy(io.Discard, conn) }, probe.ResponseTimeout},
		{"silent after settings", quick, speaksHTTP2(func(*http2.Framer) {}), probe.ResponseTimeout},
		{"closed", quick, hangUp, probe.ConnectionClosed},
		{"reset", quick, func(conn *tls.Conn) { _, _ = conn.Read(make([]byte, 1)); hardReset(conn) }, probe.ConnectionReset},
		{"stream reset", quick, speaksHTTP2(func(f *http2.Framer) { _ = f.WriteRSTStream(1, http2.ErrCodeRefusedStream) }), probe.ConnectionReset},
		{"goaway", quick, speaksHTTP2(func(f *http2.Framer) { _ = f.WriteGoAway(0, http2.ErrCodeNo, []byte("Shutdown")) }), probe.ConnectionClosed},
		{"no HTTP/2", quick, func(conn *tls.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}, probe.ResponseMalformed},
	}
	for _, tc := range cases {
		for _, mode := range tc.modes {
			t.Run(tc.name+", "+mode, func(t *testing.T) {
				t.Parallel()
				a := newApple(t)
				p := a.build(t, func(c *apns.Config) { c.Mode, c.Window = mode, 2*time.Second }).Prober
				a.set(func(a *apple) { a.talk = tc.talk })
				for range 2 {
					r := take(t, p)
					want(t, &r, tc.want, "unsent")
					if got := labels(&r, "push_provider_responses_total"); len(got) != 1 || got[0] != string(push.Unanswered) {
						t.Errorf("the answer counts as %q, want none", got)
					}
				}
				a.set(func(a *apple) { a.talk = nil })
				if r := take(t, p); r.Reason != "" {
					t.Errorf("the next message fails with %q: %s", r.Reason, r.Detail)
				}
			})
		}
	}
}

// TestProbe_ServerThatNeverShakesHands is the black hole one layer below.
func TestProbe_ServerThatNeverShakesHands(t *testing.T) {
	t.Parallel()
	a := newApple(t)
	p := a.build(t, func(c *apns.Config) { c.Window = time.Second }).Prober
	a.set(func(a *apple) { a.mute = true })
	for range 2 {
		r := take(t, p)
		want(t, &r, probe.TLSTimeout, "unsent")
	}
	a.set(func(a *apple) { a.mute = false })
	r := take(t, a.build(t, nil).Prober)
	want(t, &r, "", "delivered")
}

func TestProbe_WantsHTTP2(t *testing.T) {
	old := httptest.NewUnstartedServer(http.NotFoundHandler()) // HTTP/1.1 is all that it speaks
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.StartTLS()
	t.Cleanup(old.Close)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old.Certificate().Raw}))
	a := newApple(t)
	p := a.build(t, func(c *apns.Config) { c.BaseURL, c.TLS.CAFile = old.URL, caFile }).Prober
	r := take(t, p)
	want(t, &r, probe.TLSALPN, "unsent")
}

func TestProbe_TrustsNobodyElse(t *testing.T) {
	a := newApple(t)
	r := take(t, a.build(t, func(c *apns.Config) { c.TLS.CAFile = "" }).Prober)
	want(t, &r, probe.TLSUntrusted, "unsent")
	if got := len(a.messages()); got != 0 {
		t.Errorf("%d messages went to somebody unknown, want none", got)
	}
}

func TestProbe_CancelledIsAnError(t *testing.T) {
	a := newApple(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a.set(func(a *apple) { a.deliver = func(string) { cancel() } })
	if r, err := a.build(t, nil).Prober.Probe(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v and the reason %q, want a cancelled context", err, r.Reason)
	}
}

func TestProbe_CallerMayAllowLess(t *testing.T) {
	a := newApple(t)
	a.set(func(a *apple) { a.deliver = func(string) {} })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	r, err := a.build(t, nil).Prober.Probe(ctx)
	if err != nil || r.Reason != push.Lost {
		t.Errorf("got %q (%s) and the error %v, want a lost message", r.Reason, r.Detail, err)
	}
}
