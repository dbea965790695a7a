package assert_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	const (
		item  = `{properties: {items: {items: {$ref: "#/$defs/item"}}}, $defs: {item: {required: [sku, price], properties: {price: {type: number, maximum: 10}}}}}`
		tree  = `{$dynamicAnchor: node, properties: {kids: {items: {$dynamicRef: "#node"}}, n: {type: integer}}}`
		old   = `{$schema: "http://json-schema.org/draft-07/schema#", definitions: {m: {type: string, format: email}}, properties: {mail: {$ref: "#/definitions/m"}}}`
		any   = `{anyOf: [{required: [a]}, {required: [b]}]}`
		never = `{not: {}}`
		both  = "missing properties 'sku', 'price'"
	)
	cases := map[string]struct{ schema, body, want string }{
		"fine":                     {item, `{"items":[{"sku":"a","price":9}]}`, ""},
		"numbers keep digits":      {`{properties: {id: {const: 9007199254740993}}}`, `{"id":9007199254740993}`, ""},
		"by reference":             {item, `{"items":[{"sku":"a","price":11}]}`, "$/items/0/price: maximum: got 11, want 10"},
		"several, sorted":          {item, `{"items":[{"price":11},{"sku":"a"}]}`, "$/items/0/price: maximum: got 11, want 10; $/items/0: missing property 'sku'; $/items/1: missing property 'price'"},
		"more than are shown":      {item, `{"items":[{},{},{},{},{}]}`, "$/items/0: " + both + "; $/items/1: " + both + "; $/items/2: " + both + "; and 2 more"},
		"recursive, fine":          {tree, `{"kids":[{"kids":[{"n":1}]}]}`, ""},
		"recursive":                {tree, `{"kids":[{"kids":[{"n":1.5}]}]}`, "$/kids/0/kids/0/n: got number, want integer"},
		"draft 7 checks formats":   {old, `{"mail":"nobody"}`, "$/mail: 'nobody' is not valid email: missing @"},
		"draft 7, fine":            {old, `{"mail":"a@shop.example"}`, ""},
		"any":                      {any, `{}`, "$: missing property 'a'; $: missing property 'b'"},
		"any, fine":                {any, `{"b":1}`, ""},
		"never":                    {never, `{}`, "$: 'not' failed"},
		"what is too much, sorted": {"{additionalProperties: false}", `{"c":1,"a":1,"d":1,"b":1}`, "$: additional properties 'a', 'b', 'c', 'd' not allowed"},
		"false":                    {"false", `{}`, "$: false schema"},
		"true":                     {"true", `{}`, ""},
		"the schema of schemas":    {`{$ref: "https://json-schema.org/draft/2020-12/schema"}`, `{"type":"elephant"}`, "$/type: got string, want array; $/type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'"},
		"with text of the body":    {`{properties: {a: {pattern: "^x"}}}`, `{"a":"` + strings.Repeat("y\\n", 400) + `"}`, "$/a: '" + strings.Repeat(`y\n`, 98) + "…"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := compileRules(t, "json_schema: "+c.schema).Check(&assert.Response{Body: []byte(c.body)})
			var want []probe.Finding
			if c.want != "" {
				want = []probe.Finding{{Check: assert.AssertionPoor, Title: "rule 0", Detail: c.want}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSchema_StepsAreBounded has a schema whose validation takes three times as long for every level of the document:
// uncounted, 3^199 steps.
func TestSchema_StepsAreBounded(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"any of":      `{properties: {a: {anyOf: [{$ref: "#"}, {$ref: "#"}, {$ref: "#"}]}, b: false}}`,
		"none of":     `{properties: {a: {not: {anyOf: [{$ref: "#"}, {$ref: "#"}, {$ref: "#"}]}}, b: false}}`,
		"in branches": `{if: {properties: {a: {$ref: "#"}}}, else: {properties: {a: {$ref: "#"}}}, properties: {b: false}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deep := strings.Repeat(`{"a":`, 199) + `{"b":1}` + strings.Repeat("}", 199)
			got := compileRules(t, "json_schema: "+schema).TestOnlyCheck(t.Context(), &assert.Response{Body: []byte(deep)})
			want := []probe.Finding{{
				Check: assert.AssertionError, Title: "rule 0",
				Detail: "the rule cannot be applied: the schema takes more than 500000 steps or 2s on this document",
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSchema_LargestDocument tries that the steps are enough for the largest document and a usual schema.
func TestSchema_LargestDocument(t *testing.T) {
	t.Parallel()
	body := `{"items":[` + strings.Repeat(`{"n":1},`, 99_997) + `{"n":1}]}`
	rules := compileRules(t, `json_schema: {properties: {items: {items: {$ref: "#/$defs/item"}}}, $defs: {item: {properties: {n: {type: integer}}}}}`)
	if got := rules.TestOnlyCheck(t.Context(), &assert.Response{Body: []byte(body)}); got != nil {
		t.Errorf("got %v, want no finding", got)
	}
}
