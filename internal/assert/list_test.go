package assert_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// readList decodes a list as the loader does: unknown keys are errors.
func readList(tb testing.TB, text string) assert.List {
	tb.Helper()
	var list assert.List
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil {
		tb.Fatalf("reading %q: %v", text, err)
	}
	return list
}

// compileRules compiles one rule of each text, which is what a rule expects.
func compileRules(tb testing.TB, expects ...string) *assert.Assertions {
	tb.Helper()
	var list assert.List
	for i, text := range expects {
		list = append(list, readList(tb, fmt.Sprintf("- name: rule %d\n  %s", i, text))...)
	}
	assertions, err := list.Compile("assert")
	if err != nil {
		tb.Fatal(err)
	}
	return assertions
}

// secureBasket is basket, over TLS, with all that rules can look at.
func secureBasket() *assert.Response {
	response := basket()
	response.Start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	response.NotBefore = response.Start.Add(-60 * 24 * time.Hour)
	response.NotAfter = response.Start.Add(30 * 24 * time.Hour)
	response.Phases.Add(probe.Connect, 20*time.Millisecond)
	response.Phases.Add(probe.Wait, 100*time.Millisecond)
	return response
}

// expectation is a rule of each kind in two forms, one that holds on secureBasket and one that does not, for the reason
// that is wanted.
type expectation struct{ holds, breaks, want string }

func expectations() []expectation {
	const start = `the body starts with "{\"id\":9007199254740993,\"items\":[{\"sku\":\"a-1\",\"price\":9.5},{\"sku\":\"a-2\",\"price\":20}],\"coupon\":null,\"open\":true}"`
	return []expectation{
		{"status: [200, 3xx]", "status: [404, 5xx]", "status 200, want 404, 5xx"},
		{"header: {name: Vary, contains: Origin}", "header: {name: Vary, contains: Cookie}", `Vary is "Accept, Origin", want it to contain "Cookie"`},
		{"contains: a-2", "contains: a-3", `110 bytes without "a-3"; ` + start},
		{"not_contains: a-3", "not_contains: a-2", `"a-2" at byte 66, want none`},
		{`regex: '"sku":"a-\d"'`, `regex: '"sku":"b-\d"'`, `110 bytes without a match of "\"sku\":\"b-\\d\""; ` + start},
		{`not_regex: '(?i)exception'`, `not_regex: '"price":\d+'`, `"\"price\":\\d+" matches 9 bytes at byte 45, want no match`},
		{`jsonpath: {path: "$.items[*].price", min: 9.5}`, `jsonpath: {path: "$.items[*].price", min: 10}`, "$.items[*].price is 9.5, want at least 10"},
		{"cel: json.items.all(i, i.price > 9)", "cel: json.items[1].price < 20.0", `"json.items[1].price < 20.0" is false, want true; json.items[1].price is 20`},
		{"size: {min: 110, max: 110}", "size: {max: 109}", "110 bytes, want at most 109"},
		{"duration: {max: 120ms}", "duration: {max: 119ms}", "took 120ms, want at most 119ms"},
		{"cert: {min_left: 720h}", "cert: {min_left: 721h}", "certificate ends 2026-12-22T12:00:00Z: 30.00 days left, want at least 30.04 days"},
		{
			"json_schema: {required: [id], properties: {id: {type: integer}}}", "json_schema: {properties: {coupon: {type: string}}}",
			"$/coupon: got null, want string",
		},
		{"json_schema_file: testdata/basket.schema.json", "json_schema_file: testdata/order.schema.json", "$: missing property 'order'"},
	}
}

func TestAssertions_EachKindOfRule(t *testing.T) {
	t.Parallel()
	for _, e := range expectations() {
		t.Run(e.holds, func(t *testing.T) {
			t.Parallel()
			if got := compileRules(t, e.holds).Check(secureBasket()); got != nil {
				t.Errorf("got %v, want no finding", got)
			}
			want := []probe.Finding{{Check: assert.AssertionPoor, Title: "rule 0", Detail: e.want}}
			if diff := cmp.Diff(want, compileRules(t, e.breaks).Check(secureBasket())); diff != "" {
				t.Errorf("%s: findings (-want +got):\n%s", e.breaks, diff)
			}
		})
	}
}

// TestAssertions_Pairwise has every pair of kinds of rules on one body, in both orders and with all four outcomes: none
// takes from the body what the other needs, or hides what the other finds.
func TestAssertions_Pairwise(t *testing.T) {
	t.Parallel()
	all := expectations()
	for i := range all {
		for j := range all {
			for outcome := range 4 {
				first, wantFirst := all[i].holds, ""
				if outcome&1 != 0 {
					first, wantFirst = all[i].breaks, all[i].want
				}
				second, wantSecond := all[j].holds, ""
				if outcome&2 != 0 {
					second, wantSecond = all[j].breaks, all[j].want
				}
				var want []probe.Finding
				for n, detail := range []string{wantFirst, wantSecond} {
					if detail != "" {
						want = append(want, probe.Finding{Check: assert.AssertionPoor, Title: fmt.Sprintf("rule %d", n), Detail: detail})
					}
				}
				if diff := cmp.Diff(want, compileRules(t, first, second).Check(secureBasket())); diff != "" {
					t.Errorf("%s and %s (-want +got):\n%s", first, second, diff)
				}
			}
		}
	}
}

// TestAssertions_RegexAndCELOnOneBody is a mistake of another monitor: its rules shared a reader, so that the second found
// an empty body.
func TestAssertions_RegexAndCELOnOneBody(t *testing.T) {
	t.Parallel()
	rules := []string{`regex: '"open":true'`, `cel: 'body.contains("open") && json.open'`, "contains: a-1", `json_schema: {type: object}`}
	response := secureBasket()
	body := bytes.Clone(response.Body)
	for range 2 {
		if got := compileRules(t, rules...).Check(response); got != nil {
			t.Errorf("got %v, want all to hold", got)
		}
		slices.Reverse(rules)
	}
	if !bytes.Equal(body, response.Body) {
		t.Errorf("got the body %q, want it unchanged", response.Body)
	}
}

func TestAssertions_SeverityAndWords(t *testing.T) {
	t.Parallel()
	const rules = `
- {name: nothing said, contains: zzz}
- {name: must, severity: poor, contains: zzz, marketing: Customers lose their basket., it: Look at the session store.}
- {name: should, severity: fair, contains: zzz, it: Look at the shelf.}
- {name: may, severity: good, contains: zzz, marketing: A little less comfort.}
- {name: tells, severity: info, contains: zzz}
- {name: holds, contains: a-1}`
	assertions, err := readList(t, rules).Compile("assert")
	if err != nil {
		t.Fatal(err)
	}
	response := &assert.Response{Body: []byte("a-1")}
	const detail = `3 bytes without "zzz"; the body starts with "a-1"`
	want := []probe.Finding{
		{Check: "assertion_poor", Detail: detail, Title: "nothing said"},
		{Check: "assertion_poor", Detail: detail, Title: "must", Marketing: "Customers lose their basket.", IT: "Look at the session store."},
		{Check: "assertion_fair", Detail: detail, Title: "should", IT: "Look at the shelf."},
		{Check: "assertion_good", Detail: detail, Title: "may", Marketing: "A little less comfort."},
		{Check: "assertion_info", Detail: detail, Title: "tells"},
	}
	if diff := cmp.Diff(want, assertions.Check(response)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestAssertionChecks_CapBySeverity holds the checks against what the words of severities promise.
func TestAssertionChecks_CapBySeverity(t *testing.T) {
	t.Parallel()
	want := map[probe.CheckID]probe.Rating{
		"assertion_poor": probe.Poor, "assertion_fair": probe.Fair, "assertion_good": probe.Good, "assertion_info": probe.Excellent,
		"assertion_error": probe.Fair,
	}
	got := make(map[probe.CheckID]probe.Rating)
	for _, check := range assert.AssertionChecks() {
		got[check.ID] = check.Cap
		if check.Dimension != probe.Correct || check.Title == "" || !strings.HasSuffix(check.Marketing, ".") || !strings.HasSuffix(check.IT, ".") {
			t.Errorf("got %+v, want the dimension correct, a title and two sentences", check)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caps (-want +got):\n%s", diff)
	}
}

func TestAssertions_WhatCannotBeApplied(t *testing.T) {
	t.Parallel()
	for severity, want := range map[string]probe.CheckID{
		"poor": "assertion_error", "fair": "assertion_error", "good": "assertion_good", "info": "assertion_info",
	} {
		got := compileRules(t, "severity: "+severity+"\n  it: Look.\n  cel: json.nope == 1").Check(secureBasket())
		finding := []probe.Finding{{Check: want, Title: "rule 0", IT: "Look.", Detail: "the rule cannot be applied: no such key: nope"}}
		if diff := cmp.Diff(finding, got); diff != "" {
			t.Errorf("%s: an error weighs no more than a break (-want +got):\n%s", severity, diff)
		}
	}
}

func TestAssertions_BodyThatIsNoJSONBreaksRules(t *testing.T) {
	t.Parallel()
	response := secureBasket()
	response.Body = []byte("<html>\n")
	const detail = `the body is not JSON: invalid character '<' looking for beginning of value; the body starts with "<html>\n"`
	got := compileRules(t, "jsonpath: {path: $.id, exists: true}", "cel: json.id > 0", "json_schema: {type: object}",
		"cel: 'status == 200 || json.id > 0'", "cel: json.id > 0 || status == 200", "contains: html").Check(response)
	want := []probe.Finding{
		{Check: assert.AssertionPoor, Title: "rule 0", Detail: detail},
		{Check: assert.AssertionPoor, Title: "rule 1", Detail: detail},
		{Check: assert.AssertionPoor, Title: "rule 2", Detail: detail},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestAssertions_HugeAndDeepJSON(t *testing.T) {
	t.Parallel()
	rules := compileRules(t, "jsonpath: {path: $, exists: true}", "cel: json != null", "json_schema: {type: array}", "regex: '^.'")
	for name, c := range map[string]struct{ body, want string }{
		"as deep as can be": {strings.Repeat("[", 200) + strings.Repeat("]", 200), ""},
		"too deep":          {strings.Repeat("[", 201) + strings.Repeat("]", 201), "the body is not usable JSON: nested 201 deep, want at most 200; "},
		"as many as can be": {"[" + strings.Repeat("1,", 199_998) + "1]", ""},
		"too many":          {"[" + strings.Repeat("1,", 200_000) + "1]", "the body is not usable JSON: 200002 values, want at most 200000; "},
	} {
		got := rules.Check(&assert.Response{Body: []byte(c.body)})
		if c.want == "" {
			if got != nil {
				t.Errorf("%s: got %v, want no finding", name, got)
			}
			continue
		}
		if len(got) != 3 {
			t.Errorf("%s: got %d findings, want one of each rule that reads JSON", name, len(got))
		}
		for _, finding := range got {
			if finding.Check != assert.AssertionPoor || !strings.HasPrefix(finding.Detail, c.want) || len(finding.Detail) > 1000 {
				t.Errorf("%s: got %+v, want %q", name, finding, c.want)
			}
		}
	}
}

func TestAssertions_CertWithoutTLS(t *testing.T) {
	t.Parallel()
	got := compileRules(t, "cert: {min_left: 36h}").Check(basket())
	want := []probe.Finding{{Check: assert.AssertionPoor, Title: "rule 0", Detail: "no certificate, want one with at least 1.50 days left"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestAssertions_Empty(t *testing.T) {
	t.Parallel()
	assertions, err := assert.List(nil).Compile("assert")
	if err != nil {
		t.Fatal(err)
	}
	if got := assertions.Check(&assert.Response{Status: http.StatusNotFound}); got != nil {
		t.Errorf("got %v, want nothing of no rules", got)
	}
}

func TestList_JudgesStatus(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"[{name: a, contains: x}]":                                              false,
		"[{name: a, contains: x}, {name: b, status: [404]}]":                    true,
		"[{name: b, status: [404], severity: poor}]":                            true,
		"[{name: b, status: [404], severity: fair}, {name: c, severity: poor}]": false,
	} {
		if got := readList(t, text).JudgesStatus(); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}

func TestList_ReadsBody(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"[]":                       false,
		"[{name: a, contains: x}]": true,
		"[{name: a, regex: x}]":    true,
		"[{name: a, jsonpath: {path: $.a, min: 1}}]":         true,
		"[{name: a, json_schema: {type: object}}]":           true,
		"[{name: a, json_schema_file: /a.json}]":             true,
		"[{name: a, size: {min: 1}}]":                        true,
		"[{name: a, cel: 'json.a == 1'}]":                    true,
		"[{name: a, cel: 'has(json.a)'}]":                    true,
		"[{name: a, cel: 'status == 200 || body == \"x\"'}]": true,
		"[{name: a, cel: '[1].all(n, json.items[n] > n)'}]":  true,
		"[{name: a, status: [200]}, {name: b, regex: x}]":    true,
		"[{name: a, size: {max: 1}}]":                        false,
		"[{name: a, not_contains: x}]":                       false,
		"[{name: a, not_regex: x}]":                          false,
		"[{name: a, status: [200]}]":                         false,
		"[{name: a, header: {name: json, equals: body}}]":    false,
		"[{name: a, cel: 'headers.body == \"json\"'}]":       false,
		"[{name: a, cel: 'json ='}]":                         false, // what Compile complains about
	} {
		if got := readList(t, text).ReadsBody(); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}

func TestAssertions_Concurrent(t *testing.T) {
	t.Parallel()
	var holds, breaks []string
	var want []string
	for _, e := range expectations() {
		holds, breaks, want = append(holds, e.holds), append(breaks, e.breaks), append(want, e.want)
	}
	good, bad := compileRules(t, holds...), compileRules(t, breaks...)
	response := secureBasket()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got := good.Check(response); got != nil {
					t.Errorf("got %v, want no finding", got)
				}
				var details []string
				for _, finding := range bad.Check(response) {
					details = append(details, finding.Detail)
				}
				if !slices.Equal(details, want) {
					t.Errorf("got %q, want %q", details, want)
				}
			}
		})
	}
	group.Wait()
}

// TestAssertions_DetailsAreCutAndOnOneLine sends what is long and unprintable to every place that repeats it.
func TestAssertions_DetailsAreCutAndOnOneLine(t *testing.T) {
	t.Parallel()
	hostile := strings.Repeat("\u202e\x1b[2J\n€", 400)
	document, err := assert.EncodeJSON(map[string]any{"text": hostile, hostile: 1, "list": []any{hostile, hostile, hostile, hostile, hostile}})
	if err != nil {
		t.Fatal(err)
	}
	response := &assert.Response{Status: 200, Header: http.Header{"X-Long": {hostile}}, Body: document}
	got := compileRules(t,
		"contains: zzz", "regex: zzz", "jsonpath: {path: $.text, equals: 1}", "header: {name: X-Long, equals: y}",
		`cel: 'json.text == "x" || body == "y" || headers["x-long"] == "z" || json.list == []'`, "cel: int(json.text) == 1", "cel: json[json.text + body] == 1",
		"json_schema: {properties: {text: {type: integer}, list: {items: {pattern: '^a$'}}}, additionalProperties: false}",
		"json_schema: {properties: {text: {const: a}}}",
	).Check(response)
	if len(got) != 9 {
		t.Fatalf("got %d findings, want all 9 rules to break", len(got))
	}
	for _, finding := range got {
		if len(finding.Detail) > 3<<10 || strings.ContainsAny(finding.Detail, "\n\x1b") {
			t.Errorf("%s: got a detail of %d bytes: %q", finding.Title, len(finding.Detail), finding.Detail)
		}
	}
}

// TestAssertions_SecretsAreHidden tries that redaction, which kinds apply to results, reaches what rules repeat.
func TestAssertions_SecretsAreHidden(t *testing.T) {
	t.Parallel()
	const secret = "hunter2/slash"
	response := &assert.Response{
		Status: 200, Header: http.Header{"Set-Cookie": {"sid=s3cr3t-session"}, "X-Echo": {secret}},
		Body: []byte(`{"token":"hunter2\/slash"}`),
	}
	result := probe.Result{Findings: compileRules(t,
		"contains: zzz", "regex: zzz", "jsonpath: {path: $.token, equals: x}", `json_schema: {properties: {token: {const: x}}}`,
		`cel: 'json.token == "x"'`, `cel: 'headers["x-echo"] == "x"'`, `cel: 'headers["set-cookie"] == "x"'`, `cel: 'headers.all(name, headers[name] == "x")'`,
		`json_schema: {properties: {token: {pattern: "^x"}}}`, "header: {name: Set-Cookie, absent: true}", `cel: int(json.token) == 1`,
	).Check(response)}
	if len(result.Findings) != 11 {
		t.Fatalf("got %d findings, want all 11 rules to break", len(result.Findings))
	}
	probe.NewRedaction(secret).Hide(&result)
	for _, finding := range result.Findings {
		if strings.Contains(finding.Detail, "hunter2") || strings.Contains(finding.Detail, "s3cr3t") {
			t.Errorf("%s: got %q, want secrets hidden", finding.Title, finding.Detail)
		}
	}
}
