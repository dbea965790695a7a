package journey

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxHTML bounds how much of a page selectors see, in bytes: its tree takes many times of that.
const maxHTML = 2 << 20

// maxFrom bounds what a detail repeats of a rule, in bytes.
const maxFrom = 200

// value is what a variable holds.
type value struct {
	text  string
	found *url.URL // of the answer that it was taken out of
}

// extraction takes one value out of an answer.
type extraction struct {
	name   string // of the variable
	from   string // where it is taken from, for people
	secret bool   // whether results hide it
	take   func(*answer) (string, error)
}

// answer is one complete response. What several extractions need is made once, when the first of them asks for it.
type answer struct {
	*httpx.Response
	jar      *httpx.Jar
	document func() (*assert.Document, error)
	page     func() (*html.Node, error)
}

func newAnswer(response *httpx.Response, jar *httpx.Jar) *answer {
	return &answer{
		Response: response,
		jar:      jar,
		document: sync.OnceValues(func() (*assert.Document, error) { return assert.ParseDocument(response.Body) }),
		page: sync.OnceValues(func() (*html.Node, error) {
			return html.Parse(bytes.NewReader(response.Body[:min(len(response.Body), maxHTML)]))
		}),
	}
}

// extracts compiles what a step takes out of its answer.
func (c *compiler) extracts(field string, list []Extract) []extraction {
	if len(list) > maxExtracts {
		c.fail(field, "%d values, want at most %d", len(list), maxExtracts)
	}
	all := make([]extraction, 0, len(list))
	for i := range list {
		e, at := &list[i], fmt.Sprintf("%s[%d]", field, i)
		switch {
		case e.Name == "":
			c.fail(at+".name", "missing, want the name of a variable")
		case c.known[e.Name]:
			c.fail(at+".name", "there is another variable %s, want a name of its own", e.Name)
		}
		c.known[e.Name] = true
		compiled, err := e.compile(at)
		c.errs = append(c.errs, err)
		all = append(all, compiled)
	}
	return all
}

// compile checks one extraction.
func (e *Extract) compile(field string) (extraction, error) {
	set := 0
	for _, text := range []string{e.JSONPath, e.Header, e.Cookie, e.CSS, e.Regex} {
		if text != "" {
			set++
		}
	}
	switch {
	case set != 1:
		return extraction{}, probe.Fieldf(field, "has %d of jsonpath, header, cookie, css and regex, want one", set)
	case e.Attribute != "" && e.CSS == "":
		return extraction{}, probe.Fieldf(field+".attribute", "is set without css, want the element that has it")
	}
	x := extraction{name: e.Name, secret: e.Secret || e.Cookie != ""}
	var err error
	switch {
	case e.JSONPath != "":
		x.from = "jsonpath " + e.JSONPath
		x.take, err = fromJSON(field+".jsonpath", e.JSONPath)
	case e.Header != "":
		x.from = "header " + http.CanonicalHeaderKey(e.Header)
		x.take, err = fromHeader(e.Header), checkHeader(field+".header", e.Header)
	case e.Cookie != "":
		x.from = "cookie " + e.Cookie
		x.take = fromCookie(e.Cookie)
	case e.CSS != "":
		x.from = "css " + e.CSS
		x.take, err = fromPage(field+".css", e.CSS, e.Attribute)
	default:
		x.from = "regex " + e.Regex
		x.take, err = fromBody(field+".regex", e.Regex)
	}
	x.from = probe.Clip(x.from, maxFrom)
	return x, err
}

func fromJSON(field, text string) (func(*answer) (string, error), error) {
	path, err := assert.ParsePath(text)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return func(a *answer) (string, error) {
		document, err := a.document()
		if err != nil {
			return "", err
		}
		return path.Text(document)
	}, nil
}

func checkHeader(field, name string) error {
	if err := httpx.ValidateHeader(http.Header{"X-" + name: {"x"}}); err != nil {
		return probe.Fieldf(field, "%q, want the name of a header field, such as X-Request-Id", name)
	}
	return nil
}

func fromHeader(name string) func(*answer) (string, error) {
	return func(a *answer) (string, error) {
		values := a.Header.Values(name)
		if len(values) == 0 {
			return "", errors.New("is not in the response")
		}
		return values[0], nil
	}
}

func fromCookie(name string) func(*answer) (string, error) {
	return func(a *answer) (string, error) {
		text, ok := a.jar.Value(a.URL, name)
		if !ok {
			return "", errors.New("is not set")
		}
		return text, nil
	}
}

func fromPage(field, text, attribute string) (func(*answer) (string, error), error) {
	selector, err := cascadia.ParseGroup(text)
	if err != nil {
		return nil, probe.Fieldf(field, "%q: %w, want a CSS selector such as input[name=csrf]", text, err)
	}
	attribute = strings.ToLower(attribute) // as the parser of pages has them
	return func(a *answer) (string, error) {
		page, err := a.page()
		if err != nil {
			return "", fmt.Errorf("reading the page: %w", err)
		}
		node := cascadia.Query(page, selector)
		if node == nil {
			return "", errors.New("selects nothing")
		}
		if attribute == "" {
			return strings.Join(strings.Fields(textOf(node)), " "), nil
		}
		for _, a := range node.Attr {
			if a.Key == attribute {
				return a.Val, nil
			}
		}
		return "", fmt.Errorf("selects an element without the attribute %s", attribute)
	}, nil
}

// textOf returns the text below a node.
func textOf(node *html.Node) string {
	var text strings.Builder
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
	}
	return text.String()
}

func fromBody(field, text string) (func(*answer) (string, error), error) {
	pattern, err := regexp.Compile(text)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	group := min(1, pattern.NumSubexp())
	return func(a *answer) (string, error) {
		found := pattern.FindSubmatch(a.Body)
		if found == nil {
			return "", errors.New("finds nothing")
		}
		return string(found[group]), nil
	}, nil
}

// of takes the value of a variable out of an answer. An error says what the answer lacks; it never holds a value.
func (x *extraction) of(a *answer) (value, error) {
	text, err := x.take(a)
	switch {
	case err != nil:
		return value{}, fmt.Errorf("%s: %s %w", x.name, x.from, err)
	case text == "":
		return value{}, fmt.Errorf("%s: %s is empty", x.name, x.from)
	case len(text) > maxValue:
		return value{}, fmt.Errorf("%s: %s has %d bytes, want at most %d", x.name, x.from, len(text), maxValue)
	}
	return value{strings.ToValidUTF8(text, "\uFFFD"), a.URL}, nil
}
