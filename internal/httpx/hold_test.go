package httpx_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// hold makes a request that keeps its connection until the test ends.
func hold(t *testing.T, opts httpx.Options, req *httpx.Request) (*httpx.Held, *httpx.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	held, resp, err := newClient(t, opts).Hold(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	checkClocks(t, resp)
	if held != nil {
		t.Cleanup(func() { _ = held.Close() })
	}
	return held, resp
}

// ticking streams every text that is sent to it, each as one chunk.
func ticking(t *testing.T, texts <-chan string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case text, open := <-texts:
				if !open {
					return
				}
				_, _ = io.WriteString(w, text)
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestHold_Stream(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			texts := make(chan string)
			server := httptest.NewUnstartedServer(ticking(t, texts))
			server.EnableHTTP2 = true
			server.TLS = &tls.Config{NextProtos: []string{httpx.HTTP2, httpx.HTTP1}}
			opts := httpx.Options{}
			if scheme == "https" {
				server.StartTLS()
				opts.TLS.CAFile = writePEM(t, "CERTIFICATE", server.Certificate().Raw)
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			held, resp := hold(t, opts, &httpx.Request{URL: server.URL + "/events"})
			if held == nil || resp.Status != http.StatusOK || resp.Protocol != "HTTP/1.1" {
				t.Fatalf("got connection %v, status %d over %q, want one with 200 over HTTP/1.1: %s", held != nil, resp.Status, resp.Protocol, resp.Detail)
			}
			for _, phase := range []probe.Phase{probe.Connect, probe.Send, probe.Wait, probe.Receive} {
				if _, ok := resp.Phases.Get(phase); !ok {
					t.Errorf("phase %v is missing", phase)
				}
			}
			if facts := resp.Exchanges[0].TLS; scheme == "https" && (facts == nil || facts.ALPN != httpx.HTTP1 || len(facts.Chain) == 0 || resp.NotAfter.IsZero()) {
				t.Errorf("got TLS facts %+v, want a chain and %s", facts, httpx.HTTP1)
			}
			// The context of Hold has ended.
			lines := bufio.NewReader(held)
			for _, want := range []string{"one\n", "two\n"} {
				texts <- want
				if got, err := lines.ReadString('\n'); got != want || err != nil {
					t.Errorf("got %q and %v, want %q", got, err, want)
				}
			}
			close(texts)
			if got, err := lines.ReadString('\n'); got != "" || !errors.Is(err, io.EOF) {
				t.Errorf("got %q and %v, want the end", got, err)
			}
		})
	}
}

func TestHold_OffersNoEncoding(t *testing.T) {
	t.Parallel()
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Header().Set("Content-Encoding", r.URL.Query().Get("encoding"))
	}))
	t.Cleanup(server.Close)
	req := &httpx.Request{URL: server.URL + "/?encoding=identity", Header: http.Header{"Accept": {"text/event-stream"}, "Accept-Encoding": {"gzip"}}}
	held, resp := hold(t, httpx.Options{}, req)
	if held == nil {
		t.Errorf("got status %d and %q (%s), want the connection", resp.Status, resp.Reason, resp.Detail)
	}
	if got.Get("Accept-Encoding") != "identity" || got.Get("Accept") != "text/event-stream" || got.Get("Connection") != "" {
		t.Errorf("sent %v, want identity, the request's own fields and no Connection", got)
	}
	if req.Header.Get("Accept-Encoding") != "gzip" {
		t.Error("the request was changed")
	}
	held, resp = hold(t, httpx.Options{}, &httpx.Request{URL: server.URL + "/?encoding=gzip"})
	if held != nil || resp.Reason != probe.EncodingInvalid {
		t.Errorf("got connection %v and %q, want none and %q", held != nil, resp.Reason, probe.EncodingInvalid)
	}
}

func TestHold_NotKept(t *testing.T) {
	t.Parallel()
	const long = 100 << 10
	cases := map[string]struct {
		serve  http.HandlerFunc
		header http.Header
		status int
		reason probe.Reason
		body   string
	}{
		"not found": {
			serve:  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such topic", http.StatusNotFound) },
			status: 404, body: "no such topic\n",
		},
		"a redirect": {
			serve: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(http.StatusFound)
			},
			status: 302,
		},
		"an upgrade that nobody asked for": {
			serve:  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) },
			reason: probe.ResponseMalformed,
		},
		"too long a body": {
			serve: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write(make([]byte, long))
			},
			status: 500, reason: probe.BodyTooLarge, body: strings.Repeat("\x00", long/2),
		},
		"nothing": {serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, reason: probe.ConnectionClosed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.serve)
			t.Cleanup(server.Close)
			held, resp := hold(t, httpx.Options{BodyLimit: long / 2, MaxRedirects: 3}, &httpx.Request{URL: server.URL, Header: c.header})
			if held != nil || resp.Status != c.status || resp.Reason != c.reason || string(resp.Body) != c.body {
				t.Errorf("got connection %v, status %d, reason %q (%s) and a body of %d bytes, want none, %d, %q and %d",
					held != nil, resp.Status, resp.Reason, resp.Detail, len(resp.Body), c.status, c.reason, len(c.body))
			}
		})
	}
}

func TestHold_GivesUp(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	client := newClient(t, httpx.Options{})
	held, resp, err := client.Hold(within(t, time.Second), &httpx.Request{URL: "http://" + silent.Addr().String()})
	if err != nil || held != nil || resp.Reason != probe.ResponseTimeout {
		t.Errorf("got connection %v and %v, want %q", held != nil, err, probe.ResponseTimeout)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if held, resp, err := client.Hold(ctx, &httpx.Request{URL: "http://" + silent.Addr().String()}); !errors.Is(err, context.Canceled) || held != nil || resp != nil {
		t.Errorf("got %v, %v and %v, want the error of the context alone", held, resp, err)
	}
}

func TestHold_Mistakes(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"another protocol":         {"Upgrade": {"h2c"}, "Connection": {"Upgrade"}},
		"no Connection":            {"Upgrade": {"websocket"}},
		"more than the Connection": {"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Content-Length": {"1"}},
	} {
		if _, _, err := newClient(t, httpx.Options{}).Hold(t.Context(), &httpx.Request{URL: "http://127.0.0.1:1/", Header: header}); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}

// TestHold_ReadAhead is about a server that has much to say: what follows the header in the same packet is not lost.
func TestHold_ReadAhead(t *testing.T) {
	t.Parallel()
	url := "http://" + listen(t, func(conn net.Conn) {
		answer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst words")(conn)
	})
	held, resp := hold(t, httpx.Options{}, &httpx.Request{URL: url, Header: http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}})
	if held == nil {
		t.Fatalf("got status %d and %q, want the connection", resp.Status, resp.Reason)
	}
	got := make([]byte, len("first words"))
	if _, err := io.ReadFull(held, got); err != nil || string(got) != "first words" {
		t.Errorf("got %q and %v, want the first words", got, err)
	}
}

// echo is a WebSocket server that sends back what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/echo" {
		http.Redirect(w, r, "/echo", http.StatusFound)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, data, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

func TestUpgrade_WebSocket(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	upgrade := &httpx.Upgrade{Client: newClient(t, httpx.Options{})}
	conn, _, err := websocket.Dial(within(t, time.Minute), "ws"+strings.TrimPrefix(server.URL, "http")+"/echo",
		&websocket.DialOptions{HTTPClient: upgrade.HTTPClient(), HTTPHeader: http.Header{"Authorization": {"Bearer t"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	for i := range 3 {
		want := fmt.Sprint("message ", i)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.Read(t.Context()); err != nil || string(got) != want {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("closing: %v", err)
	}
	if upgrade.Response == nil || upgrade.Response.Status != http.StatusSwitchingProtocols || len(upgrade.Response.Exchanges) != 1 {
		t.Errorf("got %+v, want the one exchange of the handshake", upgrade.Response)
	}
}

func TestUpgrade_Refused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	closed := "ws://127.0.0.1:1"
	for url, want := range map[string]struct {
		status int
		reason probe.Reason
	}{
		"ws" + strings.TrimPrefix(server.URL, "http"): {status: http.StatusFound},
		closed: {reason: probe.ConnectRefused},
	} {
		upgrade := &httpx.Upgrade{Client: newClient(t, httpx.Options{MaxRedirects: 3})}
		_, _, err := websocket.Dial(within(t, time.Minute), url, &websocket.DialOptions{HTTPClient: upgrade.HTTPClient()})
		if err == nil || upgrade.Err != nil {
			t.Fatalf("%s: got the errors %v and %v, want that of the library alone", url, err, upgrade.Err)
		}
		if got := upgrade.Response; got.Status != want.status || got.Reason != want.reason {
			t.Errorf("%s: got status %d and %q, want %d and %q", url, got.Status, got.Reason, want.status, want.reason)
		}
	}
}
