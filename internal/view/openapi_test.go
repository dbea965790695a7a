package view_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/view"
)

// document is the description that the agent serves.
func document(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../web/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// schema compiles a schema of the description.
func schema(t *testing.T, doc map[string]any, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("openapi.json#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func validate(t *testing.T, s *jsonschema.Schema, value any) error {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(instance)
}

// answers are the types of the answers by the names of their schemas.
func answers() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Overview":       reflect.TypeFor[view.Overview](),
		"ChannelPage":    reflect.TypeFor[view.ChannelPage](),
		"TouchpointPage": reflect.TypeFor[view.TouchpointPage](),
		"Incident":       reflect.TypeFor[view.Incident](),
		"Result":         reflect.TypeFor[record.Record](),
		"Config":         reflect.TypeFor[config.View](),
	}
}

// TestOpenAPI_DescribesEveryField compares the fields of the answers with the properties of the schemas, both ways, and
// which of them may be absent.
func TestOpenAPI_DescribesEveryField(t *testing.T) {
	t.Parallel()
	doc := document(t)
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	resolve := func(s map[string]any) map[string]any {
		for {
			ref, ok := s["$ref"].(string)
			if !ok {
				return s
			}
			s = schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		}
	}
	var compare func(path string, typ reflect.Type, s map[string]any)
	compare = func(path string, typ reflect.Type, s map[string]any) {
		s = resolve(s)
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		switch {
		case reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Marshaler]()):
			return // written by a method
		case typ.Kind() == reflect.Slice:
			compare(path+"[]", typ.Elem(), s["items"].(map[string]any))
			return
		case typ.Kind() != reflect.Struct:
			return
		}
		properties, _ := s["properties"].(map[string]any)
		var required, always []string
		for _, name := range s["required"].([]any) {
			required = append(required, name.(string))
		}
		if s["additionalProperties"] != false {
			t.Errorf("%s: lets unknown fields pass", path)
		}
		known := make(map[string]bool)
		for _, f := range reflect.VisibleFields(typ) {
			if f.Anonymous || f.Tag.Get("json") == "-" {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			known[name] = true
			property, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("%s.%s: not described", path, name)
				continue
			}
			if !strings.Contains(options, "omit") {
				always = append(always, name)
			}
			compare(path+"."+name, f.Type, property)
		}
		for name := range properties {
			if !known[name] {
				t.Errorf("%s.%s: described, but there is no such field", path, name)
			}
		}
		slices.Sort(required)
		slices.Sort(always)
		if diff := cmp.Diff(always, required); diff != "" {
			t.Errorf("%s: fields that are always there (-have +described):\n%s", path, diff)
		}
	}
	for name, typ := range answers() {
		compare(name, typ, map[string]any{"$ref": "#/components/schemas/" + name})
	}
}

// fill sets everything in a value that can be absent.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 5, 4, 3, 2, 1, 500e6, time.UTC)))
			return
		}
		for _, field := range v.Fields() {
			if field.CanSet() {
				fill(field)
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(2)
	}
}

// words sets the fields that hold one of a closed list of words.
func words(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		words(v.Elem())
	case reflect.Slice:
		words(v.Index(0))
	case reflect.Struct:
		for f, field := range v.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			parent := v.Type().Name()
			word := map[string]string{
				"window": "28d", "causes_of": "1d", "state": "kept", "tier": "critical", "range": "24h", "phase": "tls",
				"vital": "lcp", "party": "third", "device": "mobile",
			}[name]
			switch {
			case name == "dimension" && field.Kind() == reflect.String, parent == "Dimension" && name == "name":
				word = "fast"
			case name == "type" && parent == "Channel":
				word = "social"
			}
			if word != "" {
				field.SetString(word)
			} else if field.CanSet() && v.Type() != reflect.TypeFor[time.Time]() {
				words(field)
			}
		}
	}
}

// TestOpenAPI_EncodingsFit validates full and nearly empty answers.
func TestOpenAPI_EncodingsFit(t *testing.T) {
	t.Parallel()
	doc := document(t)
	for name, typ := range answers() {
		s := schema(t, doc, name)
		full := reflect.New(typ)
		fill(full.Elem())
		words(full.Elem())
		if err := validate(t, s, full.Interface()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := json.Marshal(full.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		fields["surprise"] = 1
		if err := validate(t, s, fields); err == nil {
			t.Errorf("%s: an unknown field passes", name)
		}
	}
}

// TestOpenAPI_RealAnswersFit validates what is built of a history.
func TestOpenAPI_RealAnswersFit(t *testing.T) {
	t.Parallel()
	doc := document(t)
	v := view.New(view.Options{Engine: many(2)})
	o, err := v.Overview(t.Context(), view.Day)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, schema(t, doc, "Overview"), o); err != nil {
		t.Error(err)
	}
	p, err := v.Channel(t.Context(), "channel-1", view.Day)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, schema(t, doc, "ChannelPage"), p); err != nil {
		t.Error(err)
	}
	incidents, err := v.Incidents(t.Context(), "", view.Day)
	if err != nil || len(incidents) == 0 {
		t.Fatalf("got %d incidents and error %v", len(incidents), err)
	}
	if err := validate(t, schema(t, doc, "Incidents"), map[string]any{"incidents": incidents}); err != nil {
		t.Error(err)
	}
}

// TestOpenAPI_BareVisitFits validates a load of which nothing is known but that it was tried.
func TestOpenAPI_BareVisitFits(t *testing.T) {
	t.Parallel()
	s := schema(t, document(t), "Evidence")
	bare := probe.Evidence{Visits: []probe.Visit{{
		Shifts: make([]probe.Shift, 1), Requests: make([]probe.Request, 1), Console: make([]probe.ConsoleLine, 1),
		Screenshot: &probe.Picture{}, Filmstrip: make([]probe.Picture, 1),
	}}}
	if err := validate(t, s, bare); err != nil {
		t.Error(err)
	}
}
