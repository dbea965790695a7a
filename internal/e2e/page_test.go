package e2e_test

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page is what the first page shows of each channel.
type page struct {
	scores map[string]map[string]float64 // by channel what stands under "now", "24 h" and "28 d"
	lost   map[string]float64            // by channel, dimension and cause, joined by slashes
	texts  map[string]string             // by channel
	text   string                        // of the whole page
}

// document reads a page.
func (c *client) document(path string) *html.Node {
	c.t.Helper()
	status, body := c.fetch(path)
	if status != http.StatusOK {
		c.t.Fatalf("GET %s: status %d", path, status)
	}
	document, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	return document
}

// wall reads the scores on the wall screen, by title of the channel.
func (c *client) wall() map[string]float64 {
	c.t.Helper()
	scores := make(map[string]float64)
	for _, tile := range find(c.document("/wall"), "li", "tile") {
		for _, figure := range find(tile, "span", "figure") {
			scores[text(find(tile, "h2", "")[0])] = number(c.t, find(figure, "data", "")[0])
		}
	}
	return scores
}

// sum reads the addition on the page of a channel: the score first, then the points lost.
func (c *client) sum(channel string) []float64 {
	c.t.Helper()
	var all []float64
	for _, table := range find(c.document("/channels/"+channel+"?range=1h&for=marketing"), "table", "sum") {
		for _, data := range find(table, "data", "") {
			all = append(all, number(c.t, data))
		}
	}
	return all
}

// page reads the first page as IT reads it.
func (c *client) page() page {
	c.t.Helper()
	document := c.document("/?range=1h&for=it")
	p := page{make(map[string]map[string]float64), make(map[string]float64), make(map[string]string), text(document)}
	for _, row := range find(document, "li", "channel") {
		name := attribute(row, "id")
		p.texts[name] = text(row)
		p.scores[name] = make(map[string]float64)
		for _, cell := range find(find(row, "dl", "scores")[0], "div", "") {
			for _, data := range find(cell, "data", "") {
				p.scores[name][text(find(cell, "dt", "")[0])] = number(c.t, data)
			}
		}
		for _, list := range find(row, "ul", "causes") {
			for _, cause := range find(list, "li", "") {
				match := causeLine.FindStringSubmatch(text(cause))
				if match == nil {
					c.t.Fatalf("the page explains %s by %q", name, text(cause))
				}
				p.lost[name+"/"+match[2]+"/"+match[1]] = number(c.t, find(cause, "data", "")[0])
			}
		}
	}
	return p
}

// causeLine is a line such as "12.5 status_unexpected (correct): …"; of some causes the dimension is left out.
var causeLine = regexp.MustCompile(`^\S+ (\w+)(?: \((\w+)\))?: `)

// number returns the whole number beside the one that is printed.
func number(t *testing.T, data *html.Node) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(attribute(data, "value"), 64)
	if err != nil {
		t.Errorf("the page shows %q without the number: %v", text(data), err)
	}
	return n
}

// find returns the elements of a name below a node that have a class, if one is asked for.
func find(under *html.Node, name, class string) []*html.Node {
	var all []*html.Node
	for n := range under.Descendants() {
		if n.Type == html.ElementNode && n.Data == name &&
			(class == "" || slices.Contains(strings.Fields(attribute(n, "class")), class)) {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text returns what stands in a node, without what scripts read.
func text(of *html.Node) string {
	var b strings.Builder
	for n := range of.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
