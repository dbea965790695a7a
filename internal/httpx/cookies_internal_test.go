package httpx

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestCookieJar(t *testing.T) {
	const home = "https://www.shop.test/a/b"
	tests := []struct {
		name string
		from string // home when empty
		set  []string
		to   string // home when empty
		want string
	}{
		{name: "plain", set: []string{"a=1"}, want: "a=1"},
		{name: "quotes stay", set: []string{`sid="abc"`}, want: `sid="abc"`},
		{name: "JSON", set: []string{`consent={"a":1,"b":[2]}; Path=/`}, want: `consent={"a":1,"b":[2]}`},
		{name: "name in brackets", set: []string{"cart[a]=1"}, want: "cart[a]=1"},
		{name: "equals signs in the value", set: []string{"a=b=c=="}, want: "a=b=c=="},
		{name: "spaces around", set: []string{" a \t=  1 2\t; Path=/"}, want: "a=1 2"},
		{name: "letters beyond ASCII", set: []string{"a=größe"}, want: "a=größe"},
		{name: "no value", set: []string{"a="}, want: "a="},
		{name: "no name", set: []string{"=1", "alone"}, want: "alone"},
		{name: "nothing", set: []string{"", ";", "=", " ; Path=/"}, want: ""},
		{name: "control character", set: []string{"a=1\x01", "b\x7f=1", "c=1"}, want: "c=1"},
		{name: "of 4096 bytes", set: []string{"a=" + strings.Repeat("x", 4095)}, want: "a=" + strings.Repeat("x", 4095)},
		{name: "of 4097 bytes", set: []string{"a=" + strings.Repeat("x", 4096)}, want: ""},
		{name: "set again", set: []string{"a=1", "b=2", "a=3"}, want: "a=3; b=2"},
		{name: "same name on another path", set: []string{"a=1; Path=/", "a=2; Path=/a"}, want: "a=2; a=1"},
		{name: "longer path first", set: []string{"a=1; path=/", "b=2; PATH=/a/b", "c=3; Path=/"}, want: "b=2; a=1; c=3"},

		{name: "deleted by age", set: []string{"a=1", "a=; Max-Age=0"}, want: ""},
		{name: "deleted by negative age", set: []string{"a=1", "a=; max-age=-1"}, want: ""},
		{name: "deleted by date", set: []string{"a=1", "a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, want: ""},
		{name: "deleted by date with hyphens", set: []string{"a=1", "a=x; expires=Thu, 01-Jan-1970 00:00:01 GMT"}, want: ""},
		{name: "date to come", set: []string{"a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"}, want: "a=1"},
		{name: "date that is none", set: []string{"a=1; Expires=never; Max-Age=long"}, want: "a=1"},
		{name: "age overrides date", set: []string{"a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, want: "a=1"},
		{name: "date before age", set: []string{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"}, want: "a=1"},
		{name: "deleted on another path only", set: []string{"a=1; Path=/", "a=; Path=/a; Max-Age=0"}, want: "a=1"},

		{name: "default path", set: []string{"a=1"}, to: "https://www.shop.test/a", want: "a=1"},
		{name: "outside of the default path", set: []string{"a=1"}, to: "https://www.shop.test/", want: ""},
		{name: "below the path", set: []string{"a=1; Path=/a"}, to: "https://www.shop.test/a/c?q", want: "a=1"},
		{name: "path with a slash", set: []string{"a=1; Path=/a/"}, to: "https://www.shop.test/a/c", want: "a=1"},
		{name: "path that only begins alike", set: []string{"a=1; Path=/a"}, to: "https://www.shop.test/ab", want: ""},
		{name: "relative path is the default", set: []string{"a=1; Path=x"}, to: "https://www.shop.test/a/x", want: "a=1"},
		{name: "last path counts", set: []string{"a=1; Path=/x; Path=/"}, to: "https://www.shop.test/", want: "a=1"},
		{name: "URL without path", from: "https://www.shop.test", set: []string{"a=1"}, to: "https://www.shop.test/x", want: "a=1"},

		{name: "host only", set: []string{"a=1; Path=/"}, to: "https://shop.test/", want: ""},
		{name: "host only, below", set: []string{"a=1; Path=/"}, to: "https://x.www.shop.test/", want: ""},
		{name: "domain", set: []string{"a=1; Path=/; Domain=.Shop.test"}, to: "https://pay.shop.test/", want: "a=1"},
		{name: "domain itself", set: []string{"a=1; Path=/; Domain=shop.test"}, to: "https://SHOP.test./", want: "a=1"},
		{name: "domain with a like end", set: []string{"a=1; Path=/; Domain=shop.test"}, to: "https://badshop.test/", want: ""},
		{name: "own domain covers below", set: []string{"a=1; Path=/; Domain=www.shop.test"}, to: "https://x.www.shop.test/", want: "a=1"},
		{name: "foreign domain", set: []string{"a=1; Path=/; Domain=bank.test"}, to: "https://bank.test/", want: ""},
		{name: "domain below", set: []string{"a=1; Path=/; Domain=x.www.shop.test"}, to: "https://x.www.shop.test/", want: ""},
		{name: "top-level domain", set: []string{"a=1; Path=/; Domain=test"}, to: "https://bank.test/", want: ""},
		{name: "empty domain", set: []string{"a=1; Domain="}, want: "a=1"},
		{name: "host of one label", from: "https://intranet/", set: []string{"a=1; Domain=intranet"}, to: "https://intranet/x", want: "a=1"},
		{name: "address", from: "http://127.0.0.1:81/", set: []string{"a=1; Domain=127.0.0.1"}, to: "http://127.0.0.1:82/", want: "a=1"},
		{name: "end of an address", from: "http://127.0.0.1/", set: []string{"a=1; Domain=0.0.1"}, to: "http://127.0.0.1/", want: ""},

		{name: "secure", set: []string{"a=1; Path=/; Secure"}, to: "https://www.shop.test/", want: "a=1"},
		{name: "secure, not to http", set: []string{"a=1; Path=/; secure"}, to: "http://www.shop.test/", want: ""},
		{name: "secure, not from http", from: "http://www.shop.test/", set: []string{"a=1; Secure"}, to: "https://www.shop.test/", want: ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parse := func(raw string) *url.URL {
				if raw == "" {
					raw = home
				}
				u, err := url.Parse(raw)
				if err != nil {
					t.Fatal(err)
				}
				return u
			}
			var jar Jar
			jar.set(parse(test.from), test.set)
			if got := jar.header(parse(test.to)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// However many cookies a server sets, a bounded number is kept.
func TestCookieJar_IsBounded(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "shop.test", Path: "/"}
	var jar Jar
	for i := range 1000 {
		jar.set(u, []string{"a" + strings.Repeat("x", i) + "=1"})
	}
	if sent := strings.Split(jar.header(u), "; "); len(sent) != maxCookies || !slices.Contains(sent, "a=1") {
		t.Errorf("got %d cookies, want %d with the first", len(sent), maxCookies)
	}
}

func TestParseLocation(t *testing.T) {
	tests := []struct{ location, want string }{
		{"/ok", "http://shop.test/ok"},
		{"ok?a=1#b", "http://shop.test/a/ok?a=1#b"},
		{"?a=1", "http://shop.test/a/b?a=1"},
		{"//pay.test/x", "http://pay.test/x"},
		{"https://pay.test/x", "https://pay.test/x"},
		{" \t/ok\r\n ", "http://shop.test/ok"},
		{"/o\tk", "http://shop.test/ok"},
		{"ht\ntp://pay.test/", "http://pay.test/"},
		{"/100%-off", "http://shop.test/100%25-off"},
		{"/100%", "http://shop.test/100%25"},
		{"/a%20b%2", "http://shop.test/a%20b%252"},
		{"/a#50%", "http://shop.test/a#50%25"},
		{"/a?b=50%", "http://shop.test/a?b=50%"},
		{"/a b", "http://shop.test/a%20b"},
		{"/a?b=c d&e=\"<ü>'", "http://shop.test/a?b=c%20d&e=%22%3C%C3%BC%3E%27"},
		{"http:/ok", "http://shop.test/ok"},
		{"http:ok", "http://shop.test/a/ok"},
		{"HTTP:/ok", "http://shop.test/ok"},
		{"https:/pay.test/x", "https://pay.test/x"},
		{"https:pay.test/x", "https://pay.test/x"},
		{`\ok\x`, "http://shop.test/ok/x"},
		{`\\pay.test\x`, "http://pay.test/x"},
		{`/ok?a\b`, `http://shop.test/ok?a\b`},
		{"http://pay.test/100%/x", "http://pay.test/100%25/x"},
		{"http://%zz/", ""},
		{"http://[::1", ""},
		{"mailto:a@b", "mailto:a@b"},
		{"javascript:alert(1)", "javascript:alert(1)"},
		{"/a:b", "http://shop.test/a:b"},
	}
	base := &url.URL{Scheme: "http", Host: "shop.test", Path: "/a/b"}
	for _, test := range tests {
		t.Run(test.location, func(t *testing.T) {
			got := ""
			if u, err := parseLocation(base, test.location); err == nil {
				got = u.String()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
