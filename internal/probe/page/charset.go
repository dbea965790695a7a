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
		declared = http.DetectContentType(body)
	}
	media, _, _ := strings.Cut(declared, ";") // a broken parameter does not make it another type
	e, name, _ := charset.DetermineEncoding(body[:min(len(body), maxSniffed)], declared)
	return content{strings.ToLower(strings.TrimSpace(media)), name, e, body}
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
	valid := utf8.Valid(c.body)
	switch {
	case !c.isText():
	case c.charset == utf8Name && !valid:
		return fmt.Sprintf("byte %d is not valid utf-8", invalidAt(c.body))
	case c.charset == "windows-1252" && valid && !isASCII(c.body):
		return fmt.Sprintf("text is utf-8, but browsers take it for %s", c.charset)
	}
	return ""
}

const utf8Name = "utf-8"

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
