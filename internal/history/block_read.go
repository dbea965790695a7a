//go:build !nohistory

package history

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"
	yamlnode "go.yaml.in/yaml/v3"
)

// document is a block that is being read: upstream's types decode it, with the reader that upstream uses, and its nodes
// tell where things are and what must not be printed.
type document struct {
	block    Block
	root     *node // nil when the block is empty
	hide     secrets
	mistakes []*BlockError
}

func readBlock(b Block) (*document, error) {
	d := &document{block: b}
	var parsed yamlnode.Node
	err := yaml.Unmarshal(b.Text, new(any)) // this one knows the lines of mistakes better
	if err == nil {
		err = yamlnode.Unmarshal(b.Text, &parsed)
	}
	if err != nil {
		d.mistakes = mistakesIn(err)
		return nil, d.err()
	}
	if len(parsed.Content) == 1 && parsed.Content[0].Tag != "!!null" {
		d.root = nodeOf(parsed.Content[0])
		d.hide = secretsOf(d.root)
	}
	return d, nil
}

func (d *document) empty() bool { return d.root == nil }

func (d *document) add(line int, text string) {
	d.mistakes = append(d.mistakes, &BlockError{Line: line, Text: d.hide.in(text)})
}

// err returns the mistakes in the order of their lines, each once.
func (d *document) err() error {
	slices.SortStableFunc(d.mistakes, func(a, b *BlockError) int { return cmp.Compare(a.Line, b.Line) })
	var errs []error
	for i, m := range d.mistakes {
		if i == 0 || *m != *d.mistakes[i-1] {
			errs = append(errs, m)
		}
	}
	return errors.Join(errs...)
}

// decode decodes the block. What upstream says without a line is looked for in the parts.
func (d *document) decode(into any, parts func()) {
	if len(d.mistakes) > 0 {
		return // they are what upstream would stumble over, in words that may quote a secret
	}
	err := yaml.UnmarshalStrict(d.block.Text, into)
	if err == nil {
		return
	}
	found := mistakesIn(err)
	if found[0].Line == 0 {
		parts()
	}
	if len(d.mistakes) == 0 {
		for _, m := range found {
			d.add(m.Line, m.Text)
		}
	}
}

// validate runs a check of upstream's on what was decoded without a mistake.
func (d *document) validate(line int, check func() error) {
	if len(d.mistakes) > 0 {
		return
	}
	if err := check(); err != nil {
		d.add(line, err.Error())
	}
}

// What the YAML reader says, and what it means.
var (
	withLine    = regexp.MustCompile(`(?s)^(?:yaml: )?line (\d+): (.*)$`)
	unknownKey  = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	repeatedKey = regexp.MustCompile(`^(?:field (\S+) already set in type \S+|key "(.*)" already set in map)$`)
	wrongType   = regexp.MustCompile("(?s)^cannot unmarshal !!(\\w+)(?: `.*`)? into (\\S+)$")
)

// mistakesIn translates an error of decoding. It never quotes a value.
func mistakesIn(err error) []*BlockError {
	texts := []string{err.Error()}
	if several := (*yaml.TypeError)(nil); errors.As(err, &several) {
		texts = several.Errors
	}
	var all []*BlockError
	for _, text := range texts {
		m := &BlockError{Text: strings.TrimPrefix(text, "yaml: ")}
		if found := withLine.FindStringSubmatch(text); found != nil {
			m.Line, _ = strconv.Atoi(found[1]) // digits
			m.Text = inOurWords(found[2])
		}
		all = append(all, m)
	}
	return all
}

func inOurWords(text string) string {
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("unknown key %s", m[1])
	}
	if m := repeatedKey.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("key %s is there twice", m[1]+m[2])
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("got %s, want %s", kindOfTag(m[1]), kindOfType(m[2]))
	}
	return text
}

func kindOfTag(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a mapping"
	case "str":
		return "a text"
	case "int", "float":
		return "a number"
	case "bool":
		return "true or false"
	default:
		return tag
	}
}

func kindOfType(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"), strings.HasSuffix(name, "Configs"):
		return "a list"
	case strings.HasPrefix(name, "int"), strings.HasPrefix(name, "uint"):
		return "a whole number"
	case strings.HasPrefix(name, "float"):
		return "a number"
	case name == "bool":
		return "true or false"
	case name == "string", strings.HasSuffix(name, ".Secret"):
		return "a text"
	default:
		return "a mapping"
	}
}
