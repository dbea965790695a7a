package httpx_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

var errCancelled = errors.New("shutting down")

func contextWithCancel(t *testing.T) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, func() { cancel(errCancelled) }
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

func TestNew_Mistakes(t *testing.T) {
	_, err := httpx.New(httpx.Options{
		UserAgent: "a\nb", MaxRedirects: -1, Resolver: "1.1.1.1", Protocols: []string{"h3", "h2"},
		Header: http.Header{"A B": {"x"}, "Transfer-Encoding": {"chunked"}, "X-Key": {"geheim\r\nInjected: 1"}},
		TLS:    httpx.TLSOptions{CAFile: "missing.pem", CertFile: "missing.pem"},
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"reading CA file: open missing.pem: no such file or directory",
		"reading client certificate and key: open missing.pem: no such file or directory",
		"timeout, number of redirects and limits: want none below 0",
		`resolver "1.1.1.1", want host:port`,
		`protocol "h3", want "h2" and "http/1.1", or "h3" alone`,
		"user agent: want no control characters",
		`header name "A B", want letters, digits and hyphens`,
		`header "Transfer-Encoding" belongs to the connection and is set by the client`,
		`value of header "X-Key", want no control characters`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("error shows a value: %v", err)
	}
}

func TestParseURL(t *testing.T) {
	tests := []struct{ name, raw, want, err string }{
		{name: "plain", raw: "http://example.com", want: "http://example.com"},
		{name: "international", raw: "https://bücher.example:8443/ä?q=1", want: "https://xn--bcher-kva.example:8443/%C3%A4?q=1"},
		{name: "relative", raw: "/a", err: "scheme of /a, want http or https"},
		{name: "other scheme", raw: "ftp://u:geheim@h/?k=geheim", err: "scheme of ftp://h/?k=xxx, want http or https"},
		{name: "no host", raw: "http:///a", err: "URL http:///a has no host"},
		{name: "port only", raw: "http://:80/a", err: "URL http://:80/a has no host"},
		{name: "port out of range", raw: "http://h:70000/", err: `port "70000", want 1 to 65535`},
		{name: "port zero", raw: "http://h:0/", err: `port "0", want 1 to 65535`},
		{name: "no URL", raw: "http://b:c/", err: `parsing URL: invalid port ":c" after host`},
		{name: "forgotten scheme with password", raw: "bob:geheim@example.com/x", err: "URL without // after its scheme, want http://host or https://host"},
		{name: "forgotten slashes with password", raw: "https:bob:geheim@example.com", err: "URL without // after its scheme, want http://host or https://host"},
		{name: "no URL with password", raw: "http://a:ge/heim@b/", err: "parsing URL: malformed, and not shown because it may hold a password"},
		{name: "control character", raw: "http://geheim\x00/", err: "parsing URL: net/url: invalid control character in URL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u, err := httpx.ParseURL(test.raw)
			if err != nil && err.Error() != test.err || err == nil && test.err != "" {
				t.Fatalf("got error %v, want %q", err, test.err)
			}
			if err == nil && u.String() != test.want {
				t.Errorf("got %s, want %s", u, test.want)
			}
		})
	}
}

func TestRedactRawURL(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"nothing to hide", "https://h/p", "https://h/p"},
		{"user info", "https://u:p@h/p", "https://h/p"},
		{"query values", "https://h/?a=1&b=&c=2", "https://h/?a=xxx&b=&c=xxx"},
		{"lone word", "https://h/?token", "https://h/?xxx"},
		{"value with equals sign", "https://h/?a=b=c", "https://h/?a=xxx"},
		{"fragment", "https://h/#access_token=1", "https://h/"},
		{"relative", "/a?b=c", "/a?b=xxx"},
		{"no URL", "http://u:p@h:x/", "xxx"},
		{"opaque", "mailto:a@b", "xxx"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := httpx.RedactRawURL(test.raw); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestResponse_KeepBodyStart(t *testing.T) {
	tests := []struct {
		name, body, want string
	}{
		{"short", "hello", "hello"},
		{"cut at a rune", strings.Repeat("x", httpx.BodyStartLimit-1) + "äöü", strings.Repeat("x", httpx.BodyStartLimit-1)},
		{"binary", "a\xff\xfeb", "a\uFFFDb"},
		{"all continuation bytes", strings.Repeat("\x80", 2*httpx.BodyStartLimit), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp := &httpx.Response{Body: []byte(test.body), Exchanges: make([]probe.Exchange, 1)}
			resp.KeepBodyStart()
			if got := resp.Exchanges[0].BodyStart; got != test.want {
				t.Errorf("got %d bytes %.40q, want %d bytes %.40q", len(got), got, len(test.want), test.want)
			}
		})
	}
	new(httpx.Response).KeepBodyStart() // nothing to keep
}

func TestClient_Evidence(t *testing.T) {
	addr := listen(t, answer("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nContent-Type: text/plain\r\nSet-Cookie: id=geheim\r\n"+
		"Authorization: geheim\r\nLocation: /a?token=geheim\r\nServer: x\r\nServer: y\r\n\r\nbusy"))
	resp := do(t, newClient(t, httpx.Options{}), &httpx.Request{URL: "http://" + addr + "/?key=geheim"})
	if len(resp.Exchanges) != 1 {
		t.Fatalf("got %d exchanges, want 1", len(resp.Exchanges))
	}
	got := resp.Exchanges[0]
	got.Phases = probe.Phases{}
	host, _, _ := net.SplitHostPort(addr)
	want := probe.Exchange{
		Method: "GET", URL: "http://" + addr + "/?key=xxx", Protocol: "HTTP/1.1", Status: 503, Address: addr, Addresses: []string{host},
		Header: []probe.Header{
			{Name: "Content-Length", Value: "4"},
			{Name: "Content-Type", Value: "text/plain"},
			{Name: "Location", Value: "/a?token=xxx"},
			{Name: "Server", Value: "x, y"},
		},
		WireBytes: 4, BodyBytes: 4, BodyStart: "busy",
	}
	if diff := diff(want, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(probe.Phases{}))
}
