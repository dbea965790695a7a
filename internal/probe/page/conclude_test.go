package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// landed is a fine answer of the page with the final URL.
func landed(address string) *httpx.Response {
	final, err := url.Parse(address)
	if err != nil {
		panic(err) // a mistake in the table
	}
	body := []byte("<title>Shop</title><link rel=canonical href='https://shop.example/shoes'>Shoes")
	return &httpx.Response{
		Status: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, URL: final,
		Body: body, BodyBytes: int64(len(body)), WireBytes: int64(len(body)),
	}
}

func TestConclude_FinalURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		url    string
		expect page.Expect
		want   string
	}{
		{"https", "https://shop.example/", page.Expect{}, ""},
		{"plain http", "http://shop.example/?a=b", page.Expect{}, "not_https: landed on http://shop.example/?a=xxx, want https"},
		{"localhost", "http://LOCALHOST.:8080/", page.Expect{}, ""},
		{"below localhost", "http://shop.localhost/", page.Expect{}, ""},
		{"not below localhost", "http://notlocalhost/", page.Expect{}, "not_https: landed on http://notlocalhost/, want https"},
		{"loopback", "http://127.8.0.1/", page.Expect{}, ""},
		{"loopback in IPv6", "http://[::1]:8080/", page.Expect{}, ""},
		{"a private address is no loopback", "http://10.0.0.1/", page.Expect{}, "not_https: landed on http://10.0.0.1/, want https"},

		{"the landing page", "https://shop.example/#top", page.Expect{FinalURL: "https://SHOP.example:443"}, ""},
		{
			"another landing page", "https://shop.example/sorry?token=t0p",
			page.Expect{FinalURL: "https://shop.example/?id=7"},
			"final_url_wrong: landed on https://shop.example/sorry?token=xxx, want https://shop.example/?id=xxx",
		},
		{"a query is part of it", "https://shop.example/?a=b", page.Expect{FinalURL: "https://shop.example/"}, "final_url_wrong: landed on https://shop.example/?a=xxx, want https://shop.example/"},
		{
			"another value in the query", "https://shop.example/?id=8&lang=de&id=9",
			page.Expect{FinalURL: "https://shop.example/?id=7&lang=de&id=7"},
			"final_url_wrong: landed on https://shop.example/?id=xxx&lang=xxx&id=xxx, want https://shop.example/?id=xxx&lang=xxx&id=xxx (they differ in id)",
		},
		{
			"several values in the query", "https://shop.example/?id=8&lang=de",
			page.Expect{FinalURL: "https://shop.example/?id=7&lang=en"},
			"final_url_wrong: landed on https://shop.example/?id=xxx&lang=xxx, want https://shop.example/?id=xxx&lang=xxx (they differ in id, lang)",
		},
		{
			"another word as query", "https://shop.example/?a",
			page.Expect{FinalURL: "https://shop.example/?b"},
			"final_url_wrong: landed on https://shop.example/?xxx, want https://shop.example/?xxx (they differ in the query)",
		},
		{"a star", "https://shop.example/de/?a=b", page.Expect{FinalURL: "https://shop.example/*"}, ""},
		{"a star that does not reach", "https://shop.example/", page.Expect{FinalURL: "https://shop.example/*/"}, "final_url_wrong: landed on https://shop.example/, want https://shop.example/*/"},

		{"itself", "https://shop.example/shoes", page.Expect{Canonical: "self"}, ""},
		{
			"itself by a campaign", "https://shop.example/shoes?utm_source=mail&gclid=1&fbclid=2&msclkid=3&ttclid=4&_gl=5",
			page.Expect{Canonical: "self"},
			"",
		},
		{
			"another page of itself", "https://shop.example/shoes?utm_source=mail&page=2",
			page.Expect{Canonical: "self"},
			"canonical_wrong: canonical link to https://shop.example/shoes, want https://shop.example/shoes?page=xxx",
		},
		{
			"another value in the canonical address", "https://shop.example/hats",
			page.Expect{Canonical: "https://shop.example/shoes?page=2"},
			"canonical_wrong: canonical link to https://shop.example/shoes, want https://shop.example/shoes?page=xxx",
		},
		{"the address that is named", "https://shop.example/shoes?page=2", page.Expect{Canonical: "https://shop.example/shoes"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			findings, err := tt.expect.Conclude(landed(tt.url))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, string(f.Check)+": "+f.Detail)
			}
			if all := strings.Join(got, "\n"); all != tt.want {
				t.Errorf("got %q, want %q", all, tt.want)
			}
		})
	}
}

func TestConclude_IsPure(t *testing.T) {
	t.Parallel()
	yes := true
	expect := page.Expect{
		Text: []string{"Hats"}, NotText: []string{"Shoes"}, Title: "Hats", FinalURL: "https://shop.example/hats",
		Index: &yes, Canonical: "self", Charset: "koi8-r",
	}
	response := landed("https://shop.example/")
	response.Header.Set("X-Robots-Tag", "noindex")
	body := string(response.Body)
	first, err := expect.Conclude(response)
	if err != nil {
		t.Fatal(err)
	}
	second, err := expect.Conclude(response)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("findings differ the second time (-first +second):\n%s", diff)
	}
	if string(response.Body) != body {
		t.Errorf("got body %q, want it as it was", response.Body)
	}
	if len(first) != 7 {
		t.Errorf("got %d findings, want one for each of 7 expectations: %+v", len(first), first)
	}
}

func TestConclude_CompressedPage(t *testing.T) {
	t.Parallel()
	response := landed("https://shop.example/")
	response.WireBytes = 20_000
	response.Header.Set("Content-Encoding", "br")
	findings, err := new(page.Expect).Conclude(response)
	if err != nil || len(findings) != 0 {
		t.Errorf("got %+v and error %v, want neither", findings, err)
	}
}

func TestConclude_WithoutContentType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       int
	}{
		{"looks like HTML", "<!doctype html><title>Hats</title>", 0},
		{"looks like a picture", "\x89PNG\r\n\x1a\n<title>Hats</title>", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := landed("https://shop.example/")
			response.Header, response.Body = nil, []byte(tt.body)
			expect := page.Expect{Title: "Hats"}
			findings, err := expect.Conclude(response)
			if err != nil || len(findings) != tt.want {
				t.Errorf("got %+v and error %v, want %d findings", findings, err, tt.want)
			}
		})
	}
}

func BenchmarkConclude(b *testing.B) {
	response := landed("https://shop.example/")
	yes := true
	for name, expect := range map[string]page.Expect{
		"defaults":   {},
		"every rule": {Text: []string{"Shoes"}, Title: "Shop", Index: &yes, Canonical: "https://shop.example/shoes"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			conclude, err := expect.Compiled()
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if findings := conclude(response); len(findings) > 0 {
					b.Fatal(findings)
				}
			}
		})
	}
}
