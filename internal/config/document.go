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

	"gopkg.in/yaml.v3"
)

// Caps on a file. They hold ten thousand touchpoints and stop a document that expands by aliases.
const (
	maxFile  = 4 << 20
	maxNodes = 2_000_000 // with every alias expanded
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
	if err := new(expansion).check(&doc); err != nil {
		return fail(0, 0, "%v", err)
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
}

type size struct{ nodes, depth int }

func (e *expansion) check(doc *yaml.Node) error {
	e.done, e.open = make(map[*yaml.Node]size), make(map[*yaml.Node]bool)
	s, err := e.measure(doc, 0)
	switch {
	case err != nil:
		return err
	case s.nodes > maxNodes:
		return fmt.Errorf("holds more than %d values when its aliases are expanded", maxNodes)
	}
	return nil
}

func (e *expansion) measure(n *yaml.Node, depth int) (size, error) {
	if e.open[n] {
		return size{}, fmt.Errorf("line %d: an alias stands within its own anchor", n.Line)
	}
	s, ok := e.done[n]
	if ok && depth+s.depth <= maxDepth {
		return s, nil
	}
	if depth > maxDepth {
		return size{}, fmt.Errorf("line %d: is nested deeper than %d levels", n.Line, maxDepth)
	}
	e.open[n] = true
	defer delete(e.open, n)
	s = size{nodes: 1}
	children := n.Content
	if n.Kind == yaml.AliasNode {
		children = []*yaml.Node{n.Alias}
	}
	for _, child := range children {
		c, err := e.measure(child, depth+1)
		if err != nil {
			return size{}, err
		}
		s.nodes = min(s.nodes+c.nodes, maxNodes+1)
		s.depth = max(s.depth, c.depth+1)
	}
	e.done[n] = s
	return s, nil
}

var (
	parserLine    = regexp.MustCompile(`^yaml: line (\d+): (.*)`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '([^']*)' referenced`)
	tabIndent     = regexp.MustCompile(`^ *\t`)
)

// syntaxError turns an error of the YAML parser into ours.
func syntaxError(file string, data []byte, err error) *Error {
	out := &Error{File: file, Text: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := parserLine.FindStringSubmatch(err.Error()); m != nil {
		out.Line, _ = strconv.Atoi(m[1])
		out.Text = "is not YAML: " + m[2]
	}
	if m := unknownAnchor.FindStringSubmatch(err.Error()); m != nil {
		out.Line = lineOf(data, regexp.MustCompile(`\*`+regexp.QuoteMeta(m[1])+`\b`))
		out.Text = fmt.Sprintf("the alias *%s has no anchor &%s before it", m[1], m[1])
		return out
	}
	if line := lineOf(data, tabIndent); line > 0 {
		out.Line, out.Text = line, "is indented by a tab, want spaces"
	}
	return out
}

// lineOf returns the number of the first line that matches, or 0.
func lineOf(data []byte, pattern *regexp.Regexp) int {
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if pattern.Match(text) {
			return line
		}
	}
	return 0
}
