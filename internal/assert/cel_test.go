package assert_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// checkCEL tries one expression.
func checkCEL(t *testing.T, expression string, response *assert.Response) []probe.Finding {
	t.Helper()
	assertions, err := assert.List{{Name: "rule", CEL: expression}}.Compile("assert")
	if err != nil {
		t.Fatal(err)
	}
	return assertions.TestOnlyCheck(t.Context(), response) // however slow the machine is
}

func TestCEL_Holds(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		"status == 200",
		"status in [200, 204]",
		`headers["content-type"].startsWith("application/json")`,
		`headers.vary == "Accept, Origin"`, // several values are one
		`!("x-debug" in headers)`,
		`body.contains("a-1") && body.matches("\"price\":\\d+") && size(body) == 110`,
		"json.id == 9007199254740993", // which a float is not
		"json.items[0].price == 9.5 && json.items[1].price == 20",
		"json.items[1].price > 19.5 && json.items[0].price < 10", // numbers of JSON compare whatever they look like
		"json.items.exists(i, i.sku == 'a-2') && json.items.filter(i, i.price > 10).size() == 1",
		"json.coupon == null && json.open",
		"has(json.items) && !has(json.nothing)",
		"timings.wait == 0.1 && timings.connect == 0.02 && !has(timings.tls)",
		"duration < 0.2 && duration == 0.12",
		"cert.days_left == 30.0",
		"duration < 1 && timings.wait < 1", // seconds need no point
		`cert.not_after > timestamp("2026-12-01T00:00:00Z") && cert.not_after - cert.not_before == duration("2160h")`,
		"json.open",
	} {
		if got := checkCEL(t, expression, secureBasket()); got != nil {
			t.Errorf("%s: got %v, want it to hold", expression, got)
		}
	}
}

func TestCEL_SaysWhatItHasRead(t *testing.T) {
	t.Parallel()
	cases := []struct{ expression, want string }{
		{"status == 201", "status is 200"},
		{"json.items[1].price < 10", "json.items[1].price is 20"},
		{`json.items[0]["sku"] == "x" || json.open == false`, `json.items[0]["sku"] is "a-1"; json.open is true`},
		{"status == 200 && json.coupon != null && duration > 100.0", "status is 200; json.coupon is null"}, // the rest was not read
		{"json.id == 1 || json.id == 2", "json.id is 9007199254740993"},
		{"json.items.all(i, i.price > 10)", `json.items is [{"price":9.5,"sku":"a-1"},{"price":20,"sku":"a-2"}]`},
		{`headers.vary == "x" || headers["set-cookie"] == "x"`, `headers.vary is "Accept, Origin"; headers["set-cookie"] is [redacted]`},
		{`headers.all(name, name == "x")`, ""},
		{"has(json.items[0].colour)", `json.items[0] is {"price":9.5,"sku":"a-1"}`},
		{"[status, 1] == [json.id, 2]", "status is 200; json.id is 9007199254740993"},
		{`cert.not_after < timestamp("2026-12-01T00:00:00Z")`, "cert.not_after is 2026-12-22T12:00:00Z"},
		{"timings.wait > 1.0 || timings.connect > 1.0 || duration > 1.0 || status > 299 || json.open == false", "timings.wait is 0.1; timings.connect is 0.02; duration is 0.12; status is 200"},
		{"1 > 2", ""},
		{`headers.vary.startsWith("zz")`, `headers.vary is "Accept, Origin"`},
		{"json.items[size(json.items) - 1].price > 100", `json.items is [{"price":9.5,"sku":"a-1"},{"price":20,"sku":"a-2"}]`},
		{`headers["va" + "ry"] == json.items[0].sku`, `json.items[0].sku is "a-1"`},
	}
	for _, c := range cases {
		t.Run(c.expression, func(t *testing.T) {
			t.Parallel()
			detail := fmt.Sprintf("%q is false, want true", c.expression)
			if c.want != "" {
				detail += "; " + c.want
			}
			want := []probe.Finding{{Check: assert.AssertionPoor, Title: "rule", Detail: detail}}
			if diff := cmp.Diff(want, checkCEL(t, c.expression, secureBasket())); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCEL_RuntimeErrors(t *testing.T) {
	t.Parallel()
	long := "[" + strings.Repeat("1,", 50_000) + "1]"
	cases := map[string]struct{ expression, body, want string }{
		"no such key":       {"json.items[0].colour == 'red'", "", "no such key: colour"},
		"no such entry":     {"json.items[7].price > 1", "", "index out of bounds: 7"},
		"type":              {"json.open > 1", "", "no such overload"},
		"key of a list":     {"json.items.price > 1", "", "unsupported index type 'string' in list"},
		"not a truth value": {"json.items", "", "the expression is of type list, want true or false"},
		"conversion":        {"int(json.items[0].sku) == 1", "", "type conversion error from 'string' to 'int'"},
		"division":          {"1 / (status - 200) == 1", "", "division by zero"},
		"overflow":          {"json.id * json.id > 1", "", "integer overflow"},
		"foreign pattern":   {`"a".matches(json.p)`, `{"p":"("}`, "error parsing regexp: missing closing ): `(`"},
		"large pattern":     {`"a".matches(json.p)`, `{"p":"(abcdefghij){1000}(abcdefghij){1000}"}`, "regex program size 24002 exceeds limit of 10000"},
		"cost":              {"json.all(a, json.all(b, a == b))", long, "operation cancelled: actual cost limit exceeded"},
		"cost of texts":     {"json.all(a, body + body != '')", long, "operation cancelled: actual cost limit exceeded"},
		"no certificate":    {"cert.days_left > 1.0", "", "no such key: days_left"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := basket()
			if c.body != "" {
				response.Body = []byte(c.body)
			}
			want := []probe.Finding{{Check: assert.AssertionError, Title: "rule", Detail: "the rule cannot be applied: " + c.want}}
			if diff := cmp.Diff(want, checkCEL(t, c.expression, response)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCEL_ErrorsOfOneSideDoNotMatter tries that what decides an expression without the part that cannot be read does.
func TestCEL_ErrorsOfOneSideDoNotMatter(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{"json.nope || status == 200", "!(json.nope && status == 404)"} {
		if got := checkCEL(t, expression, basket()); got != nil {
			t.Errorf("%s: got %v, want it to hold", expression, got)
		}
	}
}

func TestAssertions_StopWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	response := basket()
	response.Body = []byte("[" + strings.Repeat("[1],", 3_000) + "1]")
	rules := compileRules(t, "cel: json.all(a, true)", "json_schema: {items: {type: [array, number], items: {type: number}}}", "contains: 1")
	want := []probe.Finding{
		{Check: assert.AssertionError, Title: "rule 0", Detail: "the rule cannot be applied: operation interrupted: context canceled"},
		{Check: assert.AssertionError, Title: "rule 1", Detail: "the rule cannot be applied: the schema takes more than 500000 steps or 2s on this document"},
	}
	if diff := cmp.Diff(want, rules.TestOnlyCheck(over, response)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got := rules.TestOnlyCheck(t.Context(), response); got != nil {
		t.Errorf("got %v, want all rules to hold in time", got)
	}
}

func TestCEL_BodyThatIsNoText(t *testing.T) {
	t.Parallel()
	response := &assert.Response{Status: 200, Body: []byte("a\xff\xfeb"), Duration: time.Second}
	if got := checkCEL(t, `body == "a\uFFFDb"`, response); got != nil {
		t.Errorf("got %v, want a replacement for what is no text", got)
	}
}

func TestCEL_Numbers(t *testing.T) {
	t.Parallel()
	response := &assert.Response{Body: []byte(`{"zero":0,"int":-9223372036854775808,"uint":18446744073709551615,"float":1.5,"e":1e2,"huge":1e999,"whole":2.0}`)}
	for _, expression := range []string{
		"json.zero == 0 && json.zero == 0.0", "json.int == -9223372036854775808", "json.uint == 18446744073709551615u", "json.uint > 5",
		"json.float == 1.5", "json.e == 100 && type(json.e) == double", "json.huge > 1.7e308", "json.whole == 2", "type(json.zero) == int",
	} {
		if got := checkCEL(t, expression, response); got != nil {
			t.Errorf("%s: got %v, want it to hold", expression, got)
		}
	}
}
