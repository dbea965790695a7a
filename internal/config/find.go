package config

import (
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

var fieldStep = regexp.MustCompile(`\["((?:[^"\\]|\\.)*)"\]|\[([0-9]+)\]|([^.\[\]]+)`)

// find returns the position of a field below n, such as "with.assert[2].jsonpath"; when it is not there, that of the
// deepest block on the way to it.
func (d *decoder) find(n *yaml.Node, field string) position { return d.at(locate(n, field)) }

func locate(n *yaml.Node, field string) *yaml.Node {
	n = resolve(n)
	for _, step := range fieldStep.FindAllStringSubmatch(field, -1) {
		next := stepInto(n, step[1]+step[3], step[2])
		if next == nil {
			break
		}
		n = next
	}
	return n
}

func stepInto(n *yaml.Node, key, index string) *yaml.Node {
	if index == "" {
		return child(n, key)
	}
	i, err := strconv.Atoi(index)
	switch {
	case err != nil:
		return nil
	case n.Kind != yaml.SequenceNode && i == 0:
		return n // a list of one, written without a list
	case n.Kind != yaml.SequenceNode || i >= len(n.Content):
		return nil
	}
	return resolve(n.Content[i])
}
