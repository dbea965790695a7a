package config

import (
	"encoding"
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// decoder reads the nodes of one file into structs. It goes on after a mistake, so that all are found.
type decoder struct {
	*loader
	file    string
	dir     string            // relative paths start here
	data    []byte            // the text of the file
	root    *yaml.Node        // all of it
	typ     probe.ChannelType // of the channel that is being read
	current *touchpointBlock  // that is being read
}

// place is where a block stands.
type place struct {
	decoder *decoder
	node    *yaml.Node
	path    path
}

// pos returns the position of the value of a key, or that of the block when the key is not there.
func (p place) pos(key string) position {
	if n := child(p.node, key); n != nil {
		return p.decoder.at(n)
	}
	return p.decoder.at(p.node)
}

// preparer is a block whose defaults depend on what the file says in it.
type preparer interface {
	prepare(at place)
}

func (d *decoder) at(n *yaml.Node) position { return position{d.file, n.Line, n.Column} }

// fail notes a mistake. The field is remembered, so that nothing else is said about it.
func (d *decoder) fail(n *yaml.Node, p path, format string, args ...any) {
	d.broken(p)
	d.errs.add(d.at(n), p, format, args...)
}

func (d *decoder) broken(p path) { d.failed[d.file] = append(d.failed[d.file], p) }

// isBroken reports whether a mistake was noted for the field or for what it stands in.
func (d *decoder) isBroken(p path) bool {
	return slices.ContainsFunc(d.failed[d.file], p.within)
}

// value reads a node into v, which holds the default: it stays where the file has nothing.
func (d *decoder) value(n *yaml.Node, v reflect.Value, p path, r rule) {
	n = resolve(n)
	if isNull(n) || d.full() {
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem(), p, r)
		return
	}
	switch target := v.Addr().Interface().(type) {
	case *probe.Secret:
		d.secret(n, target, p)
	case *Raw:
		d.raw(n, target, p)
	case *time.Duration:
		d.duration(n, target, p, r)
	case *time.Time:
		d.date(n, target, p)
	case encoding.TextUnmarshaler:
		d.text(n, target, p)
	default:
		d.kind(n, v, p, r)
	}
}

func (d *decoder) kind(n *yaml.Node, v reflect.Value, p path, r rule) {
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, p)
	case reflect.Slice:
		d.list(n, v, p, r)
	case reflect.Map:
		d.mapping(n, v, p, r)
	case reflect.Interface:
		d.anything(n, v, p)
	default:
		d.scalar(n, v, p, r)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, p path) {
	fields := d.fields.of(v.Type())
	if n.Kind != yaml.MappingNode {
		d.fail(n, p, "got %s, want the keys %s", kindOf(n), orList(names(fields)))
		return
	}
	defer func(outer *touchpointBlock) { d.current = outer }(d.current)
	if block, ok := reflect.TypeAssert[preparer](v.Addr()); ok {
		block.prepare(place{d, n, p})
	}
	byName := make(map[string]field, len(fields))
	for _, f := range fields {
		byName[f.name] = f
	}
	seen := make(map[string]bool)
	for _, pair := range d.pairs(n, p) {
		f, ok := byName[pair.key.Value]
		if !ok {
			if !d.full() {
				d.unknown(pair, p, fields)
			}
			continue
		}
		seen[f.name] = !isNull(pair.value)
		d.value(pair.value, v.FieldByIndex(f.index), p.key(f.name), f.rule)
	}
	for _, f := range fields {
		if f.rule.required && !seen[f.name] && !d.isBroken(p.key(f.name)) {
			d.fail(n, p.key(f.name), "missing%s", f.rule.wanted(", want "))
		}
	}
}

// unknown notes a key that no field has. The field that was meant is not reported as missing.
func (d *decoder) unknown(got pair, p path, fields []field) {
	hint, meant := suggestion(got.key.Value, names(fields))
	if hint != "" {
		d.broken(p.key(meant))
	} else {
		hint = "want " + orList(names(fields))
	}
	d.errs.add(d.at(got.key), p, "unknown key %s", quote(got.key.Value))
	d.errs.hint(hint)
}

func (d *decoder) pairs(n *yaml.Node, p path) []pair {
	return pairs(n, func(at *yaml.Node, what string) {
		if !d.full() {
			d.errs.add(d.at(at), p, "%s", what)
		}
	})
}

// list reads a list. A single value stands for a list of one.
func (d *decoder) list(n *yaml.Node, v reflect.Value, p path, r rule) {
	entries := n.Content
	switch n.Kind {
	case yaml.MappingNode:
		d.fail(n, p, "got keys, want a list")
		d.errs.hint(`each entry starts with "- "`)
		return
	case yaml.ScalarNode:
		entries = []*yaml.Node{n}
	}
	list := reflect.MakeSlice(v.Type(), len(entries), len(entries))
	for i, entry := range entries {
		at := p
		if n.Kind == yaml.SequenceNode {
			at = p.index(i, text(entry, "name"))
		}
		if isNull(resolve(entry)) {
			d.fail(entry, at, "is empty")
		}
		d.value(entry, list.Index(i), at, r)
	}
	v.Set(list)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, p path, r rule) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, p, "got %s, want keys with values", kindOf(n))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, pair := range d.pairs(n, p) {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(pair.value, value, p.key(pair.key.Value), r)
		v.SetMapIndex(reflect.ValueOf(pair.key.Value).Convert(v.Type().Key()), value)
	}
}

// anything reads into an interface: into what it points to, when it holds a pointer already, else as plain YAML.
func (d *decoder) anything(n *yaml.Node, v reflect.Value, p path) {
	if !v.IsNil() && v.Elem().Kind() == reflect.Pointer {
		d.value(n, v.Elem().Elem(), p, rule{})
		return
	}
	var plain any
	if err := n.Decode(&plain); err != nil {
		d.fail(n, p, "cannot be read: %v", err)
		return
	}
	if plain != nil {
		v.Set(reflect.ValueOf(plain))
	}
}
