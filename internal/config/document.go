package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Caps on a file. They hold ten thousand touchpoints and stop a document that expands by aliases.
const (
	maxFile  = 4 << 20
	maxNodes = 1_000_000 // with every alias expanded
	maxDepth = 64
)

// readFile reads a configuration file within its cap.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	return data, nil
}

// document parses one YAML document into its root mapping.
func document(file string, data []byte) (*yaml.Node, *Error) {
	fail := func(line, column int, format string, args ...any) (*yaml.Node, *Error) {
		return nil, &Error{File: file, Line: line, Column: column, Text: fmt.Sprintf(format, args...)}
	}
	if len(data) > maxFile {
		return fail(0, 0, "has more than %d MiB, want several files by include", maxFile>>20)
	}
	var doc, second yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(data))
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return fail(0, 0, "is empty, want at least channels with one touchpoint")
	case err != nil:
		return nil, syntaxError(file, data, err)
	}
	switch err := in.Decode(&second); {
	case err == nil:
		return fail(second.Line, second.Column, "holds a second document, want one")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(file, data, err)
	}
	if at, what := new(expansion).check(&doc); what != "" {
		return fail(at.Line, at.Column, "%s", what)
	}
	root := resolve(doc.Content[0])
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return fail(0, 0, "is empty, want at least channels with one touchpoint")
	}
	if root.Kind != yaml.MappingNode {
		return fail(root.Line, root.Column, "got %s, want keys such as agent and channels", kindOf(root))
	}
	return root, nil
}

// expansion counts what a document holds when each alias stands for a copy.
type expansion struct {
	done map[*yaml.Node]size
	open map[*yaml.Node]bool
	at   *yaml.Node // the first mistake
	what string
}

type size struct{ nodes, depth int }

// check returns what is wrong with a document, and where.
func (e *expansion) check(doc *yaml.Node) (at *yaml.Node, what string) {
	e.done, e.open = make(map[*yaml.Node]size), make(map[*yaml.Node]bool)
	if s := e.measure(doc, 0); s.nodes > maxNodes && e.what == "" {
		return doc, fmt.Sprintf("holds more than %d values when its aliases are expanded", maxNodes)
	}
	return e.at, e.what
}

// measure returns the size of a node that stands at a depth. It stops at the first mistake.
func (e *expansion) measure(n *yaml.Node, depth int) size {
	s, ok := e.done[n]
	switch {
	case e.what != "", ok && depth+s.depth <= maxDepth:
		return s
	case e.open[n]:
		e.at, e.what = n, "holds an alias of itself"
	case depth > maxDepth:
		e.at, e.what = n, fmt.Sprintf("is nested deeper than %d levels", maxDepth)
	}
	e.open[n] = true
	defer delete(e.open, n)
	s = size{nodes: 1}
	children := n.Content
	if n.Kind == yaml.AliasNode {
		children = []*yaml.Node{n.Alias}
	}
	for _, child := range children {
		if e.what != "" {
			break
		}
		c := e.measure(child, depth+1)
		s.nodes = min(s.nodes+c.nodes, maxNodes+1)
		s.depth = max(s.depth, c.depth+1)
	}
	e.done[n] = s
	return s
}

var (
	parserLine    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '([^']*)' referenced`)
	tabIndent     = regexp.MustCompile(`^ *\t`)
	control       = regexp.MustCompile(`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`)
)

// syntaxError turns an error of the YAML parser into ours.
func syntaxError(file string, data []byte, err error) *Error {
	if m := unknownAnchor.FindStringSubmatch(err.Error()); m != nil {
		line := lineOf(data, regexp.MustCompile(`\*`+regexp.QuoteMeta(m[1])+`\b`).Match)
		return &Error{File: file, Line: line, Text: fmt.Sprintf("the alias *%s has no anchor &%s before it", m[1], m[1])}
	}
	for _, known := range []struct {
		is   func([]byte) bool
		text string
	}{
		{func(line []byte) bool { return !utf8.Valid(line) }, "is not UTF-8 text"},
		{control.Match, "holds a control character"},
		{tabIndent.Match, "is indented by a tab, want spaces"},
	} {
		if line := lineOf(data, known.is); line > 0 {
			return &Error{File: file, Line: line, Text: known.text}
		}
	}
	m := parserLine.FindStringSubmatch(err.Error())
	if m == nil {
		return &Error{File: file, Text: "is not YAML: " + err.Error()}
	}
	line, text := 0, m[2]
	if m[1] != "" {
		line, _ = strconv.Atoi(m[1])
	}
	// The parser counts the lines of these messages from 0, and names the start of the block that it is in.
	if strings.HasPrefix(text, "did not find expected") {
		return &Error{File: file, Line: line + 1, Text: "is not YAML from here on: " + text}
	}
	return &Error{File: file, Line: line, Text: "is not YAML: " + text}
}

// lineOf returns the number of the first line for which is holds, or 0.
func lineOf(data []byte, is func(line []byte) bool) int {
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if is(text) {
			return line
		}
	}
	return 0
}
