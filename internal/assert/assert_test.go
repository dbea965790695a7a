package assert_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// read decodes rules as the loader does: unknown keys are errors.
func read(t *testing.T, text string) *assert.Rules {
	t.Helper()
	var rules assert.Rules
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil && text != "" {
		t.Fatalf("reading %q: %v", text, err)
	}
	return &rules
}

// basket is a response that satisfies every rule that the tests below do not break on purpose.
func basket() *assert.Response {
	return &assert.Response{
		Status:   200,
		Header:   http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Vary": {"Accept", "Origin"}, "Set-Cookie": {"sid=hunter2"}},
		Body:     []byte(`{"id":9007199254740993,"items":[{"sku":"a-1","price":9.5},{"sku":"a-2","price":20}],"coupon":null,"open":true}`),
		Duration: 120 * time.Millisecond,
	}
}

func TestSet_Check(t *testing.T) {
	t.Parallel()
	type findings = []probe.Finding
	cases := map[string]struct {
		rules string
		edit  func(*assert.Response)
		want  findings
	}{
		"no rules, 200": {},
		"no rules, 204": {edit: func(r *assert.Response) { r.Status = 204 }},
		"no rules, 199": {
			edit: func(r *assert.Response) { r.Status = 199 },
			want: findings{{Check: assert.StatusUnexpected, Detail: "status 199, want 2xx"}},
		},
		"no rules, 300": {
			edit: func(r *assert.Response) { r.Status = 300 },
			want: findings{{Check: assert.StatusUnexpected, Detail: "status 300, want 2xx"}},
		},
		"status code": {rules: "status: [404]", edit: func(r *assert.Response) { r.Status = 404 }},
		"status code replaces 2xx": {
			rules: "status: [404]",
			want:  findings{{Check: assert.StatusUnexpected, Detail: "status 200, want 404"}},
		},
		"status class in a list":      {rules: "status: [200, 4XX]", edit: func(r *assert.Response) { r.Status = 499 }},
		"status range, first":         {rules: "status: [301-303]", edit: func(r *assert.Response) { r.Status = 301 }},
		"status range, last":          {rules: "status: [301-303]", edit: func(r *assert.Response) { r.Status = 303 }},
		"status of the first class":   {rules: "status: [1xx]", edit: func(r *assert.Response) { r.Status = 100 }},
		"status of the last class":    {rules: "status: [5xx]", edit: func(r *assert.Response) { r.Status = 599 }},
		"status range of all":         {rules: "status: [100-599]"},
		"content type":                {rules: "content_type: [Application/JSON]"},
		"content type, any of a kind": {rules: "content_type: [text/html, application/*]"},
		"content type, broken parameter": {
			rules: "content_type: [text/html]",
			edit:  func(r *assert.Response) { r.Header.Set("Content-Type", "Text/HTML; charset=;;") },
		},
		"content type, another": {
			rules: "content_type: [text/html, image/*]",
			want:  findings{{Check: assert.ContentTypeUnexpected, Detail: `content type "application/json; charset=utf-8", want text/html, image/*`}},
		},
		"content type, none": {
			rules: "content_type: [application/json]",
			edit:  func(r *assert.Response) { r.Header.Del("Content-Type") },
			want:  findings{{Check: assert.ContentTypeUnexpected, Detail: `content type "", want application/json`}},
		},
		"header is there":            {rules: "header: [{name: vary}]"},
		"header values are joined":   {rules: `header: [{name: Vary, equals: "Accept, Origin", contains: Origin, matches: "^Acc"}]`},
		"header is absent as wanted": {rules: "header: [{name: X-Debug, absent: true}]"},
		"header is missing": {
			rules: "header: [{name: cache-control, contains: max-age}]",
			want:  findings{{Check: assert.HeaderUnexpected, Detail: "Cache-Control is missing"}},
		},
		"header, each way to be wrong": {
			rules: `header: [{name: Vary, equals: Accept}, {name: Vary, contains: Cookie}, {name: Vary, matches: "Origin,"}, {name: Vary, absent: true}]`,
			want: findings{
				{Check: assert.HeaderUnexpected, Detail: `Vary is "Accept, Origin", want "Accept"`},
				{Check: assert.HeaderUnexpected, Detail: `Vary is "Accept, Origin", want it to contain "Cookie"`},
				{Check: assert.HeaderUnexpected, Detail: `Vary is "Accept, Origin", want it to match "Origin,"`},
				{Check: assert.HeaderUnexpected, Detail: `Vary is "Accept, Origin", want none`},
			},
		},
		"header with a credential": {
			rules: "header: [{name: Set-Cookie, absent: true}]",
			want:  findings{{Check: assert.HeaderUnexpected, Detail: "Set-Cookie is [redacted], want none"}},
		},
		"contains":     {rules: `contains: ['"open":true', a-2]`},
		"not contains": {rules: "not_contains: [Exception]"},
		"text missing": {
			rules: "contains: [a-1, a-3]",
			edit:  func(r *assert.Response) { r.Body = []byte("a-1\n") },
			want:  findings{{Check: assert.TextMissing, Detail: `4 bytes without "a-3"; the body starts with "a-1\n"`}},
		},
		"text forbidden": {
			rules: "not_contains: [oops]",
			edit:  func(r *assert.Response) { r.Body = []byte("an oops") },
			want:  findings{{Check: assert.TextForbidden, Detail: `"oops" at byte 3, want none`}},
		},
		"text forbidden at the start": {
			rules: "not_contains: [oops]",
			edit:  func(r *assert.Response) { r.Body = []byte("oops") },
			want:  findings{{Check: assert.TextForbidden, Detail: `"oops" at byte 0, want none`}},
		},
		"size at both bounds": {rules: "size: {min: 3, max: 3}", edit: func(r *assert.Response) { r.Body = []byte("abc") }},
		"size too small": {
			rules: "size: {min: 4}",
			edit:  func(r *assert.Response) { r.Body = []byte("abc") },
			want:  findings{{Check: assert.SizeUnexpected, Detail: "3 bytes, want at least 4"}},
		},
		"size too large": {
			rules: "size: {max: 1000}",
			edit:  func(r *assert.Response) { r.Body = bytes.Repeat([]byte("x"), 1001) },
			want:  findings{{Check: assert.SizeUnexpected, Detail: "1001 bytes, want at most 1000"}},
		},
		"duration at the bound": {rules: "duration: {max: 120ms}"},
		"duration over the bound": {
			rules: "duration: {max: 119ms}",
			want:  findings{{Check: assert.DurationExceeded, Detail: "took 120ms, want at most 119ms"}},
		},
		"an unexpected status is all there is to say": {
			rules: "{status: [201], content_type: [text/html], contains: [zzz], json: [{path: $.zzz, exists: true}]}",
			want:  findings{{Check: assert.StatusUnexpected, Detail: "status 200, want 201"}},
		},
		"every other rule fails, in order": {
			rules: `{content_type: [text/html], header: [{name: X}], contains: [zzz], not_contains: [open], size: {min: 1000000}, duration: {max: 1ms}, json: [{path: $.zzz, exists: true}]}`,
			edit:  func(r *assert.Response) { r.Body = []byte(`{"open":1}`) },
			want: findings{
				{Check: assert.ContentTypeUnexpected, Detail: `content type "application/json; charset=utf-8", want text/html`},
				{Check: assert.HeaderUnexpected, Detail: "X is missing"},
				{Check: assert.TextMissing, Detail: `10 bytes without "zzz"; the body starts with "{\"open\":1}"`},
				{Check: assert.TextForbidden, Detail: `"open" at byte 2, want none`},
				{Check: assert.SizeUnexpected, Detail: "10 bytes, want at least 1000000"},
				{Check: assert.DurationExceeded, Detail: "took 120ms, want at most 1ms"},
				{Check: assert.JSONUnexpected, Detail: "$.zzz selects nothing"},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := read(t, c.rules).Compile("expect")
			if err != nil {
				t.Fatal(err)
			}
			response := basket()
			if c.edit != nil {
				c.edit(response)
			}
			if diff := cmp.Diff(c.want, set.Check(response)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRules_CompileReportsAllMistakes(t *testing.T) {
	t.Parallel()
	rules := read(t, `
status: [abc, 6xx, 99, 204-200, 600]
content_type: [/html, text/html]
header:
  - {name: "", matches: "("}
  - {name: X, absent: true, contains: y}
contains: ["", x]
not_contains: [""]
size: {min: 3, max: 2}
duration: {max: -1s}
json:
  - {path: items, exists: true}
  - {path: $.a, matches: "["}
  - {path: $.a, min: 2, max: 1}
  - {path: $.a, exists: false, equals: 1}
  - {path: $.a, count: -1}
  - {path: $.a, count: 0, equals: 1}
  - {path: $.a, equals: {days: [2026-01-31]}}
  - {path: $.a, equals: null}
  - {path: $.a, type: text}
`)
	_, err := rules.Compile("expect")
	want := []string{
		`expect.status[0]: "abc": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`expect.status[1]: "6xx": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`expect.status[2]: "99": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`expect.status[3]: "204-200": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`expect.status[4]: "600": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		`expect.content_type[0]: "/html": want a media type without parameters, such as application/json or image/*`,
		`expect.header[0].name: "": want the name of a header field, such as Cache-Control`,
		"expect.header[0].matches: error parsing regexp: missing closing ): `(`",
		`expect.header[1].absent: is set beside equals, contains or matches, want it alone`,
		`expect.contains[0]: is empty, want a text`,
		`expect.not_contains[0]: is empty, want a text`,
		`expect.size.max: 2 is less than min 3`,
		`expect.duration.max: -1s is negative`,
		`expect.json[0].path: "items": jsonpath: unexpected identifier at position 1, want an RFC 9535 path such as $.items[0].price`,
		"expect.json[1].matches: error parsing regexp: missing closing ]: `[`",
		`expect.json[2].min: 2 is more than max 1`,
		`expect.json[3].exists: false beside another expectation, want it alone`,
		`expect.json[4].count: -1 is negative`,
		`expect.json[5].count: 0 beside another expectation, want it alone`,
		`expect.json[6].equals: holds a date, which JSON does not have: quote it`,
		`expect.json[7]: no expectation, want exists, count, equals, type, matches, min or max; null is type: "null"`,
		`expect.json[8].type: "text": want one of string, number, boolean, array, object, null`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	if fieldErr, ok := errors.AsType[*probe.FieldError](err); !ok || fieldErr.Field != "expect.status[0]" {
		t.Errorf("got %#v, want a FieldError of expect.status[0]", fieldErr)
	}
}

func TestRules_CompileContentType(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "html", "/html", "text/", "text/html;charset=utf-8", "text / html"} {
		rules := assert.Rules{ContentType: []string{text}}
		if _, err := rules.Compile("expect"); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}

func TestSet_ConcurrentUse(t *testing.T) {
	t.Parallel()
	set, err := read(t, `{contains: [open], json: [{path: "$.items[*].sku", matches: "^a-"}, {path: "$..price", max: 19}]}`).Compile("expect")
	if err != nil {
		t.Fatal(err)
	}
	want := []probe.Finding{{Check: assert.JSONUnexpected, Detail: "$..price is 20, want at most 19"}}
	response := basket()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			if diff := cmp.Diff(want, set.Check(response)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
	workers.Wait()
}

func TestChecks_CoverEveryFinding(t *testing.T) {
	t.Parallel()
	catalogue, err := probe.NewCatalogue([]probe.Kind{{Name: "one", Checks: assert.Checks()}, {Name: "two", Checks: assert.Checks()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []probe.CheckID{
		assert.StatusUnexpected, assert.ContentTypeUnexpected, assert.HeaderUnexpected, assert.TextMissing, assert.TextForbidden,
		assert.JSONInvalid, assert.JSONUnexpected, assert.SizeUnexpected, assert.DurationExceeded,
	} {
		check, ok := catalogue.Check(id)
		if !ok || check.Cap != probe.Poor {
			t.Errorf("check %q: got %+v, want one that caps at poor", id, check)
		}
	}
	if got := len(assert.Checks()); got != 9 {
		t.Errorf("got %d checks, want 9: one for each id above", got)
	}
}
