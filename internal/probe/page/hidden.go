package page

import (
	"slices"

	"golang.org/x/net/html/atom"
)

// hiding follows an element with the attribute hidden to its end, which HTML often leaves out: the next item of a list,
// a block after a paragraph, or the end of what is around it says it as well. The zero value is outside of any.
type hiding struct {
	within []atom.Atom // elements that are open, from the hidden one inwards; empty outside
}

// maxNesting is how deep browsers nest elements.
const maxNesting = 512

func (h *hiding) inside() bool { return len(h.within) > 0 }

// open notes a start tag.
func (h *hiding) open(tag atom.Atom, hidden, selfClosing bool) {
	if h.inside() && h.endedBy(tag) {
		h.within = h.within[:0]
	}
	empty := isVoid(tag) || selfClosing && tag == atom.Svg
	if empty || !hidden && !h.inside() || len(h.within) == maxNesting {
		return
	}
	h.within = append(h.within, tag)
}

// close notes an end tag.
func (h *hiding) close(tag atom.Atom) {
	if !h.inside() {
		return
	}
	for i, open := range slices.Backward(h.within) {
		if open == tag {
			h.within = h.within[:i]
			return
		}
	}
	// It ends something around the hidden element, unless it is left over: browsers ignore such an end of a word, and
	// make an empty paragraph of such an end of a paragraph, which cannot be around a block.
	leftOver := inline(tag) || tag == atom.P && !inline(h.within[0])
	if !leftOver {
		h.within = h.within[:0]
	}
}

// endedBy reports whether the hidden element ends where another begins (WHATWG HTML, optional tags).
func (h *hiding) endedBy(tag atom.Atom) bool {
	var next, shields []atom.Atom // what ends it, and what keeps that from doing so
	switch h.within[0] {
	case atom.Li:
		next, shields = []atom.Atom{atom.Li}, []atom.Atom{atom.Ul, atom.Ol, atom.Menu}
	case atom.Dt, atom.Dd:
		next, shields = []atom.Atom{atom.Dt, atom.Dd}, []atom.Atom{atom.Dl}
	case atom.Option:
		next = []atom.Atom{atom.Option, atom.Optgroup}
	case atom.Optgroup:
		next = []atom.Atom{atom.Optgroup}
	case atom.Td, atom.Th:
		next, shields = []atom.Atom{atom.Td, atom.Th, atom.Tr, atom.Tbody, atom.Tfoot}, []atom.Atom{atom.Table}
	case atom.Tr:
		next, shields = []atom.Atom{atom.Tr, atom.Tbody, atom.Tfoot}, []atom.Atom{atom.Table}
	case atom.Thead, atom.Tbody:
		next, shields = []atom.Atom{atom.Tbody, atom.Tfoot}, []atom.Atom{atom.Table}
	case atom.P:
		return endsParagraph(tag) && !slices.Contains(h.within, atom.Button)
	}
	return slices.Contains(next, tag) && !slices.ContainsFunc(h.within, func(open atom.Atom) bool {
		return slices.Contains(shields, open)
	})
}

// isVoid reports whether an element has neither content nor an end tag.
func isVoid(tag atom.Atom) bool {
	switch tag {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta,
		atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

// endsParagraph reports whether a paragraph cannot go on when an element begins.
func endsParagraph(tag atom.Atom) bool {
	switch tag {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Details, atom.Div, atom.Dl, atom.Fieldset,
		atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Header, atom.Hgroup, atom.Hr, atom.Main, atom.Menu, atom.Nav, atom.Ol, atom.P, atom.Pre, atom.Section,
		atom.Table, atom.Ul:
		return true
	}
	return false
}
