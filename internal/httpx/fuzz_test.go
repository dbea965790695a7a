package httpx_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// FuzzResponse sends arbitrary bytes as a response: every outcome is a Response within its bounds, in time.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
		"HTTP/1.1 200 OK\r\nContent-Encoding: br, zstd\r\n\r\n\x28\xb5\x2f\xfd\x04\x00",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 404 Nope\r\n\r\nx",
		"HTTP/1.1 302 Found\r\nLocation: http://[::ffff:169.254.169.254]/\r\nSet-Cookie: a=b\r\n\r\n",
		"HTTP/1.1 308 Gone on\r\nLocation: ?\x00\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n",
	} {
		f.Add([]byte(seed))
	}
	const limit = 64 << 10
	client, err := httpx.New(httpx.Options{BodyLimit: limit, MaxRedirects: 2, AllowedHosts: []string{"127.0.0.1"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		addr := listen(t, func(c net.Conn) {
			if _, err := c.Read(make([]byte, 4096)); err == nil {
				_, _ = c.Write(response)
			}
		})
		resp, err := client.Do(within(t, 10*time.Second), &httpx.Request{URL: "http://" + addr + "/"})
		if err != nil {
			t.Fatalf("got error %v, want a response with a reason", err)
		}
		checkClocks(t, resp)
		catalogue, err := probe.NewCatalogue(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, known := catalogue.Check(resp.Reason); resp.Reason != "" && !known {
			t.Errorf("reason %q is not in the catalogue", resp.Reason)
		}
		if len(resp.Body) > limit || len(resp.Exchanges) > 3 {
			t.Errorf("got %d bytes after %d exchanges", len(resp.Body), len(resp.Exchanges))
		}
	})
}

// FuzzRedactRawURL looks for a planted secret in what is shown of a URL.
func FuzzRedactRawURL(f *testing.F) {
	f.Add("https://h/p", "k")
	f.Add("http://h:80/?a=1", "a&b")
	f.Fuzz(func(t *testing.T, base, name string) {
		const secret = "geheim4711"
		for _, raw := range []string{base + "?" + name + "=" + secret, base + "#" + secret, "http://u:" + secret + "@h/" + base} {
			u, err := httpx.ParseURL(raw)
			if err != nil {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error for %q shows the secret: %v", raw, err)
				}
				continue
			}
			if shown := httpx.RedactURL(u); strings.Contains(shown, secret) && !strings.Contains(u.Path, secret) && !strings.Contains(u.Host, secret) {
				t.Errorf("%q is shown as %q", raw, shown)
			}
		}
	})
}
