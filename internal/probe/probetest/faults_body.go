package probetest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// bodyFaults are answers that begin well.
func bodyFaults() []Fault {
	const (
		length  = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n"
		chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
		open    = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" // ends when the connection does
	)
	kilobyte := bytes.Repeat([]byte("y"), 1<<10)
	return []Fault{
		{Name: "body: shorter than its length", Start: plain(say(length + goodBody)), Want: probe.BodyTruncated},
		{Name: "body: without its last chunk", Start: plain(say(chunked + "5\r\nhello\r\n")), Want: probe.BodyTruncated},
		{Name: "body: ends in a chunk", Start: plain(say(chunked + "ff\r\nhello")), Want: probe.BodyTruncated},
		{Name: "body: reset", Start: plain(sayAndReset(length + goodBody)), Want: probe.BodyTruncated},
		{Name: "body: hangs", Start: plain(sayAndHold(length + goodBody)), Want: probe.BodyTimeout, Hangs: true},
		{Name: "body: drips", Start: plain(drip(length, "y")), Want: probe.BodyTimeout, Hangs: true},
		{Name: "body: waits for its last chunk", Start: plain(sayAndHold(chunked + "5\r\nhello\r\n")), Want: probe.BodyTimeout, Hangs: true},
		{Name: "body: endless", Start: plain(sayForever(open, kilobyte)), Want: probe.BodyTooLarge},
		{Name: "body: endless in chunks", Start: plain(sayForever(chunked, fmt.Appendf(nil, "400\r\n%s\r\n", kilobyte))), Want: probe.BodyTooLarge},
		{Name: "body: huge by its length", Start: plain(sayForever("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", kilobyte)), Want: probe.BodyTooLarge},
	}
}

// encodingFaults are bodies that no client can unpack.
func encodingFaults() []Fault {
	page := compress([]byte(goodBody))
	return []Fault{
		{Name: "encoding: gzip bomb", Start: encoded("gzip", compress(make([]byte, 16*bodyLimit))), Want: probe.BodyTooLarge},
		{Name: "encoding: gzip that is none", Start: encoded("gzip", []byte(goodBody)), Want: probe.EncodingInvalid},
		{Name: "encoding: gzip that is cut", Start: encoded("gzip", page[:len(page)-12]), Want: probe.EncodingInvalid},
		{Name: "encoding: gzip with a wrong sum", Start: encoded("gzip", append(page[:len(page)-8:len(page)-8], make([]byte, 8)...)), Want: probe.EncodingInvalid},
		{Name: "encoding: too many", Start: encoded("gzip, gzip, gzip, gzip", page), Want: probe.EncodingInvalid},
	}
}

// encoded starts a server whose body has the content encoding.
func encoded(encoding string, body []byte) func(testing.TB) Target {
	return plain(func(conn net.Conn, _ *http.Request) { sayEncoded(conn, encoding, body) })
}

func sayEncoded(conn net.Conn, encoding string, body []byte) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n", encoding, len(body))
	_, _ = conn.Write(body)
}

func compress(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
