package httpx_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// compress returns text in an encoding.
func compress(t *testing.T, encoding string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "deflate":
		w, err = flate.NewWriter(&b, flate.BestCompression)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	}
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encoded serves a body with a Content-Encoding.
func encoded(t *testing.T, encoding string, body []byte) string {
	t.Helper()
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n", encoding, len(body))
	return "http://" + listen(t, answer(head+string(body)))
}

func TestClient_ContentEncodings(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("hello "), 100)
	plain := string(text)
	tests := []struct {
		name   string
		header string
		body   []byte
		accept string
		opts   httpx.Options
		reason probe.Reason
		want   string
		odd    string
	}{
		{name: "gzip", header: "gzip", body: compress(t, "gzip", text), want: plain},
		{name: "x-gzip in capitals", header: "X-GZIP", body: compress(t, "gzip", text), want: plain},
		{name: "brotli", header: "br", body: compress(t, "br", text), want: plain},
		{name: "zstd", header: "zstd", body: compress(t, "zstd", text), want: plain},
		{name: "deflate with zlib wrapper", header: "deflate", body: compress(t, "zlib", text), want: plain},
		{name: "raw deflate", header: "deflate", body: compress(t, "deflate", text), want: plain},
		{name: "identity", header: "identity", body: text, want: plain},
		{name: "two encodings", header: "br, gzip", body: compress(t, "gzip", compress(t, "br", text)), want: plain},
		{name: "three encodings", header: "br, gzip, gzip", body: text, reason: probe.EncodingInvalid},
		{name: "empty body", header: "gzip", body: nil},
		{name: "not gzip", header: "gzip", body: text, reason: probe.EncodingInvalid},
		{name: "cut gzip", header: "gzip", body: compress(t, "gzip", text)[:20], reason: probe.EncodingInvalid},
		{name: "wrong checksum", header: "gzip", body: breakByte(compress(t, "gzip", text), -6), reason: probe.EncodingInvalid},
		{name: "not brotli", header: "br", body: text, reason: probe.EncodingInvalid},
		{name: "not zstd", header: "zstd", body: text, reason: probe.EncodingInvalid},
		{name: "not deflate", header: "deflate", body: bytes.Repeat([]byte{0xff}, 10), reason: probe.EncodingInvalid},
		{name: "unknown", header: "lzma", body: text, want: plain, odd: `Content-Encoding "lzma" is none, want gzip, deflate, br or zstd`},
		{name: "none", header: "none", body: text, want: plain, odd: `Content-Encoding "none" is none, want gzip, deflate, br or zstd`},
		{name: "a charset beside gzip", header: "gzip, UTF-8", body: text, want: plain, odd: `Content-Encoding "utf-8" is none, want gzip, deflate, br or zstd`},
		{name: "gzip without trailer", header: "gzip", body: cutEnd(compress(t, "gzip", text), 8), want: plain, odd: "gzip stream ends with 0 bytes of its trailer, want 8"},
		{name: "gzip with half a trailer", header: "x-gzip", body: cutEnd(compress(t, "gzip", text), 3), want: plain, odd: "gzip stream ends with 5 bytes of its trailer, want 8"},
		{name: "gzip with padding", header: "gzip", body: append(compress(t, "gzip", text), "\r\n\n"...), want: plain, odd: "3 bytes after the end of the gzip stream, want none"},
		{name: "gzip with zeros behind", header: "gzip", body: append(compress(t, "gzip", text), make([]byte, 20)...), want: plain, odd: "20 bytes after the end of the gzip stream, want none"},
		{name: "gzip with padding in brotli", header: "gzip, br", body: compress(t, "br", append(compress(t, "gzip", text), 0)), want: plain, odd: "1 bytes after the end of the gzip stream, want none"},
		{name: "two gzip streams", header: "gzip", body: append(compress(t, "gzip", text[:300]), compress(t, "gzip", text[300:])...), want: plain},
		{name: "second gzip stream broken", header: "gzip", body: append(compress(t, "gzip", text), compress(t, "gzip", text)[:20]...), reason: probe.EncodingInvalid},
		{name: "wrong checksum and padding", header: "gzip", body: append(breakByte(compress(t, "gzip", text), -6), 0), reason: probe.EncodingInvalid},
		{name: "gzip cut before its last bits", header: "gzip", body: cutEnd(compress(t, "gzip", text), 9), reason: probe.EncodingInvalid},
		{name: "gzip cut and over the limit", header: "gzip", body: cutEnd(compress(t, "gzip", text), 8), opts: httpx.Options{BodyLimit: 599}, reason: probe.BodyTooLarge},
		{name: "not offered", header: "br", body: compress(t, "br", text), accept: "gzip", reason: probe.EncodingInvalid},
		{name: "refused", header: "br", body: compress(t, "br", text), accept: "gzip, br; q=0", reason: probe.EncodingInvalid},
		{name: "offered with weight", header: "br", body: compress(t, "br", text), accept: "gzip, br;q=0.5", want: plain},
		{name: "offered by star", header: "gzip", body: compress(t, "gzip", text), accept: "*", want: plain},
		{name: "at the limit", header: "gzip", body: compress(t, "gzip", text), opts: httpx.Options{BodyLimit: 600}, want: plain},
		{name: "over the limit", header: "gzip", body: compress(t, "gzip", text), opts: httpx.Options{BodyLimit: 599}, reason: probe.BodyTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := &httpx.Request{URL: encoded(t, test.header, test.body)}
			if test.accept != "" {
				req.Header = http.Header{"Accept-Encoding": {test.accept}}
			}
			resp := do(t, newClient(t, test.opts), req)
			if resp.Reason != test.reason || string(resp.Body) != test.want {
				t.Errorf("got %q (%s), %d bytes; want %q, %d bytes", resp.Reason, resp.Detail, len(resp.Body), test.reason, len(test.want))
			}
			var odd strings.Builder
			for _, finding := range resp.Findings {
				odd.WriteString(finding.Detail)
				if finding.Check != probe.EncodingOdd {
					t.Errorf("got the finding %q, want %q", finding.Check, probe.EncodingOdd)
				}
			}
			if odd.String() != test.odd {
				t.Errorf("got odd %q, want %q", odd.String(), test.odd)
			}
			if resp.WireBytes != int64(len(test.body)) || resp.BodyBytes != int64(len(test.want)) {
				t.Errorf("got %d bytes on the wire, %d decoded; want %d, %d", resp.WireBytes, resp.BodyBytes, len(test.body), len(test.want))
			}
			x := resp.Exchanges[0]
			if x.WireBytes != resp.WireBytes || x.BodyBytes != resp.BodyBytes {
				t.Errorf("evidence has %d and %d bytes, want %d and %d", x.WireBytes, x.BodyBytes, resp.WireBytes, resp.BodyBytes)
			}
		})
	}
}

func cutEnd(b []byte, n int) []byte { return b[:len(b)-n] }

func breakByte(b []byte, at int) []byte {
	b[len(b)+at] ^= 0xff
	return b
}

// A small body that unpacks to a gigabyte must not take much more memory than its limit.
func TestClient_BombsAreBounded(t *testing.T) {
	const limit = 1 << 20
	zeros := make([]byte, 32<<20)
	for _, encoding := range []string{"gzip", "br", "zstd", "deflate"} {
		t.Run(encoding, func(t *testing.T) {
			url := encoded(t, encoding, compress(t, encoding, zeros))
			client := newClient(t, httpx.Options{BodyLimit: limit})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp := do(t, client, &httpx.Request{URL: url})
			runtime.ReadMemStats(&after)
			if resp.Reason != probe.BodyTooLarge {
				t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, probe.BodyTooLarge)
			}
			// Growing to the limit takes a few times the limit, a decoder its window.
			if took := after.TotalAlloc - before.TotalAlloc; took > 24<<20 {
				t.Errorf("allocated %d MiB for a limit of 1 MiB", took>>20)
			}
		})
	}
}
