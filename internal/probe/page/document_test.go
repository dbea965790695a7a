package page_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe/page"
)

func TestScan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		html string
		want page.Scanned
	}{
		{"nothing", "", page.Scanned{}},
		{"a text without markup", "Add to basket", page.Scanned{Text: "Add to basket"}},
		{
			"title and text", "<!doctype html><html><head><title> Shoes\n &amp; more </title><body><h1>Shoes</h1>",
			page.Scanned{Title: "Shoes & more", Text: "Shoes"},
		},
		{
			"only the first title counts", "<title>One</title><title>Two</title>",
			page.Scanned{Title: "One"},
		},
		{
			"the title of a picture is not that of the page", "<svg><title>Logo</title></svg><title>Shop</title>",
			page.Scanned{Title: "Shop"},
		},
		{
			"a self-closing svg is over", "<svg/><title>Shop</title>",
			page.Scanned{Title: "Shop"},
		},
		{"an empty title is a title", "<title></title><p>text", page.Scanned{Text: "text"}},
		{
			"inline elements do not part words", "<p><b>A</b>dd <i>to</i>&nbsp;&nbsp;bas<wbr>ket",
			page.Scanned{Text: "Add to basket"},
		},
		{
			"blocks and breaks part words", "<td>1</td><td>2</td>3<br>4<p>5</p>6",
			page.Scanned{Text: "1 2 3 4 5 6"},
		},
		{
			"break hints are not read", "bas&shy;ket\u200b!",
			page.Scanned{Text: "basket!"},
		},
		{
			"what browsers do not show", `<script>var a="<p>secret</p>"</script><style>p{}</style><!-- comment --><noscript>no</noscript>` +
				`<template><p>later<title>T</title></template><iframe>old</iframe><noembed>no</noembed><noframes>no</noframes>shown`,
			page.Scanned{Text: "shown"},
		},
		{"templates can nest", "<template><template>a</template>b</template>c", page.Scanned{Text: "c"}},
		{"an end without a start is ignored", "</template></svg>a<title>b</title>", page.Scanned{Title: "b", Text: "a"}},
		{
			"texts in attributes", `<img alt="A shoe"><input type=submit value="Add to basket"><input type=text value=typed placeholder=Search>`,
			page.Scanned{Text: "A shoe Add to basket Search"},
		},
		{"text areas are read", "<textarea>a &lt; b</textarea>", page.Scanned{Text: "a < b"}},
		{
			"canonical links", `<LINK REL="Canonical" HREF=" /shoes "><link rel="alternate canonical" href=/b><link rel=stylesheet href=/c><link rel=canonical href="">`,
			page.Scanned{Canonicals: []string{"/shoes", "/b"}},
		},
		{"the first base counts", `<base href=/a/><base href=/b/>`, page.Scanned{Base: "/a/"}},
		{
			"links in comments and scripts are none", `<!-- <link rel=canonical href=/a> --><script>"<link rel=canonical href=/a>"</script>` +
				`<template><meta name=robots content=noindex></template>`,
			page.Scanned{},
		},
		{
			"robots", `<meta name=ROBOTS content="NoFollow, NOINDEX"><meta name=googlebot content=none><meta name=robots content="index,follow">` +
				`<meta name=googlebot-news content=noindex><meta name=description content=noindex><meta name=bingbot content="nofollow noindex">`,
			page.Scanned{Robots: []string{
				`|meta robots "NoFollow, NOINDEX"`, `googlebot|meta googlebot "none"`, `bingbot|meta bingbot "nofollow noindex"`,
			}},
		},
		{
			"the first of a double attribute counts", `<meta name=robots content=index content=noindex>`,
			page.Scanned{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, page.Scan(tt.html)); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScan_ShadowRoots(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ html, want string }{
		"open":                    {"<my-card><template shadowrootmode=open>shown</template></my-card> after", "shown after"},
		"closed, in capitals":     {"<TEMPLATE SHADOWROOTMODE=closed>shown</TEMPLATE> after", "shown after"},
		"not shown where it is":   {"<template>a<template shadowrootmode=open>b</template>c</template>d", "d"},
		"with a template in it":   {"<template shadowrootmode=open>a<template>b</template>c</template> d", "ac d"},
		"a mode is a mode":        {"<template shadowrootmode>a</template>b", "b"},
		"the end is not an end":   {"<template shadowrootmode=open>a</template><template>b</template>c", "ac"},
		"with a hidden part":      {"<template shadowrootmode=open><p hidden>a</p>b</template>c", "bc"},
		"in something hidden":     {"<div hidden><template shadowrootmode=open>a</template></div>b", "b"},
		"ended by what is around": {"<div><p hidden>a<template>b</template></div>c", "c"},
	} {
		if got := page.Scan(tt.html).Text; got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestScan_Hidden(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ html, want string }{
		"a paragraph":                     {"<p hidden>a</p>b", "b"},
		"whatever its value":              {`<p HIDDEN hidden="until-found">a</p>b`, "b"},
		"another attribute":               {`<p class=hidden aria-hidden=true data-hidden>a</p>b`, "a b"},
		"with elements in it":             {"<div hidden><div>a</div><b>b</b><br>c<img alt=d><input placeholder=e></div>f", "f"},
		"a picture":                       {"<img alt=a hidden>b<img alt=c>", "b c"},
		"a field":                         {"<input hidden placeholder=a><input type=hidden placeholder=b><input placeholder=c>", "c"},
		"a word":                          {"a<span hidden>b</span>c", "ac"},
		"a paragraph without end":         {"<p hidden>a <b>b</b><p>c", "c"},
		"a paragraph before a list":       {"<p hidden>a<ul><li>b</ul>", "b"},
		"a paragraph and a picture":       {"<p hidden>a<video>b</video>c</p>d", "d"},
		"an item without end":             {"<ul><li hidden>a<li>b</ul>c", "b c"},
		"the last item without end":       {"<ul><li hidden>a</ul>b", "b"},
		"an item with a list in it":       {"<ul><li hidden>a<ol><li>b<li>c</ol>d<li>e</ul>", "e"},
		"a term":                          {"<dl><dt hidden>a<dd>b</dl>", "b"},
		"an option":                       {"<select><option hidden>a<option>b</select>", "b"},
		"a group of options":              {"<select><optgroup hidden><option>a<optgroup><option>b</select>", "b"},
		"a cell":                          {"<table><tr><td hidden>a<td>b<tr><td>c</table>", "b c"},
		"a row with a table in it":        {"<table><tr hidden><td><table><tr><td>a</table>b<tr><td>c</table>", "c"},
		"a body of a table":               {"<table><tbody hidden><tr><td>a<tbody><tr><td>b</table>", "b"},
		"by the end of what is around":    {"<div><section hidden>a</div>b", "b"},
		"a left-over end of a word":       {"<div hidden>a</b></p>b</div>c", "c"},
		"a word by the end of its parent": {"<p><span hidden>a</p>b", "b"},
		"a drawing that is over":          {"<svg hidden/>a", "a"},
		"a button in a paragraph":         {"<p hidden><button><div>a</div></button>b</p>c", "c"},
		"one after the other":             {"<li hidden>a<li hidden>b<li>c", "c"},
		"deeper than browsers go":         {"<div hidden>" + strings.Repeat("<b>", 2000) + "a" + strings.Repeat("</b>", 2000) + "</div>b", "b"},
	} {
		if got := page.Scan(tt.html).Text; got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestHeaderRobots(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fields []string
		want   []string
	}{
		{"none", nil, nil},
		{"allowed", []string{"index, follow, max-snippet: 50"}, nil},
		{"all robots", []string{"nofollow, NoIndex"}, []string{""}},
		{"none stands for noindex", []string{"none"}, []string{""}},
		{"one robot", []string{"GoogleBot: noindex"}, []string{"googlebot"}},
		{"an agent holds for the rest of its field", []string{"googlebot: nofollow, noindex", "nofollow"}, []string{"googlebot"}},
		{"two fields", []string{"otherbot: noindex", "noindex"}, []string{"otherbot", ""}},
		{"a value is no agent", []string{"max-image-preview: none, unavailable_after: 25 Jun 2026 15:00:00 GMT"}, nil},
		{"a date with a comma is no agent", []string{"unavailable_after: Sunday, 01-Sep-24 12:34:56 GMT, noindex"}, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, page.HeaderRobots(tt.fields...)); diff != "" {
				t.Errorf("agents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCanonicalLinks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		field string
		want  []string
	}{
		{"one", `<https://a.example/>; rel="canonical"`, []string{"https://a.example/"}},
		{"without quotes, among others", `</a>;rel=preload;as=style, </b,c>; title="x, y"; REL=canonical`, []string{"/b,c"}},
		{"several relations", `</a>; rel="alternate Canonical"`, []string{"/a"}},
		{"two", `</a>; rel=canonical, </b>; rel=canonical`, []string{"/a", "/b"}},
		{"an escaped quote ends nothing", `</a>; title="x\", y"; rel=canonical`, []string{"/a"}},
		{"another relation", `</a>; rel=next; title=canonical`, nil},
		{"no end", `</a; rel=canonical`, nil},
		{"no link", `rel=canonical`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, page.CanonicalLinks(tt.field)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"abc", "abc", true},
		{"abc", "abcd", false},
		{"abc", "ab", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"a*", "abc", true},
		{"a*", "bac", false},
		{"*c", "abc", true},
		{"*c", "abcd", false},
		{"*b*", "abc", true},
		{"*x*", "abc", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"ab*ba", "aba", false}, // the two parts may not overlap
		{"a*a", "a", false},
		{"a**b", "ab", true},
	}
	for _, tt := range tests {
		if got := page.Matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("pattern %q, text %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add("<title>a</title><p>b<svg><title>c</title></svg><template>d")
	f.Add(`<meta name=robots content="noindex"><link rel=canonical href=x><base href=y>`)
	f.Add("<script><!--<script></script>-->a</script>\x00\xff<input placeholder=&nbsp;>")
	f.Fuzz(func(t *testing.T, html string) {
		got := page.Scan(html)
		for _, text := range []string{got.Title, got.Text} {
			if again := page.Collapse(text); again != text {
				t.Errorf("got %q, which collapses to %q", text, again)
			}
			if !utf8.ValidString(text) {
				t.Errorf("got %q, want UTF-8", text)
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("googlebot: noindex, nofollow", `</a,b>; rel="canonical"; title="c, \"d", <e>; rel=next`)
	f.Add("unavailable_after: 25 Jun 2026 15:00:00 GMT, none", "<<>>,\"")
	f.Fuzz(func(t *testing.T, robots, link string) {
		if got := page.HeaderRobots(robots); len(got) > strings.Count(robots, ",")+1 {
			t.Errorf("got %d exclusions of %q", len(got), robots)
		}
		for _, target := range page.CanonicalLinks(link) {
			if !strings.Contains(link, "<"+target+">") {
				t.Errorf("got %q, which is no target of %q", target, link)
			}
		}
	})
}
