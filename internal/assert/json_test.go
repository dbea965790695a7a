package assert_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestJSONRule(t *testing.T) {
	t.Parallel()
	const document = `{"id":9007199254740993,"large":12345678901234567891,"n":1.50,"s":"v2.1","null":null,"list":[1,2,3],"half":0.5,"huge":1e999,"obj":{"b":[true],"a":"x"},"quoted":"[[\"{{"}`
	cases := map[string]struct {
		rule string
		want string // detail of the one finding; empty: none
	}{
		"null exists":                 {"{path: $.null, exists: true}", ""},
		"exists":                      {"{path: $.s, exists: true}", ""},
		"exists, but nothing":         {"{path: $.nope, exists: true}", "$.nope selects nothing"},
		"exists not":                  {"{path: $.nope, exists: false}", ""},
		"exists, but must not":        {"{path: $.s, exists: false}", `$.s is "v2.1", want none`},
		"equals text":                 {"{path: $.s, equals: v2.1}", ""},
		"equals another text":         {"{path: $.s, equals: v2.2}", `$.s is "v2.1", want "v2.2"`},
		"equals number by value":      {"{path: $.n, equals: 1.5}", ""},
		"equals exponent":             {"{path: $.n, equals: 15e-1}", ""},
		"equals large identifier":     {"{path: $.id, equals: 9007199254740993}", ""},
		"equals its float neighbour":  {"{path: $.id, equals: 9007199254740992}", "$.id is 9007199254740993, want 9007199254740992"},
		"equals 64 bits":              {"{path: $.large, equals: 12345678901234567891}", ""},
		"equals the one before":       {"{path: $.large, equals: 12345678901234567890}", "$.large is 12345678901234567891, want 12345678901234567890"},
		"equals a negative number":    {"{path: $.large, equals: -6101065172474983725}", "$.large is 12345678901234567891, want -6101065172474983725"},
		"equals number, not its text": {`{path: $.n, equals: "1.50"}`, `$.n is 1.50, want "1.50"`},
		"type null":                   {`{path: $.null, type: "null"}`, ""},
		"type null, but text":         {`{path: $.s, type: "null"}`, `$.s is "v2.1", want a value of type null`},
		"type string":                 {"{path: $.s, type: string}", ""},
		"type number":                 {"{path: $.n, type: number}", ""},
		"type boolean":                {"{path: '$.obj.b[0]', type: boolean}", ""},
		"type array":                  {"{path: $.list, type: array}", ""},
		"type object":                 {"{path: $.obj, type: object}", ""},
		"type object, but array":      {"{path: $.list, type: object}", "$.list is [1,2,3], want a value of type object"},
		"equals false, but null":      {"{path: $.null, equals: false}", "$.null is null, want false"},
		"equals list":                 {"{path: $.list, equals: [1, 2, 3]}", ""},
		"equals shorter list":         {"{path: $.list, equals: [1, 2]}", "$.list is [1,2,3], want [1,2]"},
		"equals list out of order":    {"{path: $.list, equals: [1, 3, 2]}", "$.list is [1,2,3], want [1,3,2]"},
		"equals object":               {"{path: $.obj, equals: {a: x, b: [true]}}", ""},
		"equals object, one key more": {"{path: $.obj, equals: {a: x}}", `$.obj is {"a":"x","b":[true]}, want {"a":"x"}`},
		"equals object, other key":    {"{path: $.obj, equals: {a: x, c: [true]}}", `$.obj is {"a":"x","b":[true]}, want {"a":"x","c":[true]}`},
		"equals object, one key less": {"{path: $.obj, equals: {a: x, b: [true], c: 1}}", `$.obj is {"a":"x","b":[true]}, want {"a":"x","b":[true],"c":1}`},
		"equals object, other value":  {"{path: $.obj, equals: {a: y, b: [true]}}", `$.obj is {"a":"x","b":[true]}, want {"a":"y","b":[true]}`},
		"equals text, but list":       {"{path: $.list, equals: x}", `$.list is [1,2,3], want "x"`},
		"equals list, but text":       {"{path: $.s, equals: [x]}", `$.s is "v2.1", want ["x"]`},
		"equals object, but list":     {"{path: $.list, equals: {a: x}}", `$.list is [1,2,3], want {"a":"x"}`},
		"equals whole, but fraction":  {"{path: $.half, equals: 0}", "$.half is 0.5, want 0"},
		"equals fraction, but whole":  {"{path: '$.list[0]', equals: 1.5}", "$.list[0] is 1, want 1.5"},
		"equals, but too large":       {"{path: $.huge, equals: 1e308}", "$.huge is 1e999, want 1e+308"},
		"max, but too large":          {"{path: $.huge, max: 1}", "$.huge is 1e999, want at most 1"},
		"equals missing":              {"{path: $.nope, equals: 1}", "$.nope selects nothing, want 1"},
		"equals for all":              {`{path: "$.list[*]", equals: 1}`, "$.list[*] is 2, want 1"},
		"matches text":                {`{path: $.s, matches: '^v\d'}`, ""},
		"matches not":                 {`{path: $.s, matches: '^\d'}`, `$.s is "v2.1", want a match of "^\\d"`},
		"matches number":              {`{path: $.n, matches: '^1\.50$'}`, ""},
		"matches no object":           {`{path: $.obj, matches: '.*'}`, `$.obj is {"a":"x","b":[true]}, want a match of ".*"`},
		"min and max at the bounds":   {"{path: $.n, min: 1.5, max: 1.5}", ""},
		"below min":                   {"{path: $.n, min: 1.6}", "$.n is 1.50, want at least 1.6"},
		"above max":                   {`{path: "$.list[*]", max: 2}`, "$.list[*] is 3, want at most 2"},
		"min of a text":               {"{path: $.s, min: 0}", `$.s is "v2.1", want at least 0`},
		"count":                       {`{path: "$.list[*]", count: 3}`, ""},
		"count differs":               {`{path: "$.list[*]", count: 2}`, "$.list[*] selects 3 values, want 2"},
		"count zero":                  {"{path: $.nope, count: 0}", ""},
		"count and value":             {`{path: "$.list[*]", count: 3, min: 2}`, "$.list[*] is 1, want at least 2"},
		"filter on large numbers":     {`{path: "$[?@ == 9007199254740993]", count: 1}`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, "json: ["+c.rule+"]", document)
			var want []probe.Finding
			if c.want != "" {
				want = []probe.Finding{{Check: assert.JSONUnexpected, Detail: c.want}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONRule_BodyIsNotUsable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 200)
	cases := map[string]struct{ body, want string }{
		"empty":            {"", `the body is not JSON: it is empty; the body starts with ""`},
		"page":             {"<html>", `the body is not JSON: invalid character '<' looking for beginning of value; the body starts with "<html>"`},
		"truncated":        {`{"a":`, `the body is not JSON: unexpected EOF; the body starts with "{\"a\":"`},
		"two documents":    {"{} {}", `the body is not one JSON document: more follows after the first; the body starts with "{} {}"`},
		"too deep":         {strings.Repeat("[", 201), `the body is not usable JSON: nested 201 deep, want at most 200; the body starts with "` + strings.Repeat("[", 201) + `"`},
		"foreign and long": {"[" + long, `the body is not JSON: invalid character 'Ã' looking for beginning of value; the body starts with "[` + strings.Repeat("ä", 149) + `"…`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, "json: [{path: $.a, exists: true}, {path: $.b, exists: true}]", c.body)
			want := []probe.Finding{{Check: assert.JSONInvalid, Detail: c.want}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("one finding for all paths (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONRule_DepthCountsBracketsOutsideOfTexts(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"deepest":   strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"wide":      "[" + strings.Repeat("[],{},", 300) + "0]",
		"in a text": `["\\\"` + strings.Repeat("[{", 300) + `"]`,
	} {
		if got := check(t, "json: [{path: $, exists: true}]", body); got != nil {
			t.Errorf("%s: got %v, want no finding", name, got)
		}
	}
	for name, body := range map[string]string{
		"after texts":  `["","a","ab","\"","\\","]","\"]",` + strings.Repeat("[", 200) + strings.Repeat("]", 201),
		"with members": strings.Repeat(`{"a": `, 201) + "1" + strings.Repeat("}", 201),
		"with entries": strings.Repeat(`[1, `, 201) + "1" + strings.Repeat("]", 201),
	} {
		got := check(t, "json: [{path: $, exists: true}]", body)
		if len(got) != 1 || !strings.HasPrefix(got[0].Detail, "the body is not usable JSON: nested 201 deep, want at most 200;") {
			t.Errorf("%s: got %v, want too deep", name, got)
		}
	}
}

func TestJSONRule_TooManyValues(t *testing.T) {
	t.Parallel()
	list := func(values int) string { return "[" + strings.Repeat("1,", values-2) + `"1,[{"]` }
	if got := check(t, "json: [{path: $, type: array}]", list(200_000)); got != nil {
		t.Errorf("got %v, want no finding", got)
	}
	got := check(t, "json: [{path: $, type: array}]", list(200_001))
	const want = "the body is not usable JSON: 200001 values, want at most 200000; the body starts with "
	if len(got) != 1 || got[0].Check != assert.JSONInvalid || !strings.HasPrefix(got[0].Detail, want) {
		t.Errorf("got %v, want %q", got, want)
	}
	for name, text := range map[string]string{"arrays": "[],", "objects": "{},"} {
		got := check(t, "json: [{path: $, type: array}]", "["+strings.Repeat(text, 100_001)+"1]")
		if len(got) != 1 || got[0].Check != assert.JSONInvalid {
			t.Errorf("%s: got %v, want too many values", name, got)
		}
	}
}

func TestDetails_AreCutAtACharacter(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ text, want string }{
		"300 bytes":              {strings.Repeat("x", 300), strings.Repeat("x", 300) + `"`},
		"301 bytes":              {strings.Repeat("x", 301), strings.Repeat("x", 300) + `"…`},
		"in a character":         {strings.Repeat("x", 297) + "🛒🛒", strings.Repeat("x", 297) + `"…`},
		"after a character":      {strings.Repeat("x", 296) + "🛒🛒", strings.Repeat("x", 296) + `🛒"…`},
		"no characters anywhere": {strings.Repeat("\x80", 400), strings.Repeat(`\x80`, 296) + `"…`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, "contains: [basket]", c.text)
			if len(got) != 1 || !strings.HasSuffix(got[0].Detail, `; the body starts with "`+c.want) {
				t.Errorf("got %q, want it to end in %q", got, c.want)
			}
		})
	}
}

func TestJSONRule_DetailIsCut(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]string{
		298: `$.a is "` + strings.Repeat("x", 298) + `", want 1`,
		299: `$.a is "\"` + strings.Repeat("x", 299) + `"…, want 1`,
	} {
		got := check(t, "json: [{path: $.a, equals: 1}]", `{"a":"`+strings.Repeat("x", length)+`"}`)
		if len(got) != 1 || got[0].Detail != want {
			t.Errorf("%d letters: got %q, want %q", length, got, want)
		}
	}
}

func FuzzJSONRule(f *testing.F) {
	for _, body := range []string{`{"a":[1,{"b":"c"}]}`, `[[[`, `"\"[`, `1e999999999`, "\xff", `{"a":1}{"a":2}`} {
		f.Add([]byte(body))
	}
	rules := assert.Rules{JSON: []assert.JSONRule{{Path: "$..*", Type: "string"}, {Path: "$.a", Equals: 1}, {Path: "$.a", Matches: "x"}}}
	set, err := rules.Compile("expect")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, finding := range set.Check(&assert.Response{Status: 200, Body: body}) {
			if finding.Check != assert.JSONInvalid && finding.Check != assert.JSONUnexpected {
				t.Errorf("got check %q, want a JSON one", finding.Check)
			}
			if len(finding.Detail) > 4<<10 || strings.ContainsRune(finding.Detail, '\n') {
				t.Errorf("detail of %d bytes, want one short line: %q", len(finding.Detail), finding.Detail)
			}
		}
	})
}

func check(t *testing.T, rules, body string) []probe.Finding {
	t.Helper()
	set, err := read(t, rules).Compile("expect")
	if err != nil {
		t.Fatal(err)
	}
	return set.Check(&assert.Response{Status: 200, Body: []byte(body)})
}
