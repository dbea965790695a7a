package page

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
)

// maxSniffed is how many bytes browsers look at to find the encoding of a page (WHATWG Encoding sniffing algorithm).
const maxSniffed = 1024

// content is the body of a page with what is known of its form.
type content struct {
	media    string // media type without parameters, lower case
	charset  string // name in the WHATWG Encoding standard, such as "utf-8"
	encoding encoding.Encoding
	body     []byte
}

// newContent finds media type and encoding as browsers do. It does not copy the body.
func newContent(header http.Header, body []byte) content {
	declared := header.Get("Content-Type")
	if declared == "" {
		declared, _, _ = strings.Cut(http.DetectContentType(body), ";") // the type alone: nobody declares an encoding
	}
	media, _, _ := strings.Cut(declared, ";") // a broken parameter does not make it another type
	c := content{media: strings.ToLower(strings.TrimSpace(media)), body: body}
	c.encoding, c.charset = c.detect(declared)
	return c
}

// detect finds the encoding: by a byte order mark, Content-Type, or what the document itself declares. Where nobody
// declares one, JSON (RFC 8259, section 8.1), XML and what is made for machines are utf-8; HTML and plain text are
// windows-1252, because browsers do not guess utf-8 (WHATWG HTML, determining the character encoding).
func (c *content) detect(declared string) (e encoding.Encoding, name string) {
	head := c.body[:min(len(c.body), maxSniffed)]
	e, name, certain := charset.DetermineEncoding(head, declared)
	switch {
	case certain:
		return e, name
	case c.media == "text/html":
		if e != encoding.Nop { // which stands for a guess
			return e, name
		}
		return charset.Lookup(fallback)
	case c.media == "text/plain":
		return charset.Lookup(fallback)
	case c.media == "text/xml", c.media == "application/xml", strings.HasSuffix(c.media, "+xml"):
		if e, name = charset.Lookup(xmlEncoding(head)); e != nil {
			return e, name
		}
	}
	return charset.Lookup(utf8Name)
}

// xmlEncoding returns the encoding that an XML declaration names (XML 1.0, section 4.3.3); empty when it names none.
func xmlEncoding(head []byte) string {
	declaration, _, ok := bytes.Cut(head, []byte("?>"))
	if !ok || !bytes.HasPrefix(declaration, []byte("<?xml")) {
		return ""
	}
	_, value, _ := bytes.Cut(declaration, []byte("encoding"))
	value = bytes.TrimLeft(value, "= \t\r\n")
	if len(value) == 0 {
		return ""
	}
	name, _, _ := bytes.Cut(value[1:], value[:1]) // in quotes of either form
	return string(name)
}

// isHTML reports whether browsers show the body as an HTML document.
func (c *content) isHTML() bool { return c.media == "text/html" || c.media == "application/xhtml+xml" }

// isText reports whether the body is made of letters: browsers show them, and compression makes them fewer bytes.
func (c *content) isText() bool {
	return strings.HasPrefix(c.media, "text/") || strings.HasSuffix(c.media, "+xml") || c.media == "application/json"
}

// document reads what the body says to customers and search engines. What is not HTML is a text.
func (c *content) document() document {
	text := c.text()
	if c.isHTML() {
		return scan(text)
	}
	return document{text: []byte(collapse(string(text)))}
}

// garbled says where browsers show wrong letters; empty when they do not.
func (c *content) garbled() string {
	if !c.isText() {
		return ""
	}
	valid := utf8.Valid(c.body)
	switch {
	case c.charset == utf8Name && !valid:
		return fmt.Sprintf("byte %d is not valid utf-8", invalidAt(c.body))
	case c.charset == fallback && valid && !isASCII(c.body):
		return fmt.Sprintf("text is utf-8, but browsers take it for %s", c.charset)
	}
	return ""
}

const (
	utf8Name = "utf-8"
	fallback = "windows-1252" // what browsers take undeclared pages for
)

// text returns the body in UTF-8, without byte order mark. What is not valid is replaced.
func (c *content) text() []byte {
	if c.charset == utf8Name {
		return bytes.ToValidUTF8(bytes.TrimPrefix(c.body, []byte("\ufeff")), []byte(string(utf8.RuneError)))
	}
	text, err := c.encoding.NewDecoder().Bytes(c.body)
	if err != nil {
		return bytes.ToValidUTF8(c.body, []byte(string(utf8.RuneError)))
	}
	return bytes.TrimPrefix(text, []byte("\ufeff"))
}

func invalidAt(body []byte) int {
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(body)
}

func isASCII(body []byte) bool {
	return !bytes.ContainsFunc(body, func(r rune) bool { return r >= utf8.RuneSelf })
}
