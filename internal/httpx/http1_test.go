package httpx_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestClient_HTTP1Responses(t *testing.T) {
	t.Parallel()
	const (
		connect, send, wait, receive = probe.Connect, probe.Send, probe.Wait, probe.Receive
	)
	tests := []struct {
		name   string
		serve  func(net.Conn)
		method string
		opts   httpx.Options
		reason probe.Reason
		status int
		body   string
		phases []probe.Phase
	}{
		{
			name: "length", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more"), status: 200, body: "hello",
			phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name:  "chunks with trailer",
			serve: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n"),
			body:  "hello", status: 200, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "until close", serve: answer("HTTP/1.0 404 Nope\r\n\r\nhello"), status: 404, body: "hello",
			phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "no content", serve: answer("HTTP/1.1 204 No Content\r\n\r\n"), status: 204,
			phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "head has no body", method: "HEAD", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), status: 200,
			phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "informational first", status: 200, body: "x",
			serve:  answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
			phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "sixteen informational", serve: answer(strings.Repeat("HTTP/1.1 102 P\r\n\r\n", 16) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
			status: 200, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "endless informational", serve: answer(strings.Repeat("HTTP/1.1 102 P\r\n\r\n", 17) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "silence after hints", serve: func(c net.Conn) { answer("HTTP/1.1 103 Early Hints\r\n\r\n")(c); hang(c) },
			reason: probe.ResponseTimeout, phases: []probe.Phase{connect, send, wait},
		},
		{
			name: "closed after hints", serve: answer("HTTP/1.1 103 Early Hints\r\n\r\n"),
			reason: probe.ConnectionClosed, phases: []probe.Phase{connect, send, wait},
		},
		{
			name:   "hints up to the limit",
			serve:  answer("HTTP/1.1 103 Early Hints\r\nLink: " + strings.Repeat("b", 256<<10-38) + "\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
			reason: probe.HeaderTooLarge, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "switching protocols", serve: answer("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "status below 100", serve: answer("HTTP/1.1 099 Odd\r\n\r\n"),
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "HTTP/0.9", serve: answer("<html>hello</html>\r\n"),
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "two lengths", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "bad chunk", serve: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"), status: 200,
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "cut in a chunk", serve: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello"), status: 200, body: "hello",
			reason: probe.BodyTruncated, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "cut before the last chunk", serve: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), status: 200, body: "hello",
			reason: probe.BodyTruncated, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "cut before the length", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), status: 200, body: "hello",
			reason: probe.BodyTruncated, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "cut in the header", serve: answer("HTTP/1.1 200 OK\r\nContent-Le"),
			reason: probe.ResponseMalformed, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "closed at once", serve: answer(""),
			reason: probe.ConnectionClosed, phases: []probe.Phase{connect, send, wait},
		},
		{
			name: "reset before the answer", serve: func(c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)); reset(c) },
			reason: probe.ConnectionReset, phases: []probe.Phase{connect, send, wait},
		},
		{
			name: "no answer", serve: hang,
			reason: probe.ResponseTimeout, phases: []probe.Phase{connect, send, wait},
		},
		{
			name: "header hangs", serve: func(c net.Conn) { answer("HTTP/1.1 200 OK\r\nA: b\r\n")(c); hang(c) },
			reason: probe.ResponseTimeout, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "body hangs", serve: func(c net.Conn) { answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")(c); hang(c) },
			status: 200, body: "hello",
			reason: probe.BodyTimeout, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "header flood", serve: func(c net.Conn) {
				answer("HTTP/1.1 200 OK\r\n")(c)
				for {
					if _, err := c.Write([]byte("A: " + strings.Repeat("b", 1000) + "\r\n")); err != nil {
						return
					}
				}
			},
			reason: probe.HeaderTooLarge, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name:   "header line without end",
			serve:  answer("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 300_000)),
			reason: probe.HeaderTooLarge, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name:   "large header within the limit",
			serve:  answer("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nA: " + strings.Repeat("b", 250_000) + "\r\n\r\n" + strings.Repeat("c", 5000)),
			status: 200, body: strings.Repeat("c", 5000), phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "body at the limit", opts: httpx.Options{BodyLimit: 5},
			serve:  answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
			status: 200, body: "hello", phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "body over the limit", opts: httpx.Options{BodyLimit: 4},
			serve:  answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
			status: 200, body: "hell", reason: probe.BodyTooLarge, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "huge declared length", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nhello"),
			status: 200, body: "hello", reason: probe.BodyTruncated, phases: []probe.Phase{connect, send, wait, receive},
		},
		{
			name: "endless body", opts: httpx.Options{BodyLimit: 100_000}, serve: func(c net.Conn) {
				answer("HTTP/1.1 200 OK\r\n\r\n")(c)
				for {
					if _, err := c.Write([]byte(strings.Repeat("b", 1000))); err != nil {
						return
					}
				}
			},
			status: 200, body: strings.Repeat("b", 100_000),
			reason: probe.BodyTooLarge, phases: []probe.Phase{connect, send, wait, receive},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, test.opts)
			url := "http://" + listen(t, test.serve) + "/"
			resp, err := client.Do(within(t, patience(test.reason, 2*time.Second)), &httpx.Request{URL: url, Method: test.method})
			if err != nil {
				t.Fatal(err)
			}
			checkClocks(t, resp)
			if resp.Reason != test.reason || resp.Status != test.status || string(resp.Body) != test.body {
				t.Errorf("got %q (%s), status %d, body of %d bytes %.20q; want %q, %d, %d bytes %.20q", resp.Reason, resp.Detail,
					resp.Status, len(resp.Body), resp.Body, test.reason, test.status, len(test.body), test.body)
			}
			if (resp.Reason == "") != (resp.Detail == "") {
				t.Errorf("reason %q with detail %q", resp.Reason, resp.Detail)
			}
			wantPhases(t, &resp.Phases, test.phases...)
		})
	}
}

// What a line of the header says may be a cookie: only its name is told.
func TestClient_MalformedFieldsAreNotShown(t *testing.T) {
	t.Parallel()
	const ok, chunked = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
	for _, test := range []struct{ answer, want string }{
		{ok + "Set-Cookie: sid=geheim\x01\r\n\r\n", "reading response header: field Set-Cookie has a control character in its value"},
		{ok + "Set-Cookie sid=geheim\r\n\r\n", "reading response header: a line is no header field, want name: value"},
		{ok + "sid=geheim; a: b\r\n\r\n", "reading response header: a line is no header field, want name: value"},
		{ok + " sid=geheim\r\n\r\n", "reading response header: a line is no header field, want name: value"},
		{ok + ": geheim\r\n\r\n", "reading response header: a line is no header field, want name: value"},
		{chunked + "Set-Cookie: geheim\x01\r\n\r\n", "reading body after 0 bytes: field Set-Cookie has a control character in its value"},
	} {
		resp := do(t, newClient(t, httpx.Options{}), &httpx.Request{URL: "http://" + listen(t, answer(test.answer))})
		if resp.Reason != probe.ResponseMalformed || resp.Detail != test.want {
			t.Errorf("%q: got %q (%s), want %q", test.answer, resp.Reason, resp.Detail, test.want)
		}
	}
}

func TestClient_WhatIsSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts httpx.Options
		req  httpx.Request
		want string
	}{
		{
			name: "defaults", req: httpx.Request{},
			want: "GET /?q=1 HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Channelwatch\r\nConnection: close\r\nAccept: */*\r\n" +
				"Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
		},
		{
			name: "own fields win", opts: httpx.Options{UserAgent: "a/1", Header: http.Header{"x-a": {"1"}, "X-B": {"1"}, "Accept": {"text/html"}}},
			req: httpx.Request{Header: http.Header{"x-b": {"2"}, "User-Agent": {"b/2"}, "Host": {"other"}}},
			want: "GET /?q=1 HTTP/1.1\r\nHost: other\r\nUser-Agent: b/2\r\nConnection: close\r\nAccept: text/html\r\n" +
				"Accept-Encoding: gzip, deflate, br, zstd\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
		},
		{
			name: "body as given, no guessed type", req: httpx.Request{Method: "POST", Body: []byte(`{"a":1}`)},
			want: "POST /?q=1 HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Channelwatch\r\nConnection: close\r\nContent-Length: 7\r\n" +
				"Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n" + `{"a":1}`,
		},
		{
			name: "empty body of a method that has one", req: httpx.Request{Method: "PUT"},
			want: "PUT /?q=1 HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Channelwatch\r\nConnection: close\r\nContent-Length: 0\r\n" +
				"Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
		},
		{
			name: "body with GET", req: httpx.Request{Body: []byte("x")},
			want: "GET /?q=1 HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Channelwatch\r\nConnection: close\r\nContent-Length: 1\r\n" +
				"Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\nx",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			addr := listen(t, func(c net.Conn) {
				b := make([]byte, 4096)
				n, _ := c.Read(b)
				got <- string(b[:n])
				_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
			})
			test.req.URL = "http://" + addr + "/?q=1#part"
			do(t, newClient(t, test.opts), &test.req)
			want := strings.ReplaceAll(test.want, "HOST", addr)
			if sent := <-got; sent != want {
				t.Errorf("got %q\nwant %q", sent, want)
			}
		})
	}
}

func TestClient_BasicAuthFromURL(t *testing.T) {
	got := make(chan string, 1)
	addr := listen(t, func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			got <- err.Error()
			return
		}
		user, password, _ := req.BasicAuth()
		got <- user + " " + password
		_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	})
	resp := do(t, newClient(t, httpx.Options{}), &httpx.Request{URL: "http://jane:geheim@" + addr + "/"})
	if sent := <-got; sent != "jane geheim" {
		t.Errorf("got %q, want the user info of the URL", sent)
	}
	if got, want := resp.Exchanges[0].URL, "http://"+addr+"/"; got != want {
		t.Errorf("got %s in the evidence, want %s", got, want)
	}
}

// A server that answers before it has read the request and then cuts the connection has answered.
func TestClient_AnswerBeforeRequestIsRead(t *testing.T) {
	addr := listen(t, func(c net.Conn) {
		_, _ = c.Write([]byte("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"))
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, _ = c.Read(make([]byte, 1))
		reset(c)
	})
	body := []byte(strings.Repeat("x", 32<<20)) // far more than socket buffers take
	resp := do(t, newClient(t, httpx.Options{}), &httpx.Request{Method: "POST", URL: "http://" + addr, Body: body})
	// A reset may overtake the answer in the kernel: then the request was cut off.
	if (resp.Status != 413 || resp.Reason != "") && resp.Reason != probe.SendFailed {
		t.Errorf("got status %d, %q (%s), want 413 or %q", resp.Status, resp.Reason, resp.Detail, probe.SendFailed)
	}
}

func TestClient_RequestNotTaken(t *testing.T) {
	addr := listen(t, func(c net.Conn) { <-t.Context().Done(); _ = c })
	body := []byte(strings.Repeat("x", 32<<20))
	resp, err := newClient(t, httpx.Options{}).Do(within(t, time.Second), &httpx.Request{Method: "POST", URL: "http://" + addr, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Reason != probe.SendFailed {
		t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, probe.SendFailed)
	}
	wantPhases(t, &resp.Phases, probe.Connect, probe.Send)
}

func TestClient_CancelIsAnError(t *testing.T) {
	addr := listen(t, hang)
	ctx, cancel := contextWithCancel(t)
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	resp, err := newClient(t, httpx.Options{}).Do(ctx, &httpx.Request{URL: "http://" + addr + "/?key=geheim"})
	if !errors.Is(err, errCancelled) || resp != nil {
		t.Errorf("got %v, %v, want an error that is the cause", resp, err)
	}
	if err != nil && strings.Contains(err.Error(), "geheim") {
		t.Errorf("error shows the query: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("returned %v after the cancel", took)
	}
}
