package journey_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// FuzzExtract has values taken out of foreign bodies in every way, and sends them on. Whatever the body is, the journey
// has a result, and its lines are single ones.
func FuzzExtract(f *testing.F) {
	for _, body := range []string{
		`{"a":"b-value"}`, `{"a":"x\ny"}`, `{"a":..`, `<a href="/next?x=1">secret text</a>`, `<a href="//evil.example/">`, "<a\xff", "<a href='http://[::1'>",
		"id=1 ", "id=\r\nX-Evil: 1", "id=..", strings.Repeat("<b>", 600), strings.Repeat("[", 300), `{"a":1e400,"b":null}`,
	} {
		f.Add([]byte(body))
	}
	var body []byte
	server := serve(f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/take" {
			_, _ = w.Write(body)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	var probers []probe.Prober
	for _, extract := range []string{"jsonpath: $.a", "css: a, attribute: href", "css: '*'", "regex: '(?s)id=(.*)'"} {
		built, err := build(f, "url: "+server+`/take
writes: true
steps:
  - {name: take, title: Take it, extract: [{name: v, secret: true, `+extract+`}]}
  - {name: link, title: Follow it, url: "{{v}}"}
  - {name: send, title: Send it, url: "/x/{{v}}?q={{v}}", headers: {X-Id: "{{v}}"}, json: {v: "{{v}}"}}
`)
		if err != nil {
			f.Fatal(err)
		}
		probers = append(probers, built.Prober)
	}
	f.Fuzz(func(t *testing.T, foreign []byte) {
		body = foreign
		for _, prober := range probers {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			result, err := prober.Probe(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			details := []string{result.Detail, result.Slowest}
			for _, finding := range result.Findings {
				details = append(details, finding.Detail)
			}
			for _, detail := range details {
				if strings.ContainsAny(detail, "\r\n") || !utf8.ValidString(detail) || len(detail) > 2<<10 {
					t.Errorf("got the detail %q, want one line", detail)
				}
			}
			if _, err := json.Marshal(result.Evidence); err != nil || len(result.Evidence.Steps) != 3 {
				t.Errorf("evidence %+v: %v", result.Evidence, err)
			}
		}
	})
}
