package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// document asks for a page and parses it.
func document(t *testing.T, url string) *html.Node {
	t.Helper()
	response, body := request(t, http.MethodGet, url)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %q, want 200", url, response.StatusCode, body)
	}
	return parse(t, body)
}

func parse(t *testing.T, body string) *html.Node {
	t.Helper()
	page, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// find returns the elements under a node that a selector names: words such as p, .class, #id or p.class, one inside of the
// other.
func find(root *html.Node, selector string) []*html.Node {
	first, rest, nested := strings.Cut(selector, " ")
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || !matches(n, first) {
			continue
		}
		if !nested {
			found = append(found, n)
			continue
		}
		for _, inner := range find(n, rest) {
			if !slices.Contains(found, inner) {
				found = append(found, inner)
			}
		}
	}
	return found
}

func matches(n *html.Node, word string) bool {
	tag, class, _ := strings.Cut(word, ".")
	tag, id, _ := strings.Cut(tag, "#")
	return (tag == "" || n.Data == tag) && (id == "" || attr(n, "id") == id) &&
		(class == "" || slices.Contains(strings.Fields(attr(n, "class")), class))
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text returns the words of nodes with single spaces.
func text(nodes ...*html.Node) string {
	var b strings.Builder
	for _, node := range nodes {
		for n := range node.Descendants() {
			if n.Type == html.TextNode {
				b.WriteString(n.Data)
			}
		}
		b.WriteString(" ")
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// texts returns the words of each node.
func texts(nodes []*html.Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = text(n)
	}
	return out
}

// spaced returns the words of each node, with a space between its parts: the cells of a row, the terms of a list.
func spaced(nodes []*html.Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = text(slices.Collect(n.ChildNodes())...)
	}
	return out
}

// current returns the words of the links that are marked as what is shown.
func current(nodes []*html.Node) []string {
	var out []string
	for _, n := range nodes {
		if attr(n, "aria-current") != "" {
			out = append(out, text(n))
		}
	}
	return out
}
