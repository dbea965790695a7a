package pageload

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSite(t *testing.T) {
	tests := []struct{ host, want string }{
		{"www.shop.example.com", "example.com"},
		{"EXAMPLE.com.", "example.com"},
		{"shop.co.uk", "shop.co.uk"},
		{"www.shop.co.uk", "shop.co.uk"},
		{"shop.github.io", "shop.github.io"},
		{"a.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
		{"127.0.0.1", "127.0.0.1"},
		{"127.0.0.2", "127.0.0.2"},
		{"::1", "::1"},
		{"localhost", "localhost"},
		{"shop.localhost", "shop.localhost"},
		{"www.ads.localhost", "ads.localhost"},
		{"com", "com"},
		{"", ""},
	}
	for _, test := range tests {
		if got := site(test.host); got != test.want {
			t.Errorf("site(%q): got %q, want %q", test.host, got, test.want)
		}
	}
}

func TestSiteOf(t *testing.T) {
	for raw, want := range map[string]string{
		"https://www.example.com:8443/p?q": "example.com", "http://[::1]:80/": "::1", "about:blank": "", "http://[": "",
	} {
		if got := siteOf(raw); got != want {
			t.Errorf("siteOf(%q): got %q, want %q", raw, got, want)
		}
	}
}

func TestShownText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "  two\n lines\t", "two lines"},
		{"address", "GET https://u:p@h/p?a=b#c failed", "GET https://h/p?a=xxx failed"},
		{"two addresses", "(https://h/?a=1) wss://h/?b=2", "(https://h/?a=xxx) wss://h/?b=xxx"},
		{"at the end", "at 'http://h/?k=v'", "at 'http://h/?k=xxx'"},
		{"no address", "a :// b", "a :// b"},
		{"not parsed", "https://h:x?a=b", "xxx"},
		{"invalid bytes", "a\xffb", "ab"},
		{"long", strings.Repeat("x", 1000), strings.Repeat("x", 500) + "…"},
		{"cut within an address", strings.Repeat(" ", 4080) + "https://h/?abcdefghijkl=geheim", "https://h/?xxx…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := shownText(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestShownURL(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "https://u:p@h/p?a=b": "https://h/p?a=xxx", "data:text/html,geheim": "data:…", "blob:https://h/x": "blob:…",
		"https://h/" + strings.Repeat("x", 5000): "https://h/" + strings.Repeat("x", maxURL-10) + "…",
	} {
		if got := shownURL(raw); got != want {
			t.Errorf("shownURL(%.30q): got %q, want %q", raw, got, want)
		}
	}
}

func FuzzShownText(f *testing.F) {
	f.Add("see ", " or not")
	f.Add("https://h/?", "&x")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "geheim4711"
		if strings.Contains(before+after, "://") {
			return // where an address begins and ends is then another matter
		}
		got := shownText(before + " https://user:" + secret + "@h/?key=" + secret + " " + after)
		if strings.Contains(got, secret) {
			t.Errorf("got %q, which shows the secret", got)
		}
		if !utf8.ValidString(got) || len(got) > maxText+len("…") {
			t.Errorf("got %q, want valid UTF-8 of at most %d bytes", got, maxText)
		}
	})
}
