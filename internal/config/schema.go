package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Schema returns the JSON Schema (draft 2020-12) of a configuration with these kinds, for editors. It is made of the
// structs that the loader reads into, so that it knows the same keys, words and bounds; what only a kind can judge, such
// as a URL, it leaves to Load.
func Schema(kinds []probe.Kind) ([]byte, error) {
	w := schemaWriter{newFields(kindNames(kinds))}
	root := w.structure(reflect.ValueOf(*newMainFile()))
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Channelwatch configuration"
	defs := object{"channel": w.structure(reflect.ValueOf(channelBlock{})), "touchpoint": w.touchpoint(kinds)}
	for _, kind := range kinds {
		// The defaults of a kind depend on the type of the channel: those that differ are not defaults for an editor.
		config := w.structure(reflect.ValueOf(kind.NewConfig(probe.Custom)).Elem())
		config["description"] = kind.Summary
		defs[withDef(kind.Name)] = config
	}
	root["$defs"] = defs
	// A main file may leave all channels to the files that it includes.
	root["anyOf"] = []object{{"required": []string{"channels"}}, {"required": []string{"include"}}}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(out, '\n'), nil
}

// object is a part of a JSON Schema.
type object = map[string]any

type schemaWriter struct{ fields *fields }

func withDef(kind string) string { return "with_" + kind }

// touchpoint joins what all touchpoints have with what each kind has.
func (w schemaWriter) touchpoint(kinds []probe.Kind) object {
	all := w.structure(reflect.ValueOf(touchpointBlock{Tier: probe.Standard, Weight: 1}))
	var cases []object
	for _, kind := range kinds {
		then := object{"properties": object{"with": object{"$ref": "#/$defs/" + withDef(kind.Name)}}}
		for _, f := range w.fields.of(reflect.TypeOf(kind.NewConfig(probe.Custom)).Elem()) {
			if f.rule.required {
				then["required"] = []string{"with"}
			}
		}
		cases = append(cases, object{
			"if":   object{"properties": object{"kind": object{"const": kind.Name}}, "required": []string{"kind"}},
			"then": then,
		})
	}
	all["allOf"] = cases
	return all
}

// structure describes a struct; v holds the defaults.
func (w schemaWriter) structure(v reflect.Value) object {
	properties := object{}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	var required []string
	for _, f := range w.fields.of(v.Type()) {
		property := w.value(f.typ, v.FieldByIndex(f.index), f.rule)
		if f.doc != "" {
			property["description"] = f.doc
		}
		if def := written(v.FieldByIndex(f.index), f.rule); def != nil {
			property["default"] = def
		}
		properties[f.name] = property
		if f.rule.required {
			required = append(required, f.name)
		}
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// value describes a value of type t; v holds the default and may be invalid.
func (w schemaWriter) value(t reflect.Type, v reflect.Value, r rule) object {
	switch {
	case t == reflect.TypeFor[channelBlock]():
		return object{"$ref": "#/$defs/channel"}
	case t == reflect.TypeFor[touchpointBlock]():
		return object{"$ref": "#/$defs/touchpoint"}
	case t == reflect.TypeFor[probe.Secret]():
		return secretSchema()
	case t == reflect.TypeFor[Raw]():
		return object{}
	case t == reflect.TypeFor[time.Duration]():
		return object{"type": []string{"string", "integer"}, "pattern": durationPattern, "maximum": 0}
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return word()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(t.Elem(), reflect.Value{}, r)
	case reflect.Struct:
		if !v.IsValid() {
			v = reflect.Zero(t)
		}
		return w.structure(v)
	case reflect.Slice:
		items := w.value(t.Elem(), reflect.Value{}, r)
		list := object{"type": "array", "items": items}
		if t.Elem().Kind() == reflect.Struct {
			return list
		}
		return object{"anyOf": []object{items, list}}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": w.value(t.Elem(), reflect.Value{}, r)}
	case reflect.Interface:
		return object{}
	}
	return scalarSchema(t, r)
}

func scalarSchema(t reflect.Type, r rule) object {
	switch {
	case r.format == "bytes":
		return object{"type": []string{"string", "integer"}, "pattern": bytesPattern}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.String && len(r.enum) > 0:
		return object{"enum": r.enum}
	case t.Kind() == reflect.String && r.pattern != nil:
		return object{"type": "string", "pattern": r.pattern.String()}
	case t.Kind() == reflect.String:
		return word()
	}
	out := object{"type": "integer"}
	if t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 {
		out["type"] = "number"
	}
	if r.min != "" {
		out["minimum"] = r.bound(r.min, t)
	}
	if r.max != "" {
		out["maximum"] = r.bound(r.max, t)
	}
	return out
}

// word is a text, which YAML takes for a number or a truth value when it looks like one.
func word() object { return object{"type": []string{"string", "number", "boolean"}} }

func secretSchema() object {
	return object{
		"type": "object",
		"properties": object{
			"file": object{"type": "string", "description": "path of a file that holds the secret, relative to the configuration file"},
			"env":  object{"type": "string", "description": "name of an environment variable that holds the secret"},
		},
		"additionalProperties": false,
		"minProperties":        1,
		"maxProperties":        1,
	}
}

// written returns a default in the form in which people write it, or nil when there is none to show.
func written(v reflect.Value, r rule) any {
	if v.IsZero() {
		return nil
	}
	if d, ok := reflect.TypeAssert[time.Duration](v); ok {
		return FormatDuration(d)
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map, reflect.Pointer, reflect.Interface:
		return nil
	}
	if r.format == "bytes" {
		return formatBytes(v.Int())
	}
	return v.Interface()
}
