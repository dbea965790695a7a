package page_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// answer writes status, header fields (name, value, …) and body.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a client that went away is the test's own
	}
}

// long is a text that does not fit into the first round trip.
func long() string { return strings.Repeat("Add to basket. ", 1000) }

func TestProbe_Findings(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	tests := []struct {
		name    string
		handler http.HandlerFunc
		expect  page.Expect
		want    []string // check: detail; URL stands for that of the server
	}{
		{"a 200 passes", answer(200, "hello"), page.Expect{}, nil},
		{"any 2xx passes", answer(299, "hello"), page.Expect{}, nil},
		{"404", answer(404, "hello"), page.Expect{}, []string{"status_unexpected: status 404, want 2xx"}},
		{
			"an error page is only an error", answer(503, "", "X-Robots-Tag", "noindex"),
			page.Expect{Text: []string{"basket"}, Index: &yes, Title: "Shop", FinalURL: "https://other.example/"},
			[]string{"status_unexpected: status 503, want 2xx"},
		},
		{"an expected status", answer(404, ""), page.Expect{Status: []string{"404"}}, nil},
		{"no content", answer(204, ""), page.Expect{}, []string{"body_empty: status 204 with an empty body, want a page"}},
		{"no content in an expected range", answer(204, ""), page.Expect{Status: []string{"200-204"}}, nil},
		{"reset content in an expected class", answer(205, ""), page.Expect{Status: []string{"2xx"}}, nil},
		{
			"an empty page although one without content would do", answer(200, ""),
			page.Expect{Status: []string{"200", "204"}},
			[]string{"body_empty: status 200 with an empty body, want a page"},
		},
		{"expected no content", answer(204, ""), page.Expect{Status: []string{"200", "204"}}, nil},
		{
			"an empty page where a text should be", answer(200, ""),
			page.Expect{Text: []string{"basket"}},
			[]string{`text_missing: 0 bytes without "basket"; the body starts with ""`},
		},
		{"an empty page", answer(200, ""), page.Expect{}, []string{"body_empty: status 200 with an empty body, want a page"}},

		{"text", answer(200, "<b>Add</b> to&nbsp;\n<i>basket</i>"), page.Expect{Text: []string{"Add  to basket"}}, nil},
		{
			"text only in a script", answer(200, "<script>'Add to basket'</script>x"),
			page.Expect{Text: []string{"Add to basket"}},
			[]string{`text_missing: 1 bytes without "Add to basket"; the body starts with "x"`},
		},
		{
			"every text that is missing", answer(200, "one"),
			page.Expect{Text: []string{"one", "two", "three"}},
			[]string{`text_missing: 3 bytes without "two"; the body starts with "one"`, `text_missing: 3 bytes without "three"; the body starts with "one"`},
		},
		{
			"forbidden text", answer(200, "<p>Service <b>unavailable</b>"),
			page.Expect{NotText: []string{"Service unavailable"}},
			[]string{`text_forbidden: "Service unavailable" at byte 0, want none`},
		},
		{"forbidden text in a comment", answer(200, "<!-- Service unavailable -->x"), page.Expect{NotText: []string{"Service unavailable"}}, nil},
		{
			"text of what is not HTML", answer(200, `{"text": "<b>Add  to basket"}`, "Content-Type", "application/json"),
			page.Expect{Text: []string{"Add to basket"}},
			nil,
		},

		{"title", answer(200, "<title>Shoes | Shop</title>x"), page.Expect{Title: "Shoes  | *"}, nil},
		{
			"another title", answer(200, "<title>Hats &amp; more</title>x"),
			page.Expect{Title: "Shoes*"},
			[]string{`title_wrong: title "Hats & more", want "Shoes*"`},
		},
		{"no title", answer(200, "x"), page.Expect{Title: "Shoes"}, []string{`title_wrong: title "", want "Shoes"`}},
		{
			"a long title is cut", answer(200, "<title>"+strings.Repeat("ä", 500)+"</title>x"),
			page.Expect{Title: "Shoes"},
			[]string{`title_wrong: title "` + strings.Repeat("ä", 150) + `…", want "Shoes"`},
		},

		{"indexed", answer(200, "<meta name=robots content=index>x", "X-Robots-Tag", "max-snippet: 50"), page.Expect{Index: &yes}, nil},
		{
			"noindex in a header", answer(200, "x", "X-Robots-Tag", "bingbot: noindex"),
			page.Expect{Index: &yes},
			[]string{`noindex_unexpected: X-Robots-Tag "bingbot: noindex", want no noindex`},
		},
		{
			"noindex in the page", answer(200, "<meta name=robots content='noindex, follow'>x"),
			page.Expect{Index: &yes},
			[]string{`noindex_unexpected: meta robots "noindex, follow", want no noindex`},
		},
		{"noindex for a bot that is no search engine", answer(200, "x", "X-Robots-Tag", "archivebot: noindex"), page.Expect{Index: &yes}, nil},
		{"noindex without an expectation", answer(200, "x", "X-Robots-Tag", "noindex"), page.Expect{}, nil},
		{"hidden as it should be", answer(200, "x", "X-Robots-Tag", "none"), page.Expect{Index: &no}, nil},
		{
			"not hidden", answer(200, "x"),
			page.Expect{Index: &no},
			[]string{"index_unexpected: no noindex in robots meta elements and X-Robots-Tag, want one"},
		},
		{
			"hidden from one engine only", answer(200, "<meta name=googlebot content=noindex>x"),
			page.Expect{Index: &no},
			[]string{`index_unexpected: only meta googlebot "noindex", want noindex for all robots`},
		},

		{"canonical self", answer(200, "<link rel=canonical href='/'>x"), page.Expect{Canonical: "self"}, nil},
		{
			"canonical elsewhere", answer(200, "<base href='https://a.example/b/'><link rel=canonical href='c?d=e'>x"),
			page.Expect{Canonical: "self"},
			[]string{"canonical_wrong: canonical link to https://a.example/b/c?d=xxx, want URL/"},
		},
		{"canonical as wanted", answer(200, "x", "Link", `<HTTPS://A.example:443>; rel=canonical`), page.Expect{Canonical: "https://a.example"}, nil},
		{"an international host", answer(200, "<link rel=canonical href='https://bücher.example/'>x"), page.Expect{Canonical: "https://xn--bcher-kva.example/"}, nil},
		{"no canonical", answer(200, "x"), page.Expect{Canonical: "self"}, []string{"canonical_wrong: no canonical link, want URL/"}},
		{
			"two canonicals", answer(200, "<link rel=canonical href='/'><link rel=canonical href='/a'>x"),
			page.Expect{Canonical: "self"},
			[]string{"canonical_wrong: 2 different canonical links, want only URL/"},
		},
		{
			"the same canonical twice", answer(200, "<link rel=canonical href='/#top'>x", "Link", `</>; rel=canonical`),
			page.Expect{Canonical: "self"},
			nil,
		},

		{"latin letters as declared", answer(200, "caf\xe9", "Content-Type", "text/html; charset=iso-8859-1"), page.Expect{Text: []string{"café"}, Charset: "latin1"}, nil},
		{"utf-8 by its mark", answer(200, "\xef\xbb\xbfcafé", "Content-Type", "text/html"), page.Expect{Text: []string{"café"}, Charset: "utf-8"}, nil},
		{"utf-16", answer(200, "\xff\xfec\x00a\x00f\x00\xe9\x00", "Content-Type", "text/html"), page.Expect{Text: []string{"café"}, Charset: "utf-16le"}, nil},
		{"a declaration in the page", answer(200, "<meta charset=utf-8>café", "Content-Type", "text/html"), page.Expect{Charset: "UTF8"}, nil},
		{"garbled", answer(200, "ab\xff"), page.Expect{}, []string{"charset_wrong: byte 2 is not valid utf-8"}},
		{
			"utf-8 declared as something else", answer(200, "<meta charset=iso-8859-1>café", "Content-Type", "text/html"),
			page.Expect{},
			[]string{"charset_wrong: text is utf-8, but browsers take it for windows-1252"},
		},
		{
			"undeclared utf-8", answer(200, "<p>café", "Content-Type", "text/html"),
			page.Expect{},
			[]string{"charset_wrong: text is utf-8, but browsers take it for windows-1252"},
		},
		{
			"undeclared utf-8 of an undeclared type", func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				_, _ = w.Write([]byte("<html>café")) // a client that went away is the test's own
			},
			page.Expect{},
			[]string{"charset_wrong: text is utf-8, but browsers take it for windows-1252"},
		},
		{
			"undeclared utf-8 in plain text", answer(200, "<meta charset=utf-8>café", "Content-Type", "text/plain"),
			page.Expect{},
			[]string{"charset_wrong: text is utf-8, but browsers take it for windows-1252"},
		},
		{"undeclared windows-1252", answer(200, "caf\xe9", "Content-Type", "text/html"), page.Expect{Text: []string{"café"}}, nil},
		{"JSON is utf-8", answer(200, `"`+strings.Repeat(" ", 2000)+`café"`, "Content-Type", "application/json"), page.Expect{Text: []string{"café"}}, nil},
		{"JSON that is not utf-8", answer(200, "\"\xe9\"", "Content-Type", "application/json"), page.Expect{}, []string{"charset_wrong: byte 1 is not valid utf-8"}},
		{"XML is utf-8", answer(200, "<a>"+strings.Repeat(" ", 2000)+"café</a>", "Content-Type", "text/xml"), page.Expect{Text: []string{"café"}}, nil},
		{
			"XML as it declares itself", answer(200, "<?xml version='1.0' encoding = 'iso-8859-1' ?><a>caf\xe9</a>", "Content-Type", "application/rss+xml"),
			page.Expect{Text: []string{"café"}, Charset: "windows-1252"},
			nil,
		},
		{"XML with a broken declaration", answer(200, "<?xml encoding?><a>café</a>", "Content-Type", "application/xml"), page.Expect{}, nil},
		{"XML with an unknown encoding", answer(200, "<?xml encoding='x'?><a>café</a>", "Content-Type", "application/xml"), page.Expect{Charset: "utf-8"}, nil},
		{
			"another encoding", answer(200, "cafe", "Content-Type", "text/html; charset=koi8-r"),
			page.Expect{Charset: "utf-8"},
			[]string{"charset_wrong: character encoding koi8-r, want utf-8"},
		},
		{"a picture has no encoding", answer(200, "\x89PNG\xff", "Content-Type", "image/png; charset=utf-8"), page.Expect{}, nil},
		{"plain letters need no declaration", answer(200, "cafe", "Content-Type", "text/html"), page.Expect{}, nil},
		{"a plain text can be garbled", answer(200, "\xff", "Content-Type", "text/plain; charset=utf-8"), page.Expect{}, []string{"charset_wrong: byte 0 is not valid utf-8"}},
		{"a broken type is still a type", answer(200, "<title>Shop</title>x", "Content-Type", "TEXT/HTML ; =; charset"), page.Expect{Title: "Shop"}, nil},

		{
			"a long text is not compressed", answer(200, long()),
			page.Expect{},
			[]string{"not_compressed: 15000 bytes of text/html without Content-Encoding, want gzip, br or zstd"},
		},
		{"identity is no compression", answer(200, long(), "Content-Encoding", "identity"), page.Expect{}, []string{
			"not_compressed: 15000 bytes of text/html without Content-Encoding, want gzip, br or zstd",
		}},
		{"a picture is compressed by itself", answer(200, long(), "Content-Type", "image/png"), page.Expect{}, nil},
		{"a short text needs no compression", answer(200, long()[:14600]), page.Expect{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, tt.handler)
			result := run(t, config(probe.DesktopWeb, url+"/", func(c *page.Config) { c.Expect = tt.expect }))
			if result.Reason != "" {
				t.Fatalf("got reason %q: %s", result.Reason, result.Detail)
			}
			var got []string
			for _, f := range result.Findings {
				got = append(got, string(f.Check)+": "+strings.ReplaceAll(f.Detail, url, "URL"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbe_FindingsAreInTheCatalogue(t *testing.T) {
	t.Parallel()
	catalogue, err := probe.NewCatalogue([]probe.Kind{page.Kind()})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range page.Kind().Checks {
		got, ok := catalogue.Check(check.ID)
		switch {
		case !ok:
			t.Errorf("%s is not in the catalogue", check.ID)
		case got.Cap == probe.Unknown, got.Cap == probe.Excellent && check.ID != "assertion_info": // that one weighs nothing on purpose
			t.Errorf("%s: got cap %v, want one that says something", check.ID, got.Cap)
		case got.Title == "" || !strings.HasSuffix(got.Marketing, ".") || !strings.HasSuffix(got.IT, "."):
			t.Errorf("%s: got title %q and sentences %q, %q", check.ID, got.Title, got.Marketing, got.IT)
		}
	}
}

func TestProbe_EvidenceShowsTheStartOfAWrongPage(t *testing.T) {
	t.Parallel()
	result := run(t, config(probe.DesktopWeb, serve(t, html("<p>Hats")), func(c *page.Config) { c.Expect.Text = []string{"Shoes"} }))
	if got := result.Evidence.Exchanges[0].BodyStart; got != "<p>Hats" {
		t.Errorf("got %q, want the page", got)
	}
}
