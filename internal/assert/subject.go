package assert

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// subject is a response on which all rules of a list are tried. It belongs to one Check; what several rules need is made
// once, when the first of them asks for it.
type subject struct {
	*Response
	ctx      context.Context // ends when the time for all rules is over
	document func() (any, error)
	vars     map[string]any // of CEL
}

// documentError says why the body cannot be read as JSON. That is the channel's fault and breaks a rule, unlike what
// makes a rule inapplicable.
type documentError struct{ text string }

func (e *documentError) Error() string { return e.text }

func newSubject(ctx context.Context, response *Response) *subject {
	s := &subject{Response: response, ctx: ctx}
	s.document = sync.OnceValues(func() (any, error) {
		document, err := parseJSON(response.Body)
		if err != nil {
			return nil, &documentError{fmt.Sprintf("%v; the body starts with %s", err, quote(start(response.Body)))}
		}
		return document, nil
	})
	s.vars = s.variables()
	return s
}

// line makes one line of bounded length of a text that holds what a server sent.
func line(text string) string {
	return probe.Clip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text), maxQuoted)
}
