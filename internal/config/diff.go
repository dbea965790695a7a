package config

import (
	"cmp"
	"maps"
	"slices"
)

// Change is one difference between two configurations.
type Change struct {
	What   string        `json:"what"` // added, removed or changed
	Type   string        `json:"type"` // of the block
	Name   string        `json:"name,omitempty"`
	Fields []FieldChange `json:"fields,omitempty"` // of a changed block, sorted
}

// FieldChange is one field that differs; what is not set is empty.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// Diff returns what changes from one configuration to another, in the order of the new one, what is removed last.
func Diff(from, to View) []Change {
	type id struct{ typ, name string }
	old := make(map[id]Block)
	for _, b := range from.Blocks {
		old[id{b.Type, b.Name}] = b
	}
	var changes []Change
	for _, b := range to.Blocks {
		before, ok := old[id{b.Type, b.Name}]
		delete(old, id{b.Type, b.Name})
		if !ok {
			changes = append(changes, Change{What: "added", Type: b.Type, Name: b.Name})
		} else if fields := diffFields(before.Fields, b.Fields); len(fields) > 0 {
			changes = append(changes, Change{What: "changed", Type: b.Type, Name: b.Name, Fields: fields})
		}
	}
	for _, b := range from.Blocks {
		if _, left := old[id{b.Type, b.Name}]; left {
			changes = append(changes, Change{What: "removed", Type: b.Type, Name: b.Name})
		}
	}
	return changes
}

func diffFields(from, to map[string]string) []FieldChange {
	all := maps.Clone(from)
	if all == nil {
		all = make(map[string]string)
	}
	maps.Copy(all, to)
	var changes []FieldChange
	for field := range all {
		if from[field] != to[field] {
			changes = append(changes, FieldChange{Field: field, Old: from[field], New: to[field]})
		}
	}
	slices.SortFunc(changes, func(a, b FieldChange) int { return cmp.Compare(a.Field, b.Field) })
	return changes
}
