package probetest

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// goodBody and goodAnswer are a response in which nothing is wrong.
const (
	goodBody   = "<!doctype html><html lang=en><title>Shop</title><p>Welcome</p></html>"
	goodAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 69\r\n\r\n" + goodBody
)

// plain starts a server that answers over plain HTTP.
func plain(answer talk) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		tb.Helper()
		return serveHTTP(tb, answer)
	}
}

// silenceFaults are services that take the request and say nothing.
func silenceFaults() []Fault {
	return []Fault{
		{Name: "answer: none", Start: Silent, Want: probe.ResponseTimeout, Hangs: true},
		{Name: "answer: none over TLS", Start: func(tb testing.TB) Target {
			tb.Helper()
			return serveTLS(tb, sayAndHold(""))
		}, Want: probe.ResponseTimeout, Hangs: true},
		{Name: "answer: closed", Start: plain(say("")), Want: probe.ConnectionClosed},
		{Name: "answer: closed over TLS", Start: func(tb testing.TB) Target {
			tb.Helper()
			return serveTLS(tb, say(""))
		}, Want: probe.ConnectionClosed},
		{Name: "answer: closed before the request", Start: func(tb testing.TB) Target {
			tb.Helper()
			return Target{URL: "http://" + listen(tb, func(conn net.Conn) {
				_ = conn.(*net.TCPConn).CloseWrite()
				hold(conn)
			}) + "/"}
		}, Want: probe.ConnectionClosed},
		{Name: "answer: reset", Start: plain(sayAndReset("")), Want: probe.ConnectionReset},
	}
}

// Silent starts a server that takes the request and never says anything.
func Silent(tb testing.TB) Target {
	tb.Helper()
	return serveHTTP(tb, sayAndHold(""))
}

// headerFaults are answers whose beginning no client can read.
func headerFaults() []Fault {
	flood := []byte(strings.Repeat("X-Flood: "+strings.Repeat("y", 80)+"\r\n", 64))
	return []Fault{
		{Name: "header: closed in the middle", Start: plain(say("HTTP/1.1 200 OK\r\nContent-Ty")), Want: probe.ResponseMalformed},
		{Name: "header: reset in the middle", Start: plain(sayAndReset("HTTP/1.1 200 OK\r\nContent-Ty")), Want: probe.ConnectionReset},
		{Name: "header: drips", Start: plain(drip("HTTP/1.1 200 OK\r\nX-Slow: ", "drip")), Want: probe.ResponseTimeout, Hangs: true},
		{Name: "header: hangs in a name", Start: plain(sayAndHold("HTTP/1.1 200 OK\r\nContent-Ty")), Want: probe.ResponseTimeout, Hangs: true},
		{Name: "header: endless fields", Start: plain(sayForever("HTTP/1.1 200 OK\r\n", flood)), Want: probe.HeaderTooLarge},
		{Name: "header: endless line", Start: plain(sayForever("HTTP/1.1 200 OK\r\nX-Long: ", bytes.Repeat([]byte("y"), 4<<10))), Want: probe.HeaderTooLarge},
		{Name: "header: endless status line", Start: plain(sayForever("HTTP/1.1 200 ", bytes.Repeat([]byte("O"), 4<<10))), Want: probe.HeaderTooLarge},
		{Name: "header: line without colon", Start: plain(say("HTTP/1.1 200 OK\r\nthis is no field\r\n\r\n")), Want: probe.ResponseMalformed},
		{Name: "header: HTTP/0.9", Start: plain(say("<html>a page without any header</html>")), Want: probe.ResponseMalformed},
		{Name: "header: binary garbage", Start: plain(say("\x00\xff\x13\x37\r\n\r\n\x80\x81")), Want: probe.ResponseMalformed},
		{Name: "header: another protocol", Start: plain(say("220 mail.example.test ESMTP\r\n")), Want: probe.ResponseMalformed},
		{Name: "header: status of two digits", Start: plain(say("HTTP/1.1 20 OK\r\n\r\n")), Want: probe.ResponseMalformed},
		{Name: "header: endless 1xx", Start: plain(sayForever("", []byte("HTTP/1.1 103 Early Hints\r\n\r\n"))), Want: probe.ResponseMalformed},
		{Name: "header: 1xx and no answer", Start: plain(sayAndHold("HTTP/1.1 100 Continue\r\n\r\n")), Want: probe.ResponseTimeout, Hangs: true},
		{Name: "header: 1xx and closed", Start: plain(say("HTTP/1.1 103 Early Hints\r\n\r\n")), Want: probe.ConnectionClosed},
		{Name: "header: 101 that nobody asked for", Start: plain(sayAndHold("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")), Want: probe.ResponseMalformed},
	}
}

// framingFaults are answers of which no client can tell where they end.
func framingFaults() []Fault {
	length := func(fields string) talk { return say("HTTP/1.1 200 OK\r\n" + fields + "\r\n" + goodBody) }
	chunked := func(body string) talk {
		return say("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
	}
	return []Fault{
		{Name: "framing: negative length", Start: plain(length("Content-Length: -1\r\n")), Want: probe.ResponseMalformed},
		{Name: "framing: two lengths", Start: plain(length("Content-Length: 69\r\nContent-Length: 70\r\n")), Want: probe.ResponseMalformed},
		{Name: "framing: length that is no number", Start: plain(length("Content-Length: many\r\n")), Want: probe.ResponseMalformed},
		{Name: "framing: unknown transfer encoding", Start: plain(length("Transfer-Encoding: zip\r\n")), Want: probe.ResponseMalformed},
		{Name: "framing: chunk size that is no number", Start: plain(chunked("zz\r\n" + goodBody)), Want: probe.ResponseMalformed},
		{Name: "framing: chunk size that overflows", Start: plain(chunked("ffffffffffffffffff\r\n" + goodBody)), Want: probe.ResponseMalformed},
		{Name: "framing: chunk longer than its size", Start: plain(chunked("3\r\nabcdef\r\n0\r\n\r\n")), Want: probe.ResponseMalformed},
	}
}

// statusFaults are whole answers that are not the one that customers came for.
func statusFaults() []Fault {
	status := func(line string) talk {
		return say("HTTP/1.1 " + line + "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 69\r\n\r\n" + goodBody)
	}
	return []Fault{
		{Name: "status: 404", Start: plain(status("404 Not Found")), Want: assert.StatusUnexpected},
		{Name: "status: 500", Start: plain(status("500 Internal Server Error")), Want: assert.StatusUnexpected},
		{Name: "status: 304 to a new customer", Start: plain(say("HTTP/1.1 304 Not Modified\r\n\r\n")), Want: assert.StatusUnexpected},
		{Name: "status: 204 where text is expected", Start: expectText(say("HTTP/1.1 204 No Content\r\n\r\n")), Want: assert.TextMissing},
		{Name: "status: 200 without the text", Start: expectText(say(goodAnswer)), Want: assert.TextMissing},
	}
}

// expectText starts a server of which a text is expected that it does not send.
func expectText(answer talk) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		tb.Helper()
		target := serveHTTP(tb, answer)
		target.Text = "Add to basket"
		return target
	}
}

// redirectFaults are ways that do not lead to an answer.
func redirectFaults() []Fault {
	to := func(location string) talk {
		return say("HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n")
	}
	return []Fault{
		{Name: "redirect: to itself", Start: plain(to("/")), Want: probe.RedirectLoop},
		{Name: "redirect: in a circle", Start: plain(func(conn net.Conn, request *http.Request) {
			next := map[string]string{"/": "/a", "/a": "/b", "/b": "/a"}[request.URL.Path]
			to(next)(conn, request)
		}), Want: probe.RedirectLoop},
		{Name: "redirect: without end", Start: plain(func(conn net.Conn, request *http.Request) {
			to(request.URL.Path+"x")(conn, request)
		}), Want: probe.RedirectLimit},
		{Name: "redirect: to a very long address", Start: plain(to("/" + strings.Repeat("x", 200<<10))), Want: probe.RedirectLoop},
		{Name: "redirect: to nowhere", Start: plain(say("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")), Want: probe.RedirectMalformed},
		{Name: "redirect: to no URL", Start: plain(to("http://[::1")), Want: probe.RedirectMalformed},
		{Name: "redirect: to another protocol", Start: plain(to("ftp://127.0.0.1/")), Want: probe.RedirectMalformed},
		{Name: "redirect: from https to http", Start: func(tb testing.TB) Target {
			tb.Helper()
			return serveTLS(tb, to(serveHTTP(tb, say(goodAnswer)).URL))
		}, Want: probe.RedirectDowngrade},
		{Name: "redirect: to a host that is not allowed", Start: func(tb testing.TB) Target {
			tb.Helper()
			target := serveHTTP(tb, to("http://localhost/"))
			target.Hosts = []string{"shop.example.test"}
			return target
		}, Want: probe.RedirectForbidden},
		{Name: "redirect: to a metadata address", Start: plain(to("http://169.254.169.254/latest/")), Want: probe.AddressForbidden},
		{Name: "redirect: to a closed port", Start: func(tb testing.TB) Target {
			tb.Helper()
			return serveHTTP(tb, to(ClosedPort(tb).URL))
		}, Want: probe.ConnectRefused},
	}
}
