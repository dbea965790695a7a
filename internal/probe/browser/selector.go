package browser

import (
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// checkSelector returns the mistake of a CSS selector that is empty, or in which a bracket or quote has no other. Only a
// browser knows all of them: it says so when it is asked.
func checkSelector(field, want, text string) error {
	if err := notEmpty(field, want, text); err != nil {
		return err
	}
	if lone := loneMark(text); lone != 0 {
		return probe.Fieldf(field, "%q, want %s: nothing goes with its %c", text, want, lone)
	}
	return nil
}

// loneMark returns a bracket or quote of a selector that has no counterpart; 0 when there is none.
func loneMark(text string) rune {
	var open []rune
	var quote rune
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '(' || r == '[':
			open = append(open, r)
		case r == ')' || r == ']':
			if len(open) == 0 || strings.IndexRune("([", open[len(open)-1]) != strings.IndexRune(")]", r) {
				return r
			}
			open = open[:len(open)-1]
		}
	}
	if quote == 0 && len(open) > 0 {
		return open[0]
	}
	return quote
}
