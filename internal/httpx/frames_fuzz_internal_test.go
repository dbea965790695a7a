package httpx

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"golang.org/x/net/http2"
)

const fuzzLimit = 64 << 10 // bytes of a body

// fuzzExchange returns an exchange that is about to read what a server sent.
func fuzzExchange(f *testing.F) func() *exchange {
	f.Helper()
	client, err := New(Options{BodyLimit: fuzzLimit})
	if err != nil {
		f.Fatal(err)
	}
	return func() *exchange {
		return &exchange{
			client: client, url: &url.URL{Scheme: "https", Host: "shop.test", Path: "/"}, method: http.MethodGet,
			header: client.header, trail: &trail{}, last: time.Now(),
		}
	}
}

// checkFuzzed checks that what came is within its bounds, and that everything else is a fault of the server.
func checkFuzzed(t *testing.T, x *exchange, resp *http.Response, err error) {
	t.Helper()
	if _, ok := errors.AsType[*fault](err); err != nil && !ok {
		t.Fatalf("got error %v, want a reason", err)
	}
	if err == nil && (resp.StatusCode < http.StatusOK || resp.StatusCode > 999) {
		t.Errorf("got status %d, want a final one", resp.StatusCode)
	}
	if len(x.content) > fuzzLimit {
		t.Errorf("got %d bytes of a body, want at most %d", len(x.content), fuzzLimit)
	}
}

// FuzzHTTP3Frames reads arbitrary bytes as the stream of a response.
func FuzzHTTP3Frames(f *testing.F) {
	var block bytes.Buffer
	encoder := qpack.NewEncoder(&block)
	_ = encoder.WriteField(qpack.HeaderField{Name: ":status", Value: "200"}) // a bytes.Buffer takes everything
	_ = encoder.WriteField(qpack.HeaderField{Name: "content-length", Value: "5"})
	head := appendFrame(nil, http3Headers, block.Bytes())
	for _, seed := range [][]byte{
		nil, head, appendFrame(head, http3Data, []byte("hello")), appendFrame(nil, 0x21, []byte("grease")),
		appendFrame(appendFrame(head, http3Data, []byte("hello")), http3Headers, block.Bytes()),
		[]byte("HTTP/1.1 200 OK\r\n\r\n"),
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		f.Add(seed)
	}
	next := fuzzExchange(f)
	f.Fuzz(func(t *testing.T, sent []byte) {
		x := next()
		h := &http3Exchange{exchange: x, r: bufio.NewReader(bytes.NewReader(sent)), declared: -1}
		resp, err := h.header()
		if err == nil {
			if x.content, err = readBody(h, h.declared, fuzzLimit); err != nil {
				err = h.bodyFault(err)
			}
		}
		checkFuzzed(t, x, resp, err)
	})
}

// tape is a connection to a server that says the same whatever it is told.
type tape struct {
	net.Conn
	*bytes.Reader
}

// Read reads what was sent.
func (t tape) Read(p []byte) (int, error) { return t.Reader.Read(p) }

// Write forgets what it is told.
func (t tape) Write(p []byte) (int, error) { return len(p), nil }

// FuzzHTTP2Frames reads arbitrary bytes as a connection.
func FuzzHTTP2Frames(f *testing.F) {
	frames := func(write func(*http2.Framer)) []byte {
		var out bytes.Buffer
		framer := http2.NewFramer(&out, nil)
		_ = framer.WriteSettings() // a bytes.Buffer takes everything
		write(framer)
		return out.Bytes()
	}
	ok := []byte{0x88} // :status 200 of the static table (RFC 7541 appendix A)
	for _, write := range []func(*http2.Framer){
		func(*http2.Framer) {},
		func(fr *http2.Framer) {
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: ok, EndHeaders: true})
			_ = fr.WriteDataPadded(1, true, []byte("hello"), make([]byte, 8))
		},
		func(fr *http2.Framer) {
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: ok})
			_ = fr.WriteContinuation(1, true, []byte{0x40, 1, 'a', 1, 'b'})
		},
		func(fr *http2.Framer) { _ = fr.WriteGoAway(1, http2.ErrCodeNo, nil) },
		func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(1, maxWindow) },
	} {
		f.Add(frames(write))
	}
	next := fuzzExchange(f)
	f.Fuzz(func(t *testing.T, sent []byte) {
		x, b := next(), newBuffers()
		b.reset(tape{Reader: bytes.NewReader(sent)}, headerLimit)
		resp, err := x.http2(&http.Request{Method: x.method, URL: x.url, Header: x.header}, b)
		checkFuzzed(t, x, resp, err)
	})
}

// FuzzDecode unpacks arbitrary bytes in every encoding.
func FuzzDecode(f *testing.F) {
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "gzip, br", "none", "identity, GZIP"} {
		f.Add(encoding, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"))
		f.Add(encoding, []byte{0x28, 0xb5, 0x2f, 0xfd, 4, 0})
	}
	request := http.Header{"Accept-Encoding": {acceptEncoding}}
	f.Fuzz(func(t *testing.T, encoding string, packed []byte) {
		body, _, err := decode(packed, http.Header{"Content-Encoding": {encoding}}, request, fuzzLimit)
		if _, ok := errors.AsType[*fault](err); err != nil && !ok {
			t.Fatalf("got error %v, want a reason", err)
		}
		if len(body) > max(fuzzLimit, len(packed)) {
			t.Errorf("got %d bytes, want at most %d", len(body), fuzzLimit)
		}
	})
}

// FuzzHTTP3Alternative reads arbitrary values of Alt-Svc.
func FuzzHTTP3Alternative(f *testing.F) {
	for _, value := range []string{`h3=":443"; ma=2592000,h3-29=":443"`, "clear", `h2="a:1", h3="b,;:2"`, `h3="[::1]:443"`, `h3=:443`, `"`, `h3="`} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		to, ok := http3Alternative([]string{value})
		if ok && (to.port == 0 || strings.ContainsFunc(to.host, isControl) || !strings.Contains(value, HTTP3)) {
			t.Errorf("%q leads to %+v, want a host and a port", value, to)
		}
	})
}

func TestHTTP3Alternative(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]authority{
		`h3=":443"; ma=2592000,h3-29=":444"`:       {"", 443},
		`h3-29=":1", h3="alt.shop.test:8443"`:      {"alt.shop.test", 8443},
		`h2="a:1;b,c", h3=":2"`:                    {"", 2},
		` h3 = ":3" `:                              {"", 3},
		`h3="[2001:db8::1]:443"; persist=1; ma=60`: {"2001:db8::1", 443},
		`h3=":0", h3=":4"`:                         {"", 4},
		"clear":                                    {},
		`h3=:443`:                                  {},
		`h3="443"`:                                 {},
		`h3=":65536"`:                              {},
		`h3="a b:443"`:                             {},
		`h30=":443"`:                               {},
		"":                                         {},
	} {
		if got, ok := http3Alternative([]string{value}); got != want || ok != (want != authority{}) {
			t.Errorf("%q: got %+v, %v, want %+v", value, got, ok, want)
		}
	}
}

// The reader of a body says how a stream ended, because a length may not be declared.
func TestHTTP3Body_End(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sent []byte
		body string
		err  error
	}{
		"complete":            {appendFrame(appendFrame(nil, http3Data, []byte("ab")), http3Data, []byte("c")), "abc", nil},
		"empty":               {nil, "", nil},
		"cut in a frame":      {appendFrame(nil, http3Data, []byte("abc"))[:4], "ab", io.ErrUnexpectedEOF},
		"cut in a length":     {[]byte{http3Data, 0x40}, "", io.ErrUnexpectedEOF},
		"with a trailer":      {appendFrame(appendFrame(nil, http3Data, []byte("abc")), http3Headers, []byte{0, 0}), "abc", nil},
		"with unknown frames": {appendFrame(appendFrame(nil, 0x21, []byte("?")), http3Data, []byte("abc")), "abc", nil},
	} {
		h := &http3Exchange{exchange: new(exchange), r: bufio.NewReader(bytes.NewReader(tt.sent)), declared: -1}
		body, err := readBody(h, -1, fuzzLimit)
		if string(body) != tt.body || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q and %v, want %q and %v", name, body, err, tt.body, tt.err)
		}
	}
}
