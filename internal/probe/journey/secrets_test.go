package journey_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// TestProbe_HidesExtractedSecrets has a value go through path, redirect, body and header of an answer.
func TestProbe_HidesExtractedSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t+/=&value"
	for _, hidden := range []bool{true, false} {
		server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/take":
				_, _ = io.WriteString(w, secret)
			case strings.HasPrefix(r.URL.Path, "/old/"):
				w.Header().Set("Server", secret)
				http.Redirect(w, r, "/new/"+url.PathEscape(secret), http.StatusFound)
			default:
				http.Error(w, "unknown "+secret, http.StatusNotFound)
			}
		}))
		result := walk(t, fmt.Sprintf(`
url: %s/take
steps:
  - {name: take, title: Take it, extract: [{name: v, regex: .+, secret: %v}]}
  - {name: use, title: Use it, url: "/old/{{v}}", assert: [{name: fine, contains: fine}], expect: {status: ["404"], not_contains: ["s3cr3t"]}}
`, server, hidden))
		expect(t, &result, probe.Poor, "assertion_poor", "take passed", "use failed")
		printed, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		shown := strings.Contains(string(printed), "s3cr3t%2B") || strings.Contains(string(printed), "s3cr3t+")
		if shown == hidden {
			t.Errorf("secret: %v, got %s", hidden, printed)
		}
	}
}

// TestProbe_HidesSecretsOfWrongAnswers has answers fail that hold a secret which no step could use.
func TestProbe_HidesSecretsOfWrongAnswers(t *testing.T) {
	t.Parallel()
	const token = "tok-99887766"
	cases := map[string]struct {
		handle http.HandlerFunc
		cause  probe.CheckID
		want   string // start of the body in the evidence
	}{
		"unexpected": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"token":"`+token+`","ok":false}`)
		}, "json_unexpected", `{"token":"[redacted]","ok":false}`},
		"without the other value": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ok":true,"token":"`+token+`"}`)
		}, "journey_step_failed", `{"ok":true,"token":"[redacted]"}`},
		"error": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, `{"token":"`+token+`"}`)
		}, "status_unexpected", `{"token":"[redacted]"}`},
		"under another name": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"a":"1","ok":true,"accessToken":"`+token+`"}`)
		}, "journey_step_failed", ""},
		"in a list, and wrong": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"a":"1","ok":false,"token":["`+token+`"]}`)
		}, "json_unexpected", ""},
		"in no document": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `token=`+token)
		}, "json_invalid", ""},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"token":"`+token+`"`)
		}, probe.BodyTruncated, ""},
	}
	for name, c := range cases {
		result := walk(t, "url: "+serve(t, c.handle)+`
steps:
  - {name: take, title: Take it, expect: {json: [{path: $.ok, equals: true}]}, extract: [{name: a, jsonpath: $.a}, {name: v, jsonpath: $.token, secret: true}]}
`)
		expect(t, &result, probe.Poor, c.cause, "take failed")
		if got := result.Evidence.Exchanges[0].BodyStart; got != c.want {
			t.Errorf("%s: got the body %q, want %q", name, got, c.want)
		}
		if printed, err := json.Marshal(result); err != nil || strings.Contains(string(printed), token) {
			t.Errorf("%s: the secret is shown (%v): %s", name, err, printed)
		}
	}
}

// TestProbe_HidesWhatIsSecretByItself extracts a cookie and a text that is not UTF-8, which evidence shows replaced.
func TestProbe_HidesWhatIsSecretByItself(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "cookie-value"})
		_, _ = io.WriteString(w, "sid cookie-value, key=odd\xffvalue;")
	}))
	result := walk(t, "url: "+server+`
steps:
  - {name: take, title: Take it, assert: [{name: fine, contains: fine}], extract: [{name: a, cookie: sid}, {name: b, regex: "key=(.*);", secret: true}]}
`)
	expect(t, &result, probe.Poor, "assertion_poor", "take failed")
	if got, want := result.Evidence.Exchanges[0].BodyStart, "sid [redacted], key=[redacted];"; got != want {
		t.Errorf("got the body %q, want %q", got, want)
	}
}
