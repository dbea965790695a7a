package config

import "gopkg.in/yaml.v3"

// resolve returns what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// kindOf names what a node is, for people.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNull(n) {
		return "nothing"
	}
	return "text"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// pair is one key of a mapping with its value, which is resolved.
type pair struct{ key, value *yaml.Node }

// pairs returns the keys of a mapping in their order, those of merge keys (<<) last: keys of the mapping itself win,
// then those of the mapping that was merged first. bad is called for a double key and for a merge of something else.
func pairs(n *yaml.Node, bad func(at *yaml.Node, what string)) []pair {
	var own, merged []pair
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		switch {
		case key.Tag == "!!merge":
			merged = append(merged, mergedPairs(value, bad)...)
		case key.Kind != yaml.ScalarNode:
			bad(key, "has "+kindOf(key)+" as a key, want a word")
		case seen[key.Value]:
			bad(key, "double key "+quote(key.Value))
		default:
			seen[key.Value] = true
			own = append(own, pair{key, value})
		}
	}
	for _, p := range merged {
		if !seen[p.key.Value] {
			seen[p.key.Value] = true
			own = append(own, p)
		}
	}
	return own
}

func mergedPairs(value *yaml.Node, bad func(*yaml.Node, string)) []pair {
	sources := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		sources = value.Content
	}
	var all []pair
	for _, source := range sources {
		source = resolve(source)
		if source.Kind != yaml.MappingNode {
			bad(source, "got "+kindOf(source)+" to merge, want an alias of keys")
			continue
		}
		all = append(all, pairs(source, reportedThere)...)
	}
	return all
}

// reportedThere drops mistakes in keys that are read for a second time: they are reported where they stand.
func reportedThere(*yaml.Node, string) {}

// child returns the value of a key, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n = resolve(n); n.Kind != yaml.MappingNode {
		return nil
	}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := resolve(n.Content[i])
		if k.Value == key && k.Kind == yaml.ScalarNode {
			return resolve(n.Content[i+1])
		}
		merges = merges || k.Tag == "!!merge"
	}
	if !merges {
		return nil
	}
	for _, p := range pairs(n, reportedThere) {
		if p.key.Value == key {
			return p.value
		}
	}
	return nil
}

// text returns the scalar value of a key, or "".
func text(n *yaml.Node, key string) string {
	if c := child(n, key); c != nil && c.Kind == yaml.ScalarNode {
		return c.Value
	}
	return ""
}
