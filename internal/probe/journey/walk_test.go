package journey_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// hostile is a value that means something else wherever it is not escaped.
const hostile = `../a?b=c&d=e#f/"}{` + "\\'<x y>%00ü+;"

// TestProbe_EscapesValues sends a value that a server chose through every place that it can stand in.
func TestProbe_EscapesValues(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	mux := http.NewServeMux()
	mux.HandleFunc("/value", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"v": hostile})
	})
	mux.HandleFunc("/sent/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		media := r.Header.Get("Content-Type")
		got["path"], _ = url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/sent/a"), "z"))
		got["query"] = r.URL.Query().Get("q")
		got["queries"] = fmt.Sprint(len(r.URL.Query()))
		switch {
		case strings.HasSuffix(media, "json"):
			var document map[string]any
			if err := json.Unmarshal(body, &document); err != nil || len(document) != 2 {
				t.Errorf("JSON body %s: %v", body, err)
			}
			got[media], _ = document["a"].(string)
		case media == "application/x-www-form-urlencoded":
			form, err := url.ParseQuery(string(body))
			if err != nil || len(form) != 2 {
				t.Errorf("form %s: %v", body, err)
			}
			got[fmt.Sprint("form ", form.Get("é&"))] = form.Get("a")
		default:
			got[media] = string(body)
		}
		_, _ = io.WriteString(w, "ok")
	})
	step := func(name, rest string) string {
		return fmt.Sprintf("  - {name: %s, title: T, method: POST, url: \"/sent/a{{v}}z?q={{v}}&r=1#{{v}}\", %s}\n", name, rest)
	}
	result := walk(t, "url: "+serve(t, mux)+`
writes: true
steps:
  - {name: value, title: V, url: /value, extract: [{name: v, jsonpath: $.v}]}
`+step("json", `json: {a: "{{v}}", "{{v}}": 1}`)+
		step("raw", `headers: {content-type: application/ld+json}, body: '{"a":"{{v}}","b":{"c":1}}'`)+
		step("form", `form: {a: "{{v}}", "é&": "1 2"}`)+
		step("rawform", `headers: {Content-Type: application/x-www-form-urlencoded}, body: "a={{v}}&b=1"`)+
		step("xml", `headers: {Content-Type: "application/xml; charset=utf-8"}, body: "<a>{{v}}</a>"`)+
		step("text", `headers: {Content-Type: text/plain}, body: "{{v}}!"`))
	want := map[string]string{
		"path": hostile, "query": hostile, "queries": "2",
		"application/json": hostile, "application/ld+json": hostile, "form 1 2": hostile, "form ": hostile,
		"application/xml; charset=utf-8": "<a>../a?b=c&amp;d=e#f/&#34;}{\\&#39;&lt;x y&gt;%00ü+;</a>",
		"text/plain":                     hostile + "!",
	}
	if diff := cmp.Diff(want, got); diff != "" || result.Reason != "" || len(result.Findings) > 0 {
		t.Errorf("findings %v; sent (-want +got):\n%s", result.Findings, diff)
	}
}

// TestProbe_RefusesValues takes values out of an answer that cannot be used.
func TestProbe_RefusesValues(t *testing.T) {
	t.Parallel()
	const at = `step 2 of 2 "Use it": `
	long := strings.Repeat("x", 4<<10)
	cases := map[string]struct {
		body, extract, use string
		step               string // that fails
		want               string
	}{
		"the longest":     {long, "regex: x+", `url: "/{{v}}"`, "", ""},
		"too long":        {long + "x", "regex: x+", `url: "/{{v}}"`, "take", `v: regex x+ has 4097 bytes, want at most 4096`},
		"empty":           {"id=", "regex: id=(.*)", `url: "/{{v}}"`, "take", `v: regex id=(.*) is empty`},
		"nothing":         {"", "regex: id=(.*)", `url: "/{{v}}"`, "take", `v: regex id=(.*) finds nothing`},
		"no JSON":         {"<p>", "jsonpath: $.a", `url: "/{{v}}"`, "take", `v: jsonpath $.a the body is not JSON: invalid character '<' looking for beginning of value`},
		"object":          {`{"a":{}}`, "jsonpath: $.a", `url: "/{{v}}"`, "take", `v: jsonpath $.a selects a value of type object, want string, number or boolean`},
		"no attribute":    {"<a>", "css: a, attribute: href", `url: "/{{v}}"`, "take", `v: css a selects an element without the attribute href`},
		"no header":       {"", "header: x-id", `url: "/{{v}}"`, "take", `v: header X-Id is not in the response`},
		"no cookie":       {"", "cookie: sid", `url: "/{{v}}"`, "take", `v: cookie sid is not set`},
		"deep page":       {strings.Repeat("<div>", 1000), "css: div", `url: "/{{v}}"`, "take", `v: css div reading the page: html: open stack of elements exceeds 512 nodes`},
		"in place":        {".", "regex: .+", `url: "/notes/{{v}}"`, "use", `variable v: "." in a path leads elsewhere`},
		"upwards":         {"..", "regex: .+", `url: "/notes/{{v}}"`, "use", `variable v: ".." in a path leads elsewhere`},
		"header lines":    {"a\r\nX-Evil: 1", "regex: '(?s).+'", `headers: {X-Id: "{{v}}"}`, "use", `value of header "X-Id", want no control characters`},
		"foreign link":    {"http://evil.example/a?b", "regex: .+", `url: "{{v}}"`, "use", `variable v: leads to "http://evil.example:80", want one of http://`},
		"other port":      {"//127.0.0.1:1/", "regex: .+", `url: "{{v}}"`, "use", `variable v: leads to "http://127.0.0.1:1", want one of http://`},
		"script":          {"javascript:alert(1)", "regex: .+", `url: "{{v}}"`, "use", `variable v: URL without // after its scheme, want http://host or https://host`},
		"broken link":     {"http://a b/%zz", "regex: .+", `url: "{{v}}"`, "use", `variable v: want a link, which is no URL`},
		"odd text in XML": {"a\x01\xff", "regex: '(?s).+'", `method: POST, headers: {Content-Type: text/xml}, body: "<a>{{v}}</a>"`, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/take" {
					_, _ = io.WriteString(w, c.body)
				}
			}))
			result := walk(t, fmt.Sprintf(`
url: %s/take
writes: true
steps:
  - {name: take, title: Take it, extract: [{name: v, %s}]}
  - {name: use, title: Use it, %s}
`, server, c.extract, c.use))
			if c.want == "" {
				expect(t, &result, probe.Excellent, "", "take passed", "use passed")
				return
			}
			steps, place := []string{"take failed", "use skipped"}, `step 1 of 2 "Take it": `
			if c.step == "use" {
				steps, place = []string{"take passed", "use failed"}, at
			}
			expect(t, &result, probe.Poor, "journey_step_failed", steps...)
			if n := len(result.Measurements); c.step == "use" && n != 3 {
				t.Errorf("got %v, want no time of a step without a request", result.Measurements)
			}
			if got := result.Findings[0].Detail; !strings.HasPrefix(got, place+c.want) || got != result.Detail {
				t.Errorf("got %q, want %q", got, place+c.want)
			}
		})
	}
}

// TestProbe_KeepsHeadersOnTheirSite walks over two sites: what is the first one's must not reach the other.
func TestProbe_KeepsHeadersOnTheirSite(t *testing.T) {
	t.Setenv("TEST_JOURNEY_KEY", "key-1234")
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "c", Value: r.Host[strings.LastIndexByte(r.Host, ':'):]})
		_, _ = fmt.Fprintf(w, "%s|%s|%s", r.Header.Get("X-Key"), r.Header.Get("Accept-Language"), r.Header.Get("X-Step"))
	})
	shop, other := serve(t, echo), serve(t, echo)
	result := walk(t, fmt.Sprintf(`
url: %s/
headers: {accept-language: de}
secret_headers: {X-Key: {env: TEST_JOURNEY_KEY}}
steps:
  - {name: one, title: One, headers: {X-Step: "1"}, expect: {contains: ["key-1234|de|1"]}}
  - {name: two, title: Two, url: "%s/", headers: {X-Step: "2"}, expect: {contains: ["|de|2"], not_contains: [key]}}
  - {name: three, title: Three, url: /3, headers: {x-key: mine}, expect: {contains: ["mine|de|"]}}
`, shop, other))
	expect(t, &result, probe.Excellent, "", "one passed", "two passed", "three passed")
}

func TestProbe_RunsAreUnique(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	server := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen[r.URL.Path]++ }))
	built, err := build(t, "url: "+server+"\nsteps: [{name: a, title: A, url: '/{{run}}'}, {name: b, title: B, url: '/{{run}}'}]")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := built.Prober.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for path, n := range seen {
		if len(path) != len("/")+26 || n != 2 {
			t.Errorf("%s was asked for %d times, want a text of its own for both steps of a run", path, n)
		}
	}
	if len(seen) != 3 {
		t.Errorf("got %v, want 3 runs", seen)
	}
}

func TestProbe_BudgetOfAStep(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			http.NotFound(w, r)
		}
	}))
	with := "url: " + server + "\nsteps: [{name: a, title: Log in, url: '%s', budget: %s}, {name: b, title: B}]"
	result := walk(t, fmt.Sprintf(with, "/", "1ns"))
	expect(t, &result, probe.Fair, "journey_step_slow", "a passed", "b passed")
	took := result.Evidence.Steps[0].Duration.Round(time.Millisecond)
	want := []probe.Finding{{
		Check: "journey_step_slow", Title: "Log in is slow", Marketing: "Customers wait too long at “Log in”.",
		Detail: fmt.Sprintf(`step 1 of 2 "Log in" took %v, want at most 1ns`, took),
	}}
	if diff := cmp.Diff(want, result.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	result = walk(t, fmt.Sprintf(with, "/", "1h"))
	expect(t, &result, probe.Excellent, "", "a passed", "b passed")
	result = walk(t, fmt.Sprintf(with, "/gone", "1ns"))
	expect(t, &result, probe.Poor, "status_unexpected", "a failed", "b skipped")
	if len(result.Findings) != 1 {
		t.Errorf("got %v, want one finding: a failed step is not slow", result.Findings)
	}
}

func TestProbe_NamesTheSlowestStep(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-time.After(time.Second) // much longer than a busy machine takes for the others
		}
	}))
	result := walk(t, "url: "+server+"\nsteps: [{name: a, title: A}, {name: b, title: B, url: /slow}, {name: c, title: C}]")
	if took := result.Evidence.Steps[1]; !strings.HasPrefix(result.Slowest, `step 2 of 3 "B" took `) || took.At < result.Evidence.Steps[0].Duration {
		t.Errorf("slowest is %q, and step b began at %v, want it named and begun after step a", result.Slowest, took.At)
	}
}

func TestProbe_NotesTheCertificateOnce(t *testing.T) {
	t.Parallel()
	target := probetest.HealthyHTTP(t)
	result := walk(t, fmt.Sprintf("url: %s\ntls: {ca_file: %s}\nsteps: [{name: a, title: A}, {name: b, title: B}]", target.URL, target.CAFile))
	leaf := result.Evidence.Exchanges[0].TLS.Chain[0]
	want := []probe.Measurement{
		{Metric: probe.CertificateNotAfter, Value: float64(leaf.NotAfter.Unix())},
		{Metric: probe.CertificateNotBefore, Value: float64(leaf.NotBefore.Unix())},
	}
	if diff := cmp.Diff(want, result.Measurements[:2]); diff != "" || len(result.Measurements) != 6 {
		t.Errorf("%d measurements, want 6; the first two (-want +got):\n%s", len(result.Measurements), diff)
	}
}

// TestProbe_WordsAReason has a step fail before there is an answer.
func TestProbe_WordsAReason(t *testing.T) {
	t.Parallel()
	result := walk(t, "url: "+probetest.ClosedPort(t).URL+"\nsteps: [{name: login, title: Log in}, {name: b, title: B}]")
	expect(t, &result, probe.Poor, probe.ConnectRefused, "login failed", "b skipped")
	want := []probe.Finding{{
		Check: probe.ConnectRefused, Title: "Log in failed", Marketing: "Customers cannot get past “Log in”.",
		Detail: `step 1 of 2 "Log in": ` + result.Evidence.Steps[0].Detail,
	}}
	if diff := cmp.Diff(want, result.Findings); diff != "" || result.Detail != want[0].Detail || result.Evidence.Steps[0].Detail == "" {
		t.Errorf("detail %q, findings (-want +got):\n%s", result.Detail, diff)
	}
}
