package page

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// document is what a page tells customers and search engines, as its HTML says it. Scripts are not run and styles are
// not applied.
type document struct {
	title      string   // of the first title, white space collapsed
	text       []byte   // what customers can read, white space collapsed
	base       string   // what relative URLs are relative to; empty: the page itself
	canonicals []string // as written
	robots     []robots // of meta elements
}

// scanner reads a document in one pass over its tokens; no tree is built.
type scanner struct {
	doc      document
	titled   bool
	text     collapser
	hidden   hiding
	template int       // depth of template elements, whose content is not rendered
	svg      int       // depth of svg elements, whose titles are not that of the page
	raw      atom.Atom // the element whose text comes next unparsed; 0 when there is none
}

// scan reads UTF-8 HTML.
func scan(body []byte) document {
	s := &scanner{}
	for z := html.NewTokenizer(bytes.NewReader(body)); ; {
		switch token := z.Next(); token {
		case html.ErrorToken: // the end, as there is no other error on a buffer
			s.doc.text = s.text.out
			return s.doc
		case html.TextToken:
			s.readText(z)
		case html.StartTagToken, html.SelfClosingTagToken:
			s.open(z, token == html.SelfClosingTagToken)
		case html.EndTagToken:
			s.close(z)
		}
	}
}

func (s *scanner) readText(z *html.Tokenizer) {
	switch {
	case s.raw == atom.Title && s.svg == 0 && s.template == 0:
		if !s.titled {
			s.doc.title, s.titled = collapse(string(z.Text())), true
		}
	case s.raw == 0 && s.template == 0 && !s.hidden.inside():
		s.text.add(string(z.Text()))
	}
}

func (s *scanner) open(z *html.Tokenizer, selfClosing bool) {
	hinted := bytes.Contains(z.Raw(), []byte("hidden"))
	name, more := z.TagName()
	tag := atom.Lookup(name)
	if !inline(tag) {
		s.text.space()
	}
	var a attributes
	switch tag {
	case atom.Base, atom.Link, atom.Meta, atom.Img, atom.Input, atom.Template:
		a = readAttributes(z, more)
	default:
		if hinted {
			a = readAttributes(z, more)
		}
	}
	s.hidden.open(tag, a.hidden, selfClosing)
	switch tag {
	case atom.Title, atom.Script, atom.Style, atom.Noscript, atom.Iframe, atom.Noembed, atom.Noframes:
		s.raw = tag
	case atom.Template:
		if s.template > 0 || a.shadow == "" { // the content of a shadow root is rendered
			s.template++
		}
	case atom.Svg:
		if !selfClosing {
			s.svg++
		}
	case atom.Base, atom.Link, atom.Meta, atom.Img, atom.Input:
		if s.template == 0 {
			s.use(tag, &a)
		}
	}
}

func (s *scanner) close(z *html.Tokenizer) {
	s.raw = 0
	name, _ := z.TagName()
	tag := atom.Lookup(name)
	if !inline(tag) {
		s.text.space()
	}
	s.hidden.close(tag)
	switch tag {
	case atom.Template:
		s.template = max(0, s.template-1)
	case atom.Svg:
		s.svg = max(0, s.svg-1)
	}
}

// use notes what an element without content says.
func (s *scanner) use(tag atom.Atom, a *attributes) {
	switch tag {
	case atom.Base:
		if s.doc.base == "" {
			s.doc.base = a.href
		}
	case atom.Link:
		if a.href != "" && hasWord(a.rel, "canonical") {
			s.doc.canonicals = append(s.doc.canonicals, a.href)
		}
	case atom.Meta:
		s.doc.robots = append(s.doc.robots, metaRobots(a.name, a.content)...)
	case atom.Img, atom.Input:
		if !a.hidden && !s.hidden.inside() {
			s.text.add(a.shown(tag))
		}
	}
}

// inline reports whether an element does not part words: "<b>A</b>dd" reads "Add", "<td>1</td><td>2</td>" reads "1 2".
func inline(tag atom.Atom) bool {
	switch tag {
	case atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Cite, atom.Code, atom.Data, atom.Del, atom.Dfn,
		atom.Em, atom.Font, atom.I, atom.Ins, atom.Kbd, atom.Label, atom.Mark, atom.Q, atom.S, atom.Samp, atom.Small,
		atom.Span, atom.Strong, atom.Sub, atom.Sup, atom.Time, atom.Tt, atom.U, atom.Var, atom.Wbr,
		atom.Script, atom.Style, atom.Noscript, atom.Template:
		return true
	}
	return false
}

// hasWord reports whether a list of words parted by white space holds word, in any case.
func hasWord(list, word string) bool {
	for candidate := range strings.FieldsSeq(list) {
		if strings.EqualFold(candidate, word) {
			return true
		}
	}
	return false
}

// collapser joins texts as browsers show them: every run of white space, no-break spaces included, is one space, and
// invisible break hints are gone. The zero value is empty.
type collapser struct {
	out     []byte
	pending bool // white space came since the last letter
}

const (
	softHyphen     = '\u00ad'
	zeroWidthSpace = '\u200b'
)

func (c *collapser) space() { c.pending = true }

func (c *collapser) add(text string) {
	for _, r := range text {
		switch {
		case r == softHyphen, r == zeroWidthSpace:
		case unicode.IsSpace(r):
			c.pending = true
		default:
			if c.pending && len(c.out) > 0 {
				c.out = append(c.out, ' ')
			}
			c.pending = false
			c.out = utf8.AppendRune(c.out, r)
		}
	}
}

func collapse(text string) string {
	var c collapser
	c.add(text)
	return string(c.out)
}
