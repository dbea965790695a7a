package assert_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/assert"
)

// FuzzAssertions gives foreign bodies and header values to every kind of rule that reads them.
func FuzzAssertions(f *testing.F) {
	for _, body := range []string{
		`{"id":1,"items":[{"price":9.5}],"text":"a"}`, `[[[`, "\xff\x00", `{"items":{"price":"x"}}`, `{"id":1e999,"text":"(","items":[1,[2]]}`, "", "null",
		`{"text":"` + "\u202e\x1b" + `"}`,
	} {
		f.Add([]byte(body), "text/html")
	}
	rules := compileRules(f,
		`regex: '(?i)^\s*[{<]'`, `not_regex: '(a|b)+c\d{2,5}$'`, `jsonpath: {path: '$..price', min: 1}`, `jsonpath: {path: '$.items[?@.price > 5]', count: 1}`,
		`cel: json.id == 1 && json.items.all(i, i.price > 1)`, `cel: body.matches("x+y") || headers["x-foreign"].matches(json.text)`,
		`cel: 'string(json.text).size() < 3 && json[json.text] == 1'`, `cel: 'timestamp(json.text) > timestamp("2026-01-01T00:00:00Z")'`,
		`json_schema: {required: [id], properties: {id: {type: integer, multipleOf: 0.1}, text: {pattern: '^\w+$', format: date-time}, items: {uniqueItems: true, items: {$ref: "#"}}}, unevaluatedProperties: false}`,
		`header: {name: X-Foreign, equals: a}`,
	)
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		response := &assert.Response{Status: 200, Header: http.Header{"X-Foreign": {header}}, Body: body}
		findings := rules.Check(response)
		for _, finding := range findings {
			if finding.Check != assert.AssertionPoor && finding.Check != assert.AssertionError {
				t.Errorf("got check %q, want a broken rule or one that cannot be applied", finding.Check)
			}
			if len(finding.Detail) > 6<<10 || strings.ContainsAny(finding.Detail, "\n\x1b") || !utf8.ValidString(finding.Detail) || finding.Detail == "" {
				t.Errorf("%s: detail of %d bytes, want one short line: %q", finding.Title, len(finding.Detail), finding.Detail)
			}
		}
		if again := rules.Check(response); fmt.Sprint(again) != fmt.Sprint(findings) {
			t.Errorf("got %v, then %v of the same response", findings, again)
		}
	})
}

// FuzzRule_Expressions compiles whatever is written into a rule, and tries it on a body when it compiles.
func FuzzRule_Expressions(f *testing.F) {
	for _, text := range []string{"json.id == 1", "[1,2].all(x, x > json.id)", "(a|b)*", "$..[?@.a]", "\x00", "timings.wait < 1.0 ? true : json"} {
		f.Add(text)
	}
	response := basket()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		for _, rule := range []assert.Rule{{CEL: text}, {Regex: text}, {NotRegex: text}, {JSONPath: &assert.JSONRule{Path: text, Type: "string"}}} {
			rule.Name = "rule"
			assertions, err := assert.List{rule}.Compile("assert")
			if err == nil {
				assertions.Check(response)
			} else if !strings.HasPrefix(err.Error(), "assert[0]") {
				t.Errorf("got mistake %q, want the path of the rule", err)
			}
		}
	})
}
