//go:build !nohistory

package history

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v2"
	yamlnode "go.yaml.in/yaml/v3"
)

// node is a node of a block.
type node yamlnode.Node

// nodeOf follows an alias to what it stands for. The reader before has refused those that would not end.
func nodeOf(n *yamlnode.Node) *node {
	for n.Kind == yamlnode.AliasNode {
		n = n.Alias
	}
	return (*node)(n)
}

func (n *node) is(kind yamlnode.Kind) bool { return n != nil && n.Kind == kind }

// elements returns the elements of a list, and none of anything else.
func (n *node) elements() []*node {
	if !n.is(yamlnode.SequenceNode) {
		return nil
	}
	all := make([]*node, len(n.Content))
	for i, element := range n.Content {
		all[i] = nodeOf(element)
	}
	return all
}

// element returns an element of a list, or what stands for one that is written in another place.
func (n *node) element(i int) *node {
	if all := n.elements(); i < len(all) {
		return all[i]
	}
	return &node{}
}

// child returns the value of a key of a mapping, or nil.
func (n *node) child(key string) (found *node) {
	n.each(func(k string, value *node) {
		if k == key {
			found = value
		}
	})
	return found
}

// each visits the keys of a mapping and their values.
func (n *node) each(visit func(key string, value *node)) {
	if !n.is(yamlnode.MappingNode) {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(n.Content[i].Value, nodeOf(n.Content[i+1]))
	}
}

// walk visits every key of every mapping below a node.
func (n *node) walk(visit func(key string, value *node)) {
	n.each(func(key string, value *node) {
		visit(key, value)
		value.walk(visit)
	})
	for _, element := range n.elements() {
		element.walk(visit)
	}
}

// scalars visits every text below a node, keys left out.
func (n *node) scalars(visit func(value string)) {
	if n.is(yamlnode.ScalarNode) {
		visit(n.Value)
	}
	n.each(func(_ string, value *node) { value.scalars(visit) })
	for _, element := range n.elements() {
		element.scalars(visit)
	}
}

func (n *node) decode(into any) error {
	text, err := yamlnode.Marshal((*yamlnode.Node)(n))
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(text, into)
}

// want refuses a block that is something else as a whole.
func (d *document) want(kind yamlnode.Kind, words string) {
	if d.root.Kind != kind {
		got := map[yamlnode.Kind]string{yamlnode.MappingNode: "a mapping", yamlnode.SequenceNode: "a list"}[d.root.Kind]
		if got == "" {
			got = "a text"
		}
		d.add(d.root.Line, fmt.Sprintf("got %s, want %s", got, words))
	}
}

// inspect finds what upstream accepts and could only fail with later, and what it would refuse in words that quote a
// secret or do not say what is possible.
func (d *document) inspect() {
	d.root.walk(func(key string, value *node) {
		switch {
		case key == "url" || key == "proxy_url" || key == "token_url":
			d.inspectURL(key, value)
		case key == "static_configs":
			d.inspectTargets(value)
		case strings.HasSuffix(key, "_sd_configs") && key != "file_sd_configs":
			d.add(value.Line, key+" is not part of this agent: list Alertmanagers in static_configs or file_sd_configs")
		case key == "sigv4" || key == "azuread" || key == "google_iam":
			// Upstream asks the network as soon as a client is made, and prints what it finds beside the log.
			d.add(value.Line, key+" is not part of this agent: use basic_auth, authorization or oauth2, or send through a proxy that signs")
		case strings.HasSuffix(key, "_file") && value.is(yamlnode.ScalarNode) && value.Value != "":
			d.inspectFile(key, value)
		}
	})
}

func (d *document) inspectURL(key string, value *node) {
	if !value.is(yamlnode.ScalarNode) {
		return // upstream says what it wants
	}
	if u, err := url.Parse(value.Value); err != nil || u.Scheme == "" || u.Host == "" {
		d.add(value.Line, key+": not a URL, want one such as https://host/path")
	}
}

func (d *document) inspectTargets(list *node) {
	for _, group := range list.elements() {
		for _, target := range group.child("targets").elements() {
			if strings.Contains(target.Value, "@") {
				d.add(target.Line, "a target with credentials: they belong in basic_auth")
			}
		}
	}
}

func (d *document) inspectFile(key string, value *node) {
	path := value.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.block.Dir, path)
	}
	if err := readable(path); err != nil {
		d.add(value.Line, fmt.Sprintf("%s: %v", key, err))
	}
}

// readable reports why a file cannot be read. A pipe is not opened: that would wait for somebody who writes.
func readable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory, want a file", path)
	case !info.Mode().IsRegular():
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}
