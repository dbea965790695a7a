package journey_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/journey"
)

// TestBuild_AllMistakesAtOnce builds a journey in which nearly everything is wrong.
func TestBuild_AllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	const with = `
url: ftp://shop.example.com
variables: {Words: shoes, empty: "", both: x, run: y}
secrets: {both: {env: TEST_JOURNEY_UNSET}}
steps:
  - name: search
    title: "two\nlines"
    url: /search?q={{query}}&page={{page}}
    headers: {Authorization: Bearer hunter22, "bad name": x, x-a: "1", X-A: "2"}
    budget: -1s
    expect: {status: [teapot]}
    assert: [{name: none}]
    extract:
      - {name: page, jsonpath: items}
      - {name: page, css: "a[", attribute: href}
      - {name: two, header: a b, attribute: x}
      - {name: three, header: x, cookie: y}
      - {name: "", cookie: y}
  - name: search
    title: Pay
    method: BREW
    url: "https://{{page}}.example.com/"
    body: "{}"
    json: {a: "{{a b}}"}
  - {name: user, title: U, url: "https://ada:pw@shop.example.com/"}
  - {name: brace, title: B, url: "/x", form: {a: "{{"}}
  - {name: body, title: B, url: "search", body: "q={{page}}"}
  - {name: cookie, title: C, headers: {Cookie: "a={{both}}", X-Run: "{{run}}"}}
`
	want := []string{
		"url: scheme of ftp://shop.example.com, want http or https",
		`variables.Words: "Words", want a name of up to 40 lower-case letters, digits and underscores`,
		"variables.empty: is empty, want a text",
		"variables.run: there is another variable of that name, want one of its own",
		"secrets.both: there is another variable of that name, want one of its own",
		"secrets.both: environment variable TEST_JOURNEY_UNSET is not set",
		"writes: steps may change something: search (BREW), brace (POST), body (POST), want writes: true when that is meant",
		"steps[0].title: 9 characters, want one line of 1 to 80",
		"steps[0].budget: -1s, want none below 0",
		"steps[0].url: variable query is unknown, want one of variables, secrets or extract",
		`steps[0].url: variable page is used before step "search" has extracted it`,
		"steps[0].headers.Authorization: is a credential, want {{name}} of secrets or extract in it",
		`steps[0].headers."bad name": header name "bad name", want letters, digits and hyphens`,
		"steps[0].headers.x-a: is set twice, want one value",
		`steps[0].expect.status[0]: "teapot": want a code such as 200, a class such as 2xx or a range such as 200-204`,
		"steps[0].assert[0]: expects nothing, want one of",
		`steps[0].extract[0].jsonpath: "items": `,
		"steps[0].extract[1].name: there is another variable page, want a name of its own",
		`steps[0].extract[1].css: "a[": `,
		"steps[0].extract[2].attribute: is set without css, want the element that has it",
		"steps[0].extract[3]: has 2 of jsonpath, header, cookie, css and regex, want one",
		"steps[0].extract[4].name: missing, want the name of a variable",
		`steps[1].name: "search" is the name of steps[0] too, want one of its own`,
		`steps[1].method: "BREW", want one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS`,
		"steps[1].url: has a variable in front of its path, want it in path or query, or as the whole",
		"steps[1].body: more than one of body, json and form is set, want one",
		"steps[2].url: holds credentials, want them in headers as Authorization with a variable",
		"steps[3].form: a: {{ without a variable, want {{name}} with lower-case letters, digits and underscores",
		"steps[4].url: scheme of search, want http or https, or a path that begins with /",
		`steps[4].body: has variables, and the Content-Type in headers is "": want JSON, form, XML or text/plain`,
		"steps[5].headers.Cookie: is a credential, want {{name}} of secrets or extract in it",
	}
	_, err := build(t, with)
	got := mistakes(err)
	for _, w := range want {
		if !containsPrefix(got, w) {
			t.Errorf("no mistake %q", w)
		}
	}
	if len(got) != len(want) || t.Failed() {
		t.Errorf("got %d mistakes, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
}

// mistakes returns the lines of a joined error.
func mistakes(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func containsPrefix(list []string, prefix string) bool {
	for _, line := range list {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

func TestBuild_Counts(t *testing.T) {
	t.Parallel()
	list := func(prefix string, n int) string {
		var all strings.Builder
		for i := range n {
			_, _ = fmt.Fprintf(&all, "  - {name: %s%d, title: Step %d}\n", prefix, i, i)
		}
		return all.String()
	}
	cases := map[string]struct {
		steps, cleanup, values int
		want                   []string
	}{
		"none":      {0, 0, 0, []string{"steps: missing, want at least one"}},
		"most":      {20, 10, 20, nil},
		"too many":  {21, 11, 0, []string{"steps: 21 steps, want at most 20", "cleanup: 11 steps, want at most 10"}},
		"extracted": {1, 0, 21, []string{"steps[0].extract: 21 values, want at most 20"}},
	}
	for name, c := range cases {
		with := "url: https://shop.example.com\n"
		if c.steps > 0 {
			with += "steps:\n" + list("s", c.steps)
		}
		if c.values > 0 {
			var values []string
			for i := range c.values {
				values = append(values, fmt.Sprintf("{name: v%d, regex: x}", i))
			}
			with = strings.Replace(with, "title: Step 0}", "title: Step 0, extract: ["+strings.Join(values, ", ")+"]}", 1)
		}
		if c.cleanup > 0 {
			with += "cleanup:\n" + list("c", c.cleanup)
		}
		_, err := build(t, with)
		if diff := cmp.Diff(c.want, mistakes(err)); diff != "" {
			t.Errorf("%s: mistakes (-want +got):\n%s", name, diff)
		}
	}
}

// TestBuild_Order uses variables where they are known, and where they are not yet.
func TestBuild_Order(t *testing.T) {
	t.Parallel()
	const early = `steps[0].headers.X-Id: variable id is used before step "second" has extracted it`
	cases := map[string]struct {
		first, second, cleanup string
		want                   []string
	}{
		"in order":           {first: "extract: [{name: id, regex: x}]", second: `headers: {X-Id: "{{id}}"}`},
		"too early":          {first: `headers: {X-Id: "{{id}}"}`, second: "extract: [{name: id, regex: x}]", want: []string{early}},
		"in its own step":    {second: `extract: [{name: id, regex: x}], headers: {X-Id: "{{id}}"}`, want: []string{strings.Replace(early, "[0]", "[1]", 1)}},
		"cleanup":            {second: "extract: [{name: id, regex: x}]", cleanup: `headers: {X-Id: "{{id}}"}`},
		"cleanup takes more": {cleanup: "extract: [{name: id, regex: x}]"},
		"a double in cleanup": {
			first: "extract: [{name: id, regex: x}]", cleanup: "extract: [{name: id, regex: x}]",
			want: []string{"cleanup[0].extract[0].name: there is another variable id, want a name of its own"},
		},
	}
	for name, c := range cases {
		with := fmt.Sprintf(`
url: https://shop.example.com
steps:
  - {name: first, title: First, %s}
  - {name: second, title: Second, %s}
cleanup:
  - {name: undo, title: Undo, %s}
`, c.first, c.second, c.cleanup)
		_, err := build(t, with)
		if diff := cmp.Diff(c.want, mistakes(err)); diff != "" {
			t.Errorf("%s: mistakes (-want +got):\n%s", name, diff)
		}
	}
}

func TestBuild_AddressOfVariables(t *testing.T) {
	t.Parallel()
	cases := map[string]string{ // the mistake
		"{{run}}":                     "steps[0].url: is variable run, want a path, a whole address or a link that an earlier step extracted",
		"{{home}}":                    "",
		"{{dots}}":                    "steps[0].url: scheme of .., want http or https, or a path that begins with /",
		"/{{dots}}":                   "steps[0].url: variable dots: \"..\" in a path leads elsewhere",
		"/?{{dots}}":                  "",
		"//{{dots}}":                  "steps[0].url: has a variable in front of its path, want it in path or query, or as the whole",
		"https://example.com{{dots}}": "steps[0].url: has a variable in front of its path, want it in path or query, or as the whole",
	}
	for url, want := range cases {
		_, err := build(t, "url: https://shop.example.com\nvariables: {home: https://example.com/a, dots: ..}\nsteps: [{name: a, title: A, url: '"+url+"'}]")
		if got := strings.Join(mistakes(err), "\n"); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}

func TestBuild_Writes(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{ // whether it has to be said
		"{}": false, "{method: HEAD}": false, "{method: OPTIONS}": false, "{json: {a: 1}}": true, "{form: {a: b}}": true, "{body: x}": true,
		"{method: GET, body: x}": false, "{method: DELETE}": true, "{method: PATCH}": true,
	}
	for request, want := range cases {
		step := strings.Replace(request, "{", "{name: only, title: Only, ", 1)
		for _, with := range []string{
			"url: https://shop.example.com\nsteps: [" + step + "]",
			"url: https://shop.example.com\nsteps: [{name: a, title: A}]\ncleanup: [" + step + "]",
		} {
			_, err := build(t, with)
			if got := err != nil; got != want {
				t.Errorf("%s: got %v, want a mistake: %v", request, err, want)
			}
			built, err := build(t, with+"\nwrites: true")
			if err != nil {
				t.Errorf("%s: got %v, want none with writes", request, err)
			}
			if got := built.Profile.OnlyWhenDue; got != want {
				t.Errorf("%s: only when due is %v, want %v", request, got, want)
			}
		}
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	metrics := []string{"journey_step_seconds", "journey_step_passes_total", "journey_step_failures_total"}
	certificate := []string{probe.CertificateNotAfter, probe.CertificateNotBefore}
	values := map[string][]string{metrics[0]: {"a", "b"}, metrics[1]: {"a", "b"}, metrics[2]: {"a", "b"}}
	limits := probe.Limits{Excellent: 600 * time.Millisecond, Good: 2 * time.Second, Fair: 6 * time.Second}
	const steps = "\nsteps: [{name: a, title: A, url: '%s'}, {name: b, title: B}]\ncleanup: [{name: c, title: C}]\nredirects: {max: %d}"
	cases := map[string]struct {
		with string
		want probe.Profile
	}{
		"plain, by address": {"url: http://192.0.2.1/" + fmt.Sprintf(steps, "/x", 0), probe.Profile{
			Target: "192.0.2.1:80", URL: "http://192.0.2.1/",
			Phases: []probe.Phase{probe.Connect, probe.Send, probe.Wait, probe.Receive}, Metrics: metrics, Values: values, Limits: limits,
		}},
		"another site of a step": {"url: http://192.0.2.1/?token=x" + fmt.Sprintf(steps, "https://shop.example.com/{{run}}", 0), probe.Profile{
			Target: "192.0.2.1:80", URL: "http://192.0.2.1/?token=xxx", TLS: true,
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive},
			Metrics: append(append([]string(nil), metrics...), certificate...), Values: values, Limits: limits,
		}},
		"redirects": {"url: http://[::1]:8080/" + fmt.Sprintf(steps, "/x", 1), probe.Profile{
			Target: "[::1]:8080", URL: "http://[::1]:8080/",
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive},
			Metrics: metrics, Values: values, Limits: limits,
		}},
	}
	for name, c := range cases {
		built, err := build(t, c.with)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, built.Profile); diff != "" {
			t.Errorf("%s: profile (-want +got):\n%s", name, diff)
		}
	}
}

func TestKind_Limits(t *testing.T) {
	t.Parallel()
	for _, channelType := range probe.ChannelTypes() {
		want := probe.Limits{Excellent: 500 * time.Millisecond, Good: 2 * time.Second, Fair: 5 * time.Second}
		switch channelType {
		case probe.MobileApp, probe.MobileWeb, probe.DesktopWeb:
			want = probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
		}
		if got := journey.Kind().Limits(channelType); got != want {
			t.Errorf("%s: got %+v, want %+v", channelType, got, want)
		}
	}
}
