package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// rule is what the tags of a field ask of its value, or of each entry when it is a list or a map.
type rule struct {
	required bool
	enum     []string
	pattern  *regexp.Regexp // nil for none
	min, max string         // in the form in which the value is written
	format   string         // "bytes", "file", "regex", "url" or empty
}

// field is one key of a struct.
type field struct {
	name  string
	doc   string
	index []int
	typ   reflect.Type
	rule  rule
}

// fields are the keys of struct types, read once.
type fields struct {
	kinds []string // names of the kinds, which the enumeration @kinds stands for
	read  map[reflect.Type][]field
}

func newFields(kinds []string) *fields { return &fields{kinds, make(map[reflect.Type][]field)} }

// of returns the keys of a struct type in their order. Embedded structs with the option inline are part of it.
func (k *fields) of(t reflect.Type) []field {
	all, ok := k.read[t]
	if ok {
		return all
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if options == "inline" {
			for _, inner := range k.of(f.Type) {
				inner.index = append([]int{i}, inner.index...) // a new slice: the one of the inner type stays
				all = append(all, inner)
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		all = append(all, field{name: name, doc: f.Tag.Get("doc"), index: f.Index, typ: f.Type, rule: k.rule(f.Tag)})
	}
	k.read[t] = all
	return all
}

// rule reads the tags of a field. A pattern that is none is a mistake of the programmer.
func (k *fields) rule(tag reflect.StructTag) rule {
	r := rule{
		required: tag.Get("required") == "true",
		min:      tag.Get("min"),
		max:      tag.Get("max"),
		format:   tag.Get("format"),
	}
	if pattern := tag.Get("pattern"); pattern != "" {
		r.pattern = regexp.MustCompile(pattern)
	}
	switch enum := tag.Get("enum"); enum {
	case "":
	case "@kinds":
		r.enum = k.kinds
	default:
		r.enum = strings.Split(enum, ",")
	}
	return r
}

// names returns the keys of fields.
func names(fields []field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}

// orList writes "a, b or c", sorted as given.
func orList(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// suggestion returns `did you mean "x"?` for the word that is most like got, and the word; nothing when none is like it.
// A word is like another when at most a third of its letters, rounded up, are mistyped.
func suggestion(got string, words []string) (hint, word string) {
	least := (len(got)+2)/3 + 1
	for _, w := range words {
		if n := distance(strings.ToLower(got), w); n < least {
			least, word = n, w
		}
	}
	if word == "" {
		return "", ""
	}
	return "did you mean " + quote(word) + "?", word
}

// distance counts the letters to insert, delete, replace or swap with a neighbour to turn a into b.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = slices.Min([]int{row[j] + 1, last[j+1] + 1, last[j] + cost})
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
