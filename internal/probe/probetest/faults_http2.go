package probetest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// http2Faults are services that agree on HTTP/2 and then break it.
func http2Faults() []Fault {
	return []Fault{
		{Name: "HTTP/2: HTTP/1.1 answer", Start: http2Raw(func(conn net.Conn) { _, _ = io.WriteString(conn, goodAnswer) }), Want: probe.ResponseMalformed},
		{Name: "HTTP/2: closed", Start: http2Raw(func(net.Conn) {}), Want: probe.ConnectionClosed},
		{Name: "HTTP/2: no answer", Start: http2Raw(hold), Want: probe.ResponseTimeout, Hangs: true},
		{Name: "HTTP/2: given up", Start: http2Answer(func(f *http2.Framer) { _ = f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil) }), Want: probe.ConnectionClosed},
		{Name: "HTTP/2: stream reset", Start: http2Answer(func(f *http2.Framer) { _ = f.WriteRSTStream(1, http2.ErrCodeInternal) }), Want: probe.ConnectionReset},
		{Name: "HTTP/2: stream reset in the body", Start: http2Answer(func(f *http2.Framer) {
			writeHead(f)
			_ = f.WriteData(1, false, []byte(goodBody))
			_ = f.WriteRSTStream(1, http2.ErrCodeInternal)
		}), Want: probe.BodyTruncated},
		{Name: "HTTP/2: body hangs", Start: http2Answer(func(f *http2.Framer) {
			writeHead(f)
			_ = f.WriteData(1, false, []byte(goodBody))
		}), Want: probe.BodyTimeout, Hangs: true},
		{Name: "HTTP/2: broken header compression", Start: http2Answer(func(f *http2.Framer) {
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("\xff\xff\xff\xff\xff\xff\xff"), EndHeaders: true, EndStream: true})
		}), Want: probe.ResponseMalformed},
		{Name: "HTTP/2: endless settings", Start: http2Answer(forever(func(f *http2.Framer) error { return f.WriteSettings() })), Want: probe.ResponseMalformed},
		{Name: "HTTP/2: endless empty continuations", Start: http2Answer(func(f *http2.Framer) {
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
			forever(func(f *http2.Framer) error { return f.WriteContinuation(1, false, nil) })(f)
		}), Want: probe.HeaderTooLarge},
	}
}

// http2Raw starts a server that agrees on HTTP/2, reads the preface of the client and does as it is told.
func http2Raw(then func(net.Conn)) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		tb.Helper()
		root := newRoot(tb, "Test Root")
		config := &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}, NextProtos: []string{http2.NextProtoTLS}}
		address := listen(tb, func(conn net.Conn) {
			secured := tls.Server(conn, config)
			if secured.HandshakeContext(tb.Context()) != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, secured, int64(len(http2.ClientPreface))); err != nil {
				return
			}
			then(secured)
			_ = secured.Close()
		})
		return Target{URL: "https://" + address + "/", CAFile: root.file(tb)}
	}
}

// http2Answer starts a server that speaks HTTP/2 until it has read a request, answers it as it is told, and waits for
// the client to hang up.
func http2Answer(answer func(*http2.Framer)) func(testing.TB) Target {
	return http2Raw(func(conn net.Conn) {
		framer := http2.NewFramer(conn, conn)
		if framer.WriteSettings() != nil {
			return
		}
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if head, ok := frame.(*http2.HeadersFrame); ok && head.HeadersEnded() {
				answer(framer)
			}
		}
	})
}

// forever writes a frame again and again until the client hangs up.
func forever(write func(*http2.Framer) error) func(*http2.Framer) {
	return func(f *http2.Framer) {
		for write(f) == nil {
			continue
		}
	}
}

// writeHead begins a good answer on the first stream.
func writeHead(f *http2.Framer) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"}) // a bytes.Buffer takes everything
	_ = encoder.WriteField(hpack.HeaderField{Name: "content-type", Value: "text/html; charset=utf-8"})
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
}
