package assert_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// fieldErrors returns the mistakes that are joined in err, in order.
func fieldErrors(t *testing.T, err error) []string {
	t.Helper()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, err := range joined.Unwrap() {
			all = append(all, fieldErrors(t, err)...)
		}
		return all
	}
	if _, ok := errors.AsType[*probe.FieldError](err); !ok {
		t.Errorf("got %v, want a mistake of a field", err)
	}
	return []string{err.Error()}
}

func TestList_CompileReportsAllMistakes(t *testing.T) {
	t.Parallel()
	list := readList(t, `
- {contains: x}
- {name: twice, contains: x}
- {name: twice, contains: x}
- {name: nothing}
- {name: both, regex: x, cel: 'true'}
- {name: severe, severity: awful, contains: x}
- {name: "two\nlines", marketing: "a\tb", it: "c\rd", contains: x}
- {name: a, status: [abc, 600]}
- {name: b, header: {name: "no header", absent: true, equals: x}}
- {name: c, regex: '('}
- {name: d, not_regex: '[z-a]'}
- {name: e, jsonpath: {path: items, min: 2, max: 1}}
- {name: f, cel: status ==}
- {name: g, cel: nobody == 1}
- {name: h, cel: status}
- {name: i, cel: 'status == "200"'}
- {name: j, cel: 'body.matches("(")'}
- {name: k, size: {}}
- {name: l, size: {min: 2, max: 1}}
- {name: m, duration: {}}
- {name: n, duration: {max: -1s}}
- {name: o, cert: {}}
- {name: p, json_schema: {type: elephant}}
- {name: q, json_schema: {$ref: "https://example.com/schema.json"}}
- {name: r, json_schema: {properties: {a: {$ref: "neighbour.json#/a"}}}}
- {name: s, json_schema: {const: 2026-01-31}}
- {name: t, json_schema: {pattern: "(?=x)"}}
- {name: v, json_schema: {$ref: "#/$defs/nothing"}}
- {name: u, json_schema_file: testdata/none.json}
- {contains: x}
`)
	_, err := list.Compile("assert")
	const (
		all    = "status, header, contains, not_contains, regex, not_regex, jsonpath, cel, size, duration, cert, json_schema, json_schema_file"
		badCEL = "line 1, column 10: Syntax error: mismatched input '<EOF>' expecting " +
			"{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
		badName  = "line 1, column 1: undeclared reference to 'nobody' (did you mean 'body'?)"
		badTypes = "line 1, column 8: found no matching overload for '_==_' applied to '(int, string)'"
	)
	want := []string{
		"assert[0].name: is empty, want a few words",
		`assert[2].name: "twice" is the name of assert[1] too, want one of its own`,
		"assert[3]: expects nothing, want one of " + all,
		"assert[4]: sets regex and cel, want one of them and a rule for each other",
		`assert[5].severity: "awful": want poor, fair, good or info`,
		"assert[6].name: 9 characters, want one line of at most 80",
		"assert[6].marketing: 3 characters, want one line of at most 300",
		"assert[6].it: 3 characters, want one line of at most 300",
		`assert[7].status[0]: "abc": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`assert[7].status[1]: "600": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`assert[8].header.name: "no header": want the name of a header field, such as Cache-Control`,
		"assert[8].header.absent: is set beside equals, contains or matches, want it alone",
		"assert[9].regex: error parsing regexp: missing closing ): `(`",
		"assert[10].not_regex: error parsing regexp: invalid character class range: `z-a`",
		`assert[11].jsonpath.path: "items": jsonpath: unexpected identifier at position 1, want an RFC 9535 path such as $.items[0].price`,
		"assert[11].jsonpath.min: 2 is more than max 1",
		"assert[12].cel: " + badCEL,
		"assert[13].cel: " + badName,
		"assert[14].cel: is of type int, want an expression that is true or false",
		"assert[15].cel: " + badTypes,
		"assert[16].cel: error parsing regexp: missing closing ): `(`",
		"assert[17].size: bounds nothing, want min or max",
		"assert[18].size.max: 1 is less than min 2",
		"assert[19].duration: bounds nothing, want min or max",
		"assert[20].duration.max: -1s is negative",
		"assert[21].cert.min_left: 0s, want more than 0",
		"assert[22].json_schema: is not a valid schema: $/type: got string, want array; " +
			"$/type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'",
		`assert[23].json_schema: refers to "https://example.com/schema.json", want references within the schema only`,
		`assert[24].json_schema: refers to "neighbour.json", want references within the schema only`,
		"assert[25].json_schema: holds a date, which JSON does not have: quote it",
		"assert[26].json_schema: is not a valid schema: $/pattern: '(?=x)' is not valid regex: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
		`assert[27].json_schema: json-pointer in "#/$defs/nothing" not found`,
		"assert[28].json_schema_file: open testdata/none.json: no such file or directory",
		"assert[29].name: is empty, want a few words",
	}
	if diff := cmp.Diff(want, fieldErrors(t, err)); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestList_CompileBounds(t *testing.T) {
	t.Parallel()
	many := func(n int) assert.List {
		var list assert.List
		for i := range n {
			list = append(list, assert.Rule{Name: fmt.Sprint(i), Contains: "x"})
		}
		return list
	}
	rule := func(name, words, cel string) assert.List {
		return assert.List{{Name: name, Marketing: words, IT: words, CEL: cel}}
	}
	ä := func(n int) string { return strings.Repeat("ä", n) }
	cases := map[string]struct {
		list assert.List
		want string // empty: no mistake
	}{
		"100 rules":           {many(100), ""},
		"101 rules":           {many(101), "assert: 101 rules, want at most 100"},
		"longest texts":       {rule(ä(80), ä(300), "true"), ""},
		"name too long":       {rule(ä(81), "", "true"), "assert[0].name: 81 characters, want one line of at most 80"},
		"longest expression":  {rule("a", "", "'"+ä(4096-6)+"'!=''"), ""},
		"expression too long": {rule("a", "", "'"+ä(4097-6)+"'!=''"), "assert[0].cel: 4097 characters, want at most 4096"},
		"pattern too large":   {rule("a", "", "'a'.matches('"+strings.Repeat("(abcdefghij){1000}", 2)+"')"), "assert[0].cel: line 1, column 13: regex program size 24002 exceeds limit of 10000"},
		"blank name":          {rule(" \u00a0", "", "true"), "assert[0].name: is empty, want a few words"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.list.Compile("assert")
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRule_SchemaFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, want string }{
		"fine.json":    {`{"type": "object"}`, ""},
		"large.json":   {`{"description": "` + strings.Repeat("x", 1<<20) + `"}`, " has more than 1048576 bytes"},
		"no-json.json": {`type: object`, " is not JSON: invalid character 'y' in literal true (expecting 'r')"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := assert.List{{Name: "a", JSONSchemaFile: path}}.Compile("assert")
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v, want no mistake", name, err)
		case c.want != "" && (err == nil || err.Error() != "assert[0].json_schema_file: "+path+c.want):
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	_, err := assert.List{{Name: "a", JSONSchemaFile: dir}}.Compile("assert")
	if want := "assert[0].json_schema_file: reading " + dir + ": read " + dir + ": is a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
