package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Raw is a block that another program's reader takes as it is written. Its lines are those of the file, so that what the
// reader says about a line is true of the file: what stands before the block are empty lines.
type Raw struct {
	text string
	dir  string
}

// IsZero reports whether the file has no such block.
func (r Raw) IsZero() bool { return r.text == "" }

// YAML returns the block without its key. It may hold secrets.
func (r Raw) YAML() []byte { return []byte(r.text) }

// Dir returns the directory in which relative paths of the block start.
func (r Raw) Dir() string { return r.dir }

// String shows that the block changed, and nothing of it.
func (r Raw) String() string { return checksum(strings.TrimLeft(r.text, "\n")) }

// GoString shows nothing, either.
func (r Raw) GoString() string { return r.String() }

// raw keeps a node as it is written. A block of a file has its lines to itself; any other is written anew.
func (d *decoder) raw(n *yaml.Node, target *Raw, p path) {
	if holdsAlias(n) {
		d.fail(n, p, "holds an alias, which another program reads: write it out")
		return
	}
	target.dir = d.dir
	if lines, ok := d.linesOf(n); ok {
		target.text = strings.Repeat("\n", n.Line-1) + strings.Repeat(" ", n.Column-1) + lines
		return
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		d.fail(n, p, "cannot be written: %v", err)
		return
	}
	target.text = string(text)
}

// holdsAlias reports whether a node refers to another.
func holdsAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, holdsAlias)
}

// linesOf returns the text from where a value of the root begins up to the next key of the root, and false where lines
// do not tell them apart: in a file that is written in braces.
func (d *decoder) linesOf(n *yaml.Node) (string, bool) {
	root := d.root
	if root.Style&yaml.FlowStyle != 0 {
		return "", false
	}
	lines := strings.SplitAfter(string(d.data), "\n")
	end := len(lines)
	for i := 0; i < len(root.Content); i += 2 {
		if key := root.Content[i]; key.Line > n.Line {
			end = min(end, key.Line-1)
		}
	}
	first := []rune(lines[n.Line-1])
	return string(first[n.Column-1:]) + strings.Join(lines[n.Line:end], ""), true
}
