package page

import "strings"

// pattern is a text in which * stands for any characters, also none.
type pattern struct {
	text  string   // as written, for people
	parts []string // between the stars
}

func newPattern(text string) *pattern { return &pattern{text, strings.Split(text, "*")} }

// matches reports whether all of s fits.
func (p *pattern) matches(s string) bool {
	first, rest := p.parts[0], p.parts[1:]
	s, ok := strings.CutPrefix(s, first)
	if len(rest) == 0 {
		return ok && s == ""
	}
	if !ok {
		return false
	}
	last := len(rest) - 1
	for _, part := range rest[:last] {
		_, after, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = after
	}
	return strings.HasSuffix(s, rest[last])
}
