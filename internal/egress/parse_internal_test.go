package egress

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		authority string
		port      uint16
		want      string // host:port, or nothing
	}{
		{"shop.test", 80, "shop.test:80"},
		{"Shop.TEST.:443", 0, "shop.test:443"},
		{"a_b.test:1", 0, "a_b.test:1"},
		{"xn--bcher-kva.test:1", 0, "xn--bcher-kva.test:1"},
		{"127.0.0.1:1", 0, "127.0.0.1:1"},
		{"127.0x1:1", 0, "127.0.0.1:1"},
		{"1.2.3:1", 0, "1.2.0.3:1"},
		{"4294967295:1", 0, "255.255.255.255:1"},
		{"0x:1", 0, "0.0.0.0:1"},
		{"010.0.0.1:1", 0, "8.0.0.1:1"},
		{"[::1]:1", 0, "[::1]:1"},
		{"[::1]", 80, "[::1]:80"},
		{"[::ffff:1.2.3.4]:1", 0, "1.2.3.4:1"},
		{"[2001:DB8::0:1]:1", 0, "[2001:db8::1]:1"},
		{"a.b.c4:1", 0, "a.b.c4:1"},
		{"shop.test", 0, ""},
		{"shop.test:", 80, ""},
		{"shop.test:0", 80, ""},
		{"shop.test:65536", 80, ""},
		{"shop.test:+1", 80, ""},
		{"shop.test:1:2", 80, ""},
		{"user@shop.test:1", 0, ""},
		{"a b:1", 0, ""},
		{"bücher.test:1", 0, ""},
		{"a..b:1", 0, ""},
		{".a:1", 0, ""},
		{":1", 0, ""},
		{"", 80, ""},
		{"256.0.0.1:1", 0, ""},
		{"1.2.3.4.5:1", 0, ""},
		{"4294967296:1", 0, ""},
		{"1.2.3.09:1", 0, ""},
		{"a.1:1", 0, ""},
		{"a.0x1:1", 0, ""},
		{"::1:1", 0, ""},
		{"::1", 80, ""},
		{"[::1:1", 0, ""},
		{"[1.2.3.4]:1", 0, ""},
		{"[fe80::1%25eth0]:1", 0, ""},
		{"x[::1]:1", 0, ""},
		{"[::1]x:1", 0, ""},
		{strings.Repeat("a", 64) + ":1", 0, ""},
		{strings.Repeat("a.", 127) + "b:1", 0, ""},
	}
	for _, test := range tests {
		got, ok := parseTarget(test.authority, test.port)
		if ok != (test.want != "") || ok && got.String() != test.want {
			t.Errorf("%q: got %s, %v, want %q", test.authority, got, ok, test.want)
		}
	}
}

// What is judged is what is connected to: every spelling has one reading, and reading it again changes nothing.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"shop.test:443", "0x7f.1:80", "[::1]:1", "[::ffff:127.0.0.1]:80", "127.0.0.1.:1", "a.09:1", "1..:1", "%31:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		first, ok := parseTarget(authority, 80)
		if !ok {
			return
		}
		again, ok := parseTarget(first.String(), 0)
		if !ok || again != first {
			t.Errorf("%q is %v, and that is %v, %v", authority, first, again, ok)
		}
		if strings.ContainsAny(first.host, " \t\r\n/@?#%[]") {
			t.Errorf("%q has the host %q", authority, first.host)
		}
	})
}

// What is sent is one request to the host that was judged, whoever reads it.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		"GET http://a.test/b?c HTTP/1.1\r\nHost: a.test\r\nProxy-Connection: keep-alive\r\n\r\n",
		"POST http://a.test HTTP/1.1\r\nHost: A.test:80\r\nTransfer-Encoding: chunked\r\n\r\n",
		"OPTIONS http://a.test HTTP/1.0\r\nproxy-authorization: x\r\nContent-Length: 5, 5\r\n\r\n",
		"CONNECT a.test:443 HTTP/1.1\r\n\r\n",
		"GET http://a.test?x HTTP/1.1\r\nHost: a.test\r\nX : y\r\n\r\n",
		"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\tHost: b.test\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := readHead(bufio.NewReader(bytes.NewReader(b)), nil)
		if err != nil {
			return
		}
		r, err := parseRequest(raw)
		if err != nil || r.method == http.MethodConnect {
			return
		}
		sent := r.appendDirect(nil)
		got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		if err != nil {
			return // stricter than we are about characters; no reader takes it for something else
		}
		if got.Method != r.method {
			t.Errorf("%q: got method %q, want %q", sent, got.Method, r.method)
		}
		if host, ok := parseTarget(got.Host, 80); got.Host != "" && (!ok || host != r.target) {
			t.Errorf("%q: is for %q, want %v", sent, got.Host, r.target)
		}
		if chunked := len(got.TransferEncoding) > 0; chunked != r.chunked || !chunked && got.ContentLength != r.length {
			t.Errorf("%q: got length %d %v, want %+v", sent, got.ContentLength, got.TransferEncoding, r.framing)
		}
		for name := range got.Header {
			if strings.HasPrefix(name, "Proxy-") {
				t.Errorf("%q: has the field %s", sent, name)
			}
		}
	})
}

// A chunked body is carried as it is, up to where the standard library finds its end too.
func FuzzRelayChunks(f *testing.F) {
	for _, seed := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "0A;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\nrest", "5\r\nhelloX\r\n0\r\n\r\n", "-1\r\n", "0\r\n\r\n",
		"fffffffffffffffff\r\n", "3fffffffffffffff\r\nx", "5\nhello\n0\n\n", " 5 \r\nhello\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var carried bytes.Buffer
		from, to := bufio.NewReader(bytes.NewReader(b)), bufio.NewWriter(&carried)
		err := framing{chunked: true}.relay(to, from, make([]byte, 7))
		rest, _ := io.ReadAll(from)
		if err == nil && !bytes.Equal(append(carried.Bytes(), rest...), b) || !bytes.HasPrefix(b, carried.Bytes()) {
			t.Errorf("%q: carried %q and left %q, %v", b, carried.Bytes(), rest, err)
		}
		theirs := bufio.NewReader(bytes.NewReader(b))
		content, theirErr := io.ReadAll(httputil.NewChunkedReader(theirs))
		if err != nil || theirErr != nil {
			return
		}
		again, againErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(carried.Bytes())))
		if againErr != nil || !bytes.Equal(content, again) {
			t.Errorf("%q: carries %q, %v, want %q", b, again, againErr, content)
		}
	})
}

// The head of a response never makes anything worse than an answer that goes on until the connection ends.
func FuzzResponseHead(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.0 200\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "\r\n", "ICY 200 OK\r\n\r\n",
	} {
		f.Add([]byte(seed), "GET")
	}
	f.Fuzz(func(t *testing.T, b []byte, method string) {
		raw, err := readHead(bufio.NewReader(bytes.NewReader(b)), nil)
		if err != nil {
			return
		}
		h := parseHead(raw)
		version, status, ok := h.status()
		body := h.responseFraming(method, version, status)
		if body.length < 0 || ok && (status < 100 || status > 999) {
			t.Errorf("%q: got status %d, %+v", b, status, body)
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), &http.Request{Method: method})
		if err != nil || !ok || body.open || h.odd || theirs.ProtoMinor == 0 || theirs.StatusCode == http.StatusSwitchingProtocols {
			return
		}
		_ = theirs.Body.Close()
		chunked := len(theirs.TransferEncoding) > 0
		if chunked != body.chunked && status >= 200 || !chunked && theirs.ContentLength >= 0 && theirs.Body != http.NoBody && theirs.ContentLength != body.length {
			t.Errorf("%q: got %+v, want length %d %v", b, body, theirs.ContentLength, theirs.TransferEncoding)
		}
	})
}

func TestReadHead_Bounds(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n"), zeros{})
	if raw, err := readHead(bufio.NewReader(endless), nil); !errors.Is(err, errTooLarge) || len(raw) > maxHead+4096 {
		t.Errorf("got %d bytes, %v, want at most about %d and %v", len(raw), err, maxHead, errTooLarge)
	}
	trailers := io.MultiReader(strings.NewReader("0\r\n"), strings.NewReader(strings.Repeat("X: y\r\n", maxHead)))
	err := framing{chunked: true}.relay(bufio.NewWriter(io.Discard), bufio.NewReader(trailers), make([]byte, 64))
	if !errors.Is(err, errTooLarge) {
		t.Errorf("endless trailers: got %v, want %v", err, errTooLarge)
	}
	err = framing{chunked: true}.relay(bufio.NewWriter(io.Discard), bufio.NewReader(zeros{}), make([]byte, 64))
	if !errors.Is(err, errTooLarge) {
		t.Errorf("endless size: got %v, want %v", err, errTooLarge)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestLane(t *testing.T) {
	start := time.Now()
	l := lane{rate: 8_000} // 1 KB a second
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
		if got := l.take(1000, start).Sub(start); got != want {
			t.Errorf("kilobyte %d crosses after %v, want %v", i+1, got, want)
		}
	}
	later := start.Add(time.Minute)
	if got := l.take(500, later).Sub(later); got != time.Second/2 {
		t.Errorf("after a rest, half a kilobyte crosses after %v, want %v: rest is not saved up", got, time.Second/2)
	}
	none := lane{}
	if got := none.take(1<<30, start); got != start {
		t.Errorf("without a rate, it takes %v", got.Sub(start))
	}
	for rate, want := range map[int64]int{0: chunk, 8: 1460, 1_638_400: 5120, 1 << 40: chunk} {
		if got := (&lane{rate: rate}).quantum(); got != want {
			t.Errorf("at %d bit/s, %d bytes go at a time, want %d", rate, got, want)
		}
	}
}
