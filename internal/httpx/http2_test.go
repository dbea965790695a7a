package httpx_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// tlsTarget issues a certificate for 127.0.0.1 and returns it with the options of a client that trusts it.
func tlsTarget(t *testing.T) (tls.Certificate, httpx.TLSOptions) {
	t.Helper()
	var none *authority
	root := none.issue(t, ca(template("Root")))
	return root.issue(t, template("server", "127.0.0.1")).with(), httpx.TLSOptions{CAFile: root.file(t)}
}

// peer is the server's side of an HTTP/2 connection, frame by frame.
type peer struct {
	*http2.Framer
	conn net.Conn
}

// fields writes a header block.
func (p peer) fields(end bool, pairs ...string) {
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(pairs...), EndHeaders: true, EndStream: end})
}

func block(pairs ...string) []byte {
	var b bytes.Buffer
	encoder := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

// speakHTTP2 accepts a connection, takes preface and request header, sends settings and calls serve.
func speakHTTP2(t *testing.T, cert tls.Certificate, serve func(peer)) func(net.Conn) {
	t.Helper()
	return func(c net.Conn) {
		conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}})
		if conn.HandshakeContext(t.Context()) != nil {
			return
		}
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil || string(preface) != http2.ClientPreface {
			return
		}
		p := peer{http2.NewFramer(conn, conn), conn}
		for {
			frame, err := p.ReadFrame()
			if err != nil {
				return
			}
			if frame.Header().Type == http2.FrameHeaders {
				break
			}
		}
		serve(p)
		_ = conn.CloseWrite()
		hang(conn) // closing with unread frames would take back what was written
	}
}

// settled sends the settings first that every server owes.
func settled(serve func(peer)) func(peer) {
	return func(p peer) {
		_ = p.WriteSettings()
		serve(p)
	}
}

func TestClient_HTTP2Responses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		serve  func(peer)
		opts   httpx.Options
		reason probe.Reason
		status int
		body   string
		last   probe.Phase
	}{
		{name: "data and trailers", serve: settled(func(p peer) {
			p.fields(false, ":status", "200", "content-length", "5")
			_ = p.WriteData(1, false, []byte("hel"))
			_ = p.WriteDataPadded(1, false, []byte("lo"), make([]byte, 100))
			p.fields(true, "a", "b")
		}), status: 200, body: "hello", last: probe.Receive},
		{name: "informational, ping, settings, unknown frame and window", serve: settled(func(p peer) {
			p.fields(false, ":status", "103", "link", "x")
			_ = p.WritePing(false, [8]byte{1})
			_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
			_ = p.WriteRawFrame(0xfa, 0, 1, []byte("x"))
			_ = p.WriteWindowUpdate(0, 1000)
			p.fields(true, ":status", "204")
		}), status: 204, last: probe.Receive},
		{name: "graceful goaway", serve: settled(func(p peer) {
			_ = p.WriteGoAway(1, http2.ErrCodeNo, nil)
			p.fields(true, ":status", "200")
		}), status: 200, last: probe.Receive},
		{name: "no settings", serve: func(p peer) { p.fields(true, ":status", "200") }, reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "HTTP/1.1 after all", serve: func(p peer) { _, _ = p.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "closed", serve: settled(func(peer) {}), reason: probe.ConnectionClosed, last: probe.Wait},
		{name: "stream reset", serve: settled(func(p peer) { _ = p.WriteRSTStream(1, http2.ErrCodeInternal); hang(p.conn) }), reason: probe.ConnectionReset, last: probe.Wait},
		{name: "goaway", serve: settled(func(p peer) { _ = p.WriteGoAway(0, http2.ErrCodeNo, nil); hang(p.conn) }), reason: probe.ConnectionClosed, last: probe.Wait},
		{name: "goaway with a complaint", serve: settled(func(p peer) { _ = p.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, nil); hang(p.conn) }), reason: probe.ConnectionClosed, last: probe.Wait},
		{name: "no answer", serve: settled(func(p peer) { hang(p.conn) }), reason: probe.ResponseTimeout, last: probe.Wait},
		{name: "header block hangs", serve: settled(func(p peer) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "200")})
			hang(p.conn)
		}), reason: probe.ResponseTimeout, last: probe.Receive},
		{name: "no status", serve: settled(func(p peer) { p.fields(true, "a", "b") }), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "odd status", serve: settled(func(p peer) { p.fields(true, ":status", "99") }), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "switching protocols", serve: settled(func(p peer) { p.fields(false, ":status", "101"); hang(p.conn) }), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "upper-case name", serve: settled(func(p peer) { p.fields(true, ":status", "200", "Aa", "b"); hang(p.conn) }), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "sixteen informational", serve: settled(func(p peer) {
			for range 16 {
				p.fields(false, ":status", "102")
			}
			p.fields(true, ":status", "200")
		}), status: 200, last: probe.Receive},
		{name: "endless informational", serve: settled(func(p peer) {
			for range 17 {
				p.fields(false, ":status", "102")
			}
			hang(p.conn)
		}), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "other stream", serve: settled(func(p peer) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block(":status", "200"), EndHeaders: true})
			hang(p.conn)
		}), reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "push", serve: settled(func(p peer) {
			_ = p.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: block(":method", "GET"), EndHeaders: true})
			hang(p.conn)
		}), reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "body before header", serve: settled(func(p peer) { _ = p.WriteData(1, false, []byte("x")); hang(p.conn) }), reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "two headers", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			p.fields(false, "a", "b")
			hang(p.conn)
		}), status: 200, reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "header too large", serve: settled(func(p peer) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "200")})
			for i := range 18 {
				_ = p.WriteContinuation(1, i == 17, block("a", strings.Repeat("x", 16_000)))
			}
			hang(p.conn)
		}), reason: probe.HeaderTooLarge, last: probe.Receive},
		{name: "continuation flood", serve: settled(func(p peer) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "200")})
			for p.WriteContinuation(1, false, block("a", strings.Repeat("é", 8000))) == nil {
				continue
			}
		}), reason: probe.HeaderTooLarge, last: probe.Receive},
		{name: "empty continuation flood", serve: settled(func(p peer) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "200")})
			for p.WriteContinuation(1, false, nil) == nil {
				continue
			}
		}), reason: probe.HeaderTooLarge, last: probe.Receive},
		{name: "large settings flood", serve: settled(func(p peer) {
			for p.WriteSettings(make([]http2.Setting, 1000)...) == nil {
				continue
			}
		}), reason: probe.HeaderTooLarge, last: probe.Wait},
		{name: "silence after hints", serve: settled(func(p peer) { p.fields(false, ":status", "103"); hang(p.conn) }), reason: probe.ResponseTimeout, last: probe.Wait},
		{name: "closed after hints", serve: settled(func(p peer) { p.fields(false, ":status", "103") }), reason: probe.ConnectionClosed, last: probe.Wait},
		{name: "body byte by byte", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			for range 2000 {
				_ = p.WriteData(1, false, []byte("x"))
			}
			_ = p.WriteData(1, true, nil)
		}), status: 200, body: strings.Repeat("x", 2000), last: probe.Receive},
		{name: "flood of single bytes", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			for p.WriteData(1, false, []byte("x")) == nil {
				continue
			}
		}), status: 200, body: strings.Repeat("x", 100_000), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "ping flood", serve: settled(func(p peer) {
			for p.WritePing(false, [8]byte{}) == nil {
				continue
			}
		}), reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "empty data flood", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			for p.WriteData(1, false, nil) == nil {
				continue
			}
		}), status: 200, reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "large frame", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			_ = p.WriteData(1, true, make([]byte, 20_000))
			hang(p.conn)
		}), status: 200, reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "window overflow", serve: settled(func(p peer) { _ = p.WriteWindowUpdate(0, 1<<31-1); hang(p.conn) }), reason: probe.ResponseMalformed, last: probe.Wait},
		{name: "short of its length", serve: settled(func(p peer) {
			p.fields(false, ":status", "200", "content-length", "9")
			_ = p.WriteData(1, true, []byte("hello"))
		}), status: 200, body: "hello", reason: probe.BodyTruncated, last: probe.Receive},
		{name: "over its length", serve: settled(func(p peer) {
			p.fields(false, ":status", "200", "content-length", "2")
			_ = p.WriteData(1, true, []byte("hello"))
		}), status: 200, body: "hello", reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "length is no number", serve: settled(func(p peer) { p.fields(true, ":status", "200", "content-length", "-2") }), reason: probe.ResponseMalformed, last: probe.Receive},
		{name: "reset in the body", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			_ = p.WriteData(1, false, []byte("hello"))
			_ = p.WriteRSTStream(1, http2.ErrCodeCancel)
			hang(p.conn)
		}), status: 200, body: "hello", reason: probe.BodyTruncated, last: probe.Receive},
		{name: "closed in the body", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			_ = p.WriteData(1, false, []byte("hello"))
		}), status: 200, body: "hello", reason: probe.BodyTruncated, last: probe.Receive},
		{name: "given up in the body", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			_ = p.WriteData(1, false, []byte("hello"))
			_ = p.WriteGoAway(1, http2.ErrCodeInternal, nil)
			hang(p.conn)
		}), status: 200, body: "hello", reason: probe.BodyTruncated, last: probe.Receive},
		{name: "body hangs", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			_ = p.WriteData(1, false, []byte("hello"))
			hang(p.conn)
		}), status: 200, body: "hello", reason: probe.BodyTimeout, last: probe.Receive},
		{name: "body over the limit", opts: httpx.Options{BodyLimit: 4}, serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			_ = p.WriteData(1, true, []byte("hello"))
		}), status: 200, reason: probe.BodyTooLarge, last: probe.Receive},
		{name: "padding only", serve: settled(func(p peer) {
			p.fields(false, ":status", "200")
			for p.WriteDataPadded(1, false, nil, make([]byte, 200)) == nil {
				continue
			}
		}), status: 200, reason: probe.ResponseMalformed, last: probe.Receive},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cert, options := tlsTarget(t)
			test.opts.TLS = options
			client := newClient(t, test.opts)
			addr := listen(t, speakHTTP2(t, cert, test.serve))
			resp, err := client.Do(within(t, patience(test.reason, 2*time.Second)), &httpx.Request{URL: "https://" + addr})
			if err != nil {
				t.Fatal(err)
			}
			checkClocks(t, resp)
			if resp.Reason != test.reason || resp.Status != test.status || string(resp.Body) != test.body {
				t.Errorf("got %q (%s), status %d, body %.20q; want %q, %d, %.20q", resp.Reason, resp.Detail,
					resp.Status, resp.Body, test.reason, test.status, test.body)
			}
			want := []probe.Phase{probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive}
			wantPhases(t, &resp.Phases, want[:test.last]...)
		})
	}
}

// A real server: what is sent arrives, and large bodies go both ways through flow control.
func TestClient_HTTP2RealServer(t *testing.T) {
	cert, options := tlsTarget(t)
	addr := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}},
		func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %s %s %s %s %q %d %v\n", r.Proto, r.Method, r.Host, r.RequestURI, r.UserAgent(),
				r.Header.Get("X-Long")[:3], len(body), err)
			_, _ = w.Write(body)
		})
	client := newClient(t, httpx.Options{UserAgent: "a/1", TLS: options})
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	resp := do(t, client, &httpx.Request{
		Method: "POST", URL: "https://" + addr + "/p?q=1", Body: body,
		Header: http.Header{"X-Long": {strings.Repeat("é", 20_000)}, "Host": {"shop.example"}},
	})
	want := "HTTP/2.0 POST shop.example /p?q=1 a/1 \"é\\xc3\" 1600000 <nil>\n"
	if got := string(resp.Body[:min(len(resp.Body), len(want))]); got != want || !bytes.Equal(resp.Body[len(want):], body) {
		t.Errorf("got %.200q and %d bytes (%s), want %q and the body", got, len(resp.Body), resp.Detail, want)
	}
	if resp.Protocol != "HTTP/2" || resp.Exchanges[0].TLS.ALPN != "h2" {
		t.Errorf("got protocol %s, want HTTP/2", resp.Protocol)
	}
	only1 := newClient(t, httpx.Options{Protocols: []string{httpx.HTTP1}, TLS: options})
	if resp := do(t, only1, &httpx.Request{URL: "https://" + addr, Header: http.Header{"X-Long": {"abc"}}}); resp.Protocol != "HTTP/1.1" {
		t.Errorf("got protocol %s, want HTTP/1.1", resp.Protocol)
	}
}

// The answer may come before the request is written: then it is what counts.
func TestClient_HTTP2AnswerBeforeBody(t *testing.T) {
	cert, options := tlsTarget(t)
	addr := listen(t, speakHTTP2(t, cert, settled(func(p peer) {
		p.fields(true, ":status", "413")
		hang(p.conn)
	})))
	resp, err := newClient(t, httpx.Options{TLS: options}).Do(within(t, time.Minute),
		&httpx.Request{Method: "POST", URL: "https://" + addr, Body: make([]byte, 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	checkClocks(t, resp)
	if resp.Status != 413 || resp.Reason != "" {
		t.Errorf("got %d, %q (%s), want 413", resp.Status, resp.Reason, resp.Detail)
	}
}
