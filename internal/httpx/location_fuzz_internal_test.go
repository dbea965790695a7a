package httpx

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzParseLocation checks that whatever a server says where to go, what is asked for next is a request line in one
// piece, and going there once more leads to the same place.
func FuzzParseLocation(f *testing.F) {
	for _, location := range []string{"/a", "//h/p?q#f", "https:/h", `\\h\p`, "/%-%zz", "?a b", "/a\tb", "#%", "HTTP://[::1%25lo]:80/", "a:b"} {
		f.Add(location)
	}
	base := &url.URL{Scheme: "https", Host: "shop.test", Path: "/a/b", RawQuery: "q"}
	f.Fuzz(func(t *testing.T, location string) {
		u, err := parseLocation(base, location)
		if err != nil {
			return
		}
		if u, err = ParseURL(u.String()); err != nil {
			return
		}
		if line := u.RequestURI(); strings.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			t.Errorf("%q leads to the request %q, want one word", location, line)
		}
		again, err := parseLocation(base, u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q leads to %s, which leads to %v, %v", location, u, again, err)
		}
	})
}

// FuzzCookieJar checks that nothing that a server sets breaks the next request, or leaves its site.
func FuzzCookieJar(f *testing.F) {
	for _, cookie := range []string{"a=1", `a="1"; Path=/; Domain=.shop.test; Max-Age=1`, "=;", "a=1; Domain=test; Secure; Expires=x", "\x00"} {
		f.Add(cookie)
	}
	home := &url.URL{Scheme: "https", Host: "www.shop.test", Path: "/a/b"}
	away := &url.URL{Scheme: "https", Host: "bank.test", Path: "/a/b"}
	f.Fuzz(func(t *testing.T, text string) {
		var jar Jar
		jar.set(home, []string{text, text + "; Path=/"})
		if sent := jar.header(home); strings.ContainsFunc(sent, isControl) || len(sent) > 2*maxCookieBytes+4 {
			t.Errorf("%q is sent back as %q", text, sent)
		}
		if sent := jar.header(away); sent != "" {
			t.Errorf("%q is sent to another site as %q", text, sent)
		}
	})
}
