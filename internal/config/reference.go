package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

const referenceHead = `# Every key of a configuration, with its meaning and its default. This file is generated and can be loaded.
# Durations: 800ms, 1.8s, 5m, 12h, 28d, 4w. Sizes: 512KiB, 8MiB. A list of one can be written without brackets.
# Secrets are references: {file: path, relative to this file} or {env: NAME}. Nothing else is read from the environment.
# Keys in comments have no default, or one that depends on the host.
`

// Reference returns a configuration that shows every key with its meaning and its default, and an example of each kind.
func Reference(kinds []probe.Kind) []byte {
	w := &referenceWriter{fields: newFields(kindNames(kinds))}
	w.WriteString(referenceHead)
	w.block("", reflect.ValueOf(*newMainFile()), "channels")
	w.WriteString("\n# the ways in which customers meet the brand; [] for an agent that only watches its host\nchannels:\n  -\n")
	w.block("    ", reflect.ValueOf(exampleChannel()), "touchpoints")
	w.WriteString("    # what is probed; each of them has these keys:\n")
	w.list("    ", reflect.ValueOf(touchpointBlock{Tier: probe.Standard, Weight: 1}), "with")
	w.WriteString("    touchpoints:\n")
	for _, kind := range kinds {
		w.kind(kind)
	}
	return w.Bytes()
}

func exampleChannel() channelBlock {
	c := channelBlock{Name: "shop", Title: "Shop", Type: probe.MobileWeb, Owners: owners{IT: "it@example.com", Marketing: "marketing@example.com"}}
	c.Objective = &objective{Score: 95, Window: 28 * 24 * time.Hour, Review: time.Date(2027, time.March, 31, 0, 0, 0, 0, time.UTC)}
	return c
}

type referenceWriter struct {
	bytes.Buffer
	fields *fields
}

// block writes the keys of a struct with its values, each below its meaning, but for one key.
func (w *referenceWriter) block(indent string, v reflect.Value, without string) {
	for _, f := range w.fields.of(v.Type()) {
		if f.name == without {
			continue
		}
		value := reflect.Indirect(v.FieldByIndex(f.index))
		if indent == "" {
			w.WriteByte('\n')
		}
		_, _ = fmt.Fprintf(w, "%s# %s\n", indent, f.describe())
		if element := elementOf(f.typ); element != nil && v.FieldByIndex(f.index).IsZero() {
			_, _ = fmt.Fprintf(w, "%s# %s:\n", indent, f.name)
			w.listInto(indent, "", prepared(element), "")
			continue
		}
		switch {
		case isBlock(value.Type()) && value.IsZero():
			_, _ = fmt.Fprintf(w, "%s# %s: {%s}\n", indent, f.name, strings.Join(names(w.fields.of(value.Type())), ": , ")+": ")
		case isBlock(value.Type()):
			_, _ = fmt.Fprintf(w, "%s%s:\n", indent, f.name)
			w.block(indent+"  ", value, "")
		case value.IsZero() && value.Kind() != reflect.Bool:
			_, _ = fmt.Fprintf(w, "%s# %s:\n", indent, f.name)
		default:
			_, _ = fmt.Fprintf(w, "%s%s: %v\n", indent, f.name, literal(value, f.rule))
		}
	}
}

// elementOf returns the block that a field may hold, or several of; nil for other fields.
func elementOf(t reflect.Type) reflect.Type {
	if (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) && isBlock(t.Elem()) && t.Elem().Kind() == reflect.Struct {
		return t.Elem()
	}
	return nil
}

// prepared returns a block with the defaults that it sets itself.
func prepared(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if block, ok := reflect.TypeAssert[preparer](v); ok {
		block.prepare(place{})
	}
	return v.Elem()
}

// isBlock reports whether a type is written as keys.
func isBlock(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() && t != reflect.TypeFor[probe.Secret]() && t != reflect.TypeFor[Raw]()
}

// literal returns a value as it is written in YAML.
func literal(v reflect.Value, r rule) any {
	if date, ok := reflect.TypeAssert[time.Time](v); ok {
		return date.Format(time.DateOnly)
	}
	if out := written(v, r); out != nil {
		return out
	}
	return v.Interface()
}

// kind writes the sample of a kind as a touchpoint, with a list of all keys of its block.
func (w *referenceWriter) kind(kind probe.Kind) {
	_, _ = fmt.Fprintf(w, "\n      # kind %s: %s\n", kind.Name, kind.Summary)
	_, _ = fmt.Fprintf(w, "      # Default: every %s, timeout %s. All keys of its with block:\n",
		FormatDuration(max(kind.Every, kind.Floor)), FormatDuration(kind.Timeout))
	w.list("      ", reflect.ValueOf(kind.NewConfig(probe.Custom)).Elem(), "")
	begun := false
	for line := range strings.Lines(kind.Sample) {
		prefix := "        "
		if !begun {
			begun = strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#")
			prefix = map[bool]string{true: "      - ", false: "      "}[begun]
		}
		w.WriteString(strings.TrimRight(prefix+line, " \n") + "\n")
	}
}

// list writes the keys of a struct as comments, those of blocks in it by their path, but for one key.
func (w *referenceWriter) list(indent string, v reflect.Value, without string) {
	w.listInto(indent, "", v, without)
}

func (w *referenceWriter) listInto(indent string, p path, v reflect.Value, without string) {
	for _, f := range w.fields.of(v.Type()) {
		if f.name == without {
			continue
		}
		t, at := f.typ, p.key(f.name)
		value := v.FieldByIndex(f.index)
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
			value = reflect.Zero(t)
		}
		note := f.describe()
		if def := written(value, f.rule); def != nil && !strings.Contains(note, "efault") {
			note += fmt.Sprintf(" [default %v]", def)
		}
		_, _ = fmt.Fprintf(w, "%s#   %s: %s\n", indent, at, note)
		switch {
		case isBlock(t):
			w.listInto(indent, at, value, "")
		case t.Kind() == reflect.Slice && isBlock(t.Elem()):
			w.listInto(indent, at+"[]", reflect.Zero(t.Elem()), "")
		}
	}
}

// describe returns the meaning of a field with what it takes.
func (f field) describe() string {
	note := f.doc
	if len(f.rule.enum) > 0 {
		note += " [" + orList(f.rule.enum) + "]"
	}
	if f.rule.min != "" || f.rule.max != "" {
		note += " [" + f.rule.bounds() + "]"
	}
	if f.rule.required {
		note += " [required]"
	}
	return note
}
