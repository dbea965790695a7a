package page

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// attributes are those of an element that matter here, without white space around them.
type attributes struct {
	href, rel, name, content, alt, kind, value, placeholder string

	shadow string // open or closed: the template is a shadow root (WHATWG HTML, declarative shadow DOM)
	hidden bool
}

// readAttributes reads those of the current tag. Of two with the same name, the first that is not empty counts.
func readAttributes(z *html.Tokenizer, more bool) attributes {
	var a attributes
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		field := a.field(string(key))
		if field != nil && *field == "" {
			*field = strings.TrimSpace(string(value))
		}
		a.hidden = a.hidden || string(key) == "hidden"
	}
	return a
}

func (a *attributes) field(key string) *string {
	switch key {
	case "href":
		return &a.href
	case "rel":
		return &a.rel
	case "name":
		return &a.name
	case "content":
		return &a.content
	case "alt":
		return &a.alt
	case "type":
		return &a.kind
	case "value":
		return &a.value
	case "placeholder":
		return &a.placeholder
	case "shadowrootmode":
		return &a.shadow
	}
	return nil
}

// shown returns what customers can read of an element without content.
func (a *attributes) shown(tag atom.Atom) string {
	if tag == atom.Img {
		return a.alt
	}
	switch strings.ToLower(a.kind) {
	case "submit", "button", "reset":
		return a.value + a.placeholder
	case "hidden":
		return ""
	}
	return a.placeholder
}
