package journey

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/assert"
)

// template is a text with variables in it. It is immutable.
type template struct{ parts []part }

// part is a literal text, or a variable and how its value is escaped where it stands.
type part struct {
	literal  string
	variable string // empty for a literal
	escape   escaper
}

// escaper writes a value so that it cannot be anything but a value where it stands. An error says why it cannot be used.
type escaper func(value string) (string, error)

// variablePattern is how a variable is written.
var variablePattern = regexp.MustCompile(`\{\{ *([a-z][a-z0-9_]*) *\}\}`)

// parseTemplate splits a text at its variables. literal rewrites what stands between them; nil leaves it as it is.
func parseTemplate(text string, escape escaper, literal func(string) string) (template, error) {
	if literal == nil {
		literal = func(text string) string { return text }
	}
	var t template
	last := 0
	add := func(text string) error {
		if strings.Contains(text, "{{") {
			return errors.New("{{ without a variable, want {{name}} with lower-case letters, digits and underscores")
		}
		if text != "" {
			t.parts = append(t.parts, part{literal: literal(text)})
		}
		return nil
	}
	for _, at := range variablePattern.FindAllStringSubmatchIndex(text, -1) {
		if err := add(text[last:at[0]]); err != nil {
			return template{}, err
		}
		t.parts = append(t.parts, part{variable: text[at[2]:at[3]], escape: escape})
		last = at[1]
	}
	return t, add(text[last:])
}

// join returns the templates as one.
func join(templates ...template) template {
	var all template
	for _, t := range templates {
		all.parts = append(all.parts, t.parts...)
	}
	return all
}

// fixed returns a template without variables.
func fixed(text string) template { return template{[]part{{literal: text}}} }

// variables returns the names of the variables, each once, in their order.
func (t *template) variables() []string {
	var names []string
	for _, p := range t.parts {
		if p.variable != "" && !slices.Contains(names, p.variable) {
			names = append(names, p.variable)
		}
	}
	return names
}

// expand puts the values in. All variables have one.
func (t *template) expand(values map[string]value) (string, error) {
	if len(t.parts) == 1 && t.parts[0].variable == "" {
		return t.parts[0].literal, nil
	}
	var text strings.Builder
	for _, p := range t.parts {
		if p.variable == "" {
			text.WriteString(p.literal)
			continue
		}
		escaped, err := p.escape(values[p.variable].text)
		if err != nil {
			return "", fmt.Errorf("variable %s: %w", p.variable, err)
		}
		text.WriteString(escaped)
	}
	return text.String(), nil
}

// escapePath makes one segment of a path, or a part of one (RFC 3986 section 3.3). A value of dots would be a step
// upwards, and the request one for something else.
func escapePath(value string) (string, error) {
	if value == "." || value == ".." {
		return "", fmt.Errorf("%q in a path leads elsewhere", value)
	}
	return url.PathEscape(value), nil
}

// escapeQuery makes a value of a query or of a form.
func escapeQuery(value string) (string, error) { return url.QueryEscape(value), nil }

// escapeJSON makes the inside of a JSON string.
func escapeJSON(value string) (string, error) {
	quoted, err := assert.EncodeJSON(value)
	if err != nil {
		return "", err
	}
	return string(quoted[1 : len(quoted)-1]), nil
}

// escapeXML makes a text or the inside of an attribute.
func escapeXML(value string) (string, error) {
	var text strings.Builder
	err := xml.EscapeText(&text, []byte(value))
	return text.String(), err
}

// escapeNothing is for plain texts, in which everything is a value.
func escapeNothing(value string) (string, error) { return value, nil }

// fold puts in the values that are the same in every run.
func (t *template) fold(constants map[string]string) (template, error) {
	var folded template
	for _, p := range t.parts {
		constant, ok := constants[p.variable]
		if p.variable != "" && ok {
			escaped, err := p.escape(constant)
			if err != nil {
				return template{}, fmt.Errorf("variable %s: %w", p.variable, err)
			}
			p = part{literal: escaped}
		}
		if last := len(folded.parts) - 1; p.variable == "" && last >= 0 && folded.parts[last].variable == "" {
			folded.parts[last].literal += p.literal
			continue
		}
		folded.parts = append(folded.parts, p)
	}
	return folded, nil
}

// sample returns the template with a letter in place of each variable, to be checked.
func (t *template) sample() string {
	var text strings.Builder
	for _, p := range t.parts {
		if p.variable != "" {
			p.literal = "x"
		}
		text.WriteString(p.literal)
	}
	return text.String()
}
