package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/oauth"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
)

// secret writes a secret to a file.
func secret(t *testing.T, text string) probe.Secret {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return probe.Secret{File: file}
}

// everything is all that a result shows.
func everything(t *testing.T, r probe.Result) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Who a call is from stands in its Authorization, and nowhere in what a result shows, although the service repeats it.
func TestProbe_Auth(t *testing.T) {
	t.Parallel()
	repeat := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "you are %s", r.Header.Get("Authorization"))
	}
	for name, test := range map[string]struct {
		change func(*api.Config)
		want   string // in place of the secret
	}{
		"basic": {func(c *api.Config) {
			c.Auth.Basic.Username, c.Auth.Basic.Password = "me", secret(t, "planted-password")
		}, "you are Basic [redacted]"},
		"bearer": {func(c *api.Config) { c.Auth.Bearer = secret(t, "planted-token") }, "you are Bearer [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got atomic.Value
			r := run(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				got.Store(r.Header.Get("Authorization"))
				repeat(w, r)
			}), test.change)
			if start := r.Evidence.Exchanges[0].BodyStart; !strings.Contains(start, "[redacted]") || strings.Contains(everything(t, r), "planted") {
				t.Errorf("got %q, want %q", start, test.want)
			}
			want := map[string]string{"basic": "Basic bWU6cGxhbnRlZC1wYXNzd29yZA==", "bearer": "Bearer planted-token"}[name]
			if got.Load() != want {
				t.Errorf("sent %q, want %q", got.Load(), want)
			}
		})
	}
}

// tokens is a token endpoint with an API behind it.
type tokens struct {
	granted atomic.Int64
	answer  func(n int64) (status int, body string)
	accept  func(token string) bool
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !s.accept(token) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, `{"for":"`+token+`"}`)
		return
	}
	id, password, _ := r.BasicAuth()
	if _ = r.ParseForm(); id != "shop" || password != "planted-secret" || r.Form.Get("grant_type") != "client_credentials" || r.Form.Get("scope") != "read write" {
		w.WriteHeader(http.StatusBadRequest)
		w.Header().Set("Server", r.Header.Get("Authorization"))
		_, _ = fmt.Fprintf(w, `{"error":"invalid_client","error_description":"not %s with %s","sent":"%s"}`, id, password, r.Header.Get("Authorization"))
		return
	}
	status, body := s.answer(s.granted.Add(1))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func grant(n int64) (status int, body string) {
	return http.StatusOK, fmt.Sprintf(`{"access_token":"planted-token-%d","token_type":"Bearer","expires_in":3600}`, n)
}

func withOAuth(t *testing.T, base string) func(*api.Config) {
	t.Helper()
	password := secret(t, "planted-secret")
	return func(c *api.Config) {
		c.Auth.OAuth.TokenURL, c.Auth.OAuth.ClientID, c.Auth.OAuth.ClientSecret = base+"/token", "shop", password
		c.Auth.OAuth.Scopes = []string{"read", "write"}
	}
}

// A token is asked for once and used until it ends or is not accepted; getting it is no part of how long a call takes.
func TestProbe_OAuth(t *testing.T) {
	t.Parallel()
	s := &tokens{answer: grant}
	s.accept = func(token string) bool { return token == fmt.Sprintf("planted-token-%d", s.granted.Load()) }
	base := serve(t, s.ServeHTTP)
	built, err := build(t, base+"/orders", withOAuth(t, base))
	if err != nil {
		t.Fatal(err)
	}
	take := func() probe.Result {
		t.Helper()
		r, err := built.Prober.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if text := everything(t, r); strings.Contains(text, "planted") {
			t.Errorf("a secret is shown: %s", text)
		}
		return r
	}
	first, second := take(), take()
	if first.Reason != "" || len(first.Findings) > 0 || len(first.Evidence.Exchanges) != 2 || first.Duration != first.Evidence.Exchanges[1].Phases.Sum() {
		t.Errorf("got %+v, want a good result with the token's exchange first and not in the time", first)
	}
	if second.Reason != "" || len(second.Evidence.Exchanges) != 1 || s.granted.Load() != 1 {
		t.Errorf("%d tokens for two calls, want one", s.granted.Load())
	}
	s.granted.Add(1) // from now on the token is not accepted
	if refused := take(); refused.Find(assert.StatusUnexpected) == nil {
		t.Errorf("got %+v, want the refusal", refused)
	}
	if again := take(); again.Reason != "" || len(again.Findings) > 0 || s.granted.Load() != 3 {
		t.Errorf("after a refusal: %+v with %d tokens, want a new token and a good result", again.Findings, s.granted.Load())
	}
}

func TestProbe_OAuthFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(int64) (int, string)
		change func(*api.Config)
		reason probe.Reason
		detail string
	}{
		"refused": {
			change: func(c *api.Config) { c.Auth.OAuth.ClientID = "nobody" }, reason: oauth.Refused,
			detail: `token endpoint answered 400 "invalid_client: not nobody with [redacted]", want an access token`,
		},
		"without a token": {answer: func(int64) (int, string) { return 200, `{"token_type":"Bearer"}` }, reason: oauth.Refused},
		"no JSON":         {answer: func(int64) (int, string) { return 200, `<html>` }, reason: oauth.Refused},
		"a token of two lines": {
			answer: func(int64) (int, string) { return 200, `{"access_token":"a\nb","token_type":"Bearer"}` }, reason: oauth.Refused,
		},
		"cut off": {
			answer: func(int64) (int, string) {
				return 299, `{"access_token":"planted-token","refresh_token":"planted-again"`
			}, reason: oauth.Refused,
		},
		"repeated":      {answer: nil, change: func(c *api.Config) { c.Auth.OAuth.ClientID = "somebody else" }, reason: oauth.Refused},
		"an error page": {answer: func(int64) (int, string) { return 503, "planted-secret is out of order" }, reason: oauth.Refused},
		"off": {
			change: func(c *api.Config) { c.Auth.OAuth.TokenURL = "http://127.0.0.1:1/token" }, reason: probe.ConnectRefused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tokens{answer: test.answer, accept: func(string) bool { t.Error("a call without a token"); return true }}
			base := serve(t, s.ServeHTTP)
			r := run(t, base+"/orders", func(c *api.Config) {
				withOAuth(t, base)(c)
				if test.change != nil {
					test.change(c)
				}
			})
			if r.Reason != test.reason || r.Detail == "" || test.detail != "" && r.Detail != test.detail {
				t.Errorf("got %q (%s), want %q (%s)", r.Reason, r.Detail, test.reason, test.detail)
			}
			if text := everything(t, r); strings.Contains(text, "planted") || strings.Contains(text, "cGxhbnRlZC1zZWNyZXQ") || strings.Contains(text, "OnBsYW50ZWQtc2VjcmV0") {
				t.Errorf("a secret is shown: %s", text)
			}
		})
	}
}

// A token in an answer that ends too soon is nobody's to read.
func TestProbe_OAuthCutOff(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "400")
		_, _ = io.WriteString(w, `{"access_token":"planted-token","refresh_token":"planted-again"`)
	})
	r := run(t, base+"/orders", withOAuth(t, base))
	if r.Reason != probe.BodyTruncated || strings.Contains(everything(t, r), "planted") {
		t.Errorf("got %q and %s, want it cut off and nothing of the token", r.Reason, everything(t, r))
	}
}

// Each call has a trace of its own, which the evidence shows and the back end got.
func TestProbe_Trace(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.Store(strings.Join(r.Header["Traceparent"], "|")) })
	form := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`)
	seen := make(map[string]bool)
	for range 3 {
		r := run(t, url, nil)
		sent, _ := got.Load().(string)
		if !form.MatchString(sent) || seen[sent] || len(r.Evidence.Events) != 1 || r.Evidence.Events[0].Text != "sent traceparent "+sent {
			t.Errorf("sent %q and shows %v, want a new one of the standard's form in both", sent, r.Evidence.Events)
		}
		seen[sent] = true
	}
	run(t, url, func(c *api.Config) { c.Trace = false })
	if got.Load() != "" {
		t.Errorf("sent %q although that is off", got.Load())
	}
	run(t, url, func(c *api.Config) { c.Headers = map[string]string{"traceparent": "mine"} })
	if got.Load() != "mine" {
		t.Errorf("sent %q, want the configured one", got.Load())
	}
}

// A query's errors come with status 200.
func TestProbe_GraphQL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		check  probe.CheckID
		detail string
	}{
		"fine":        {`{"data":{"cart":{"items":2}}}`, "", ""},
		"errors":      {`{"errors":[{"message":"no such field"}]}`, "graphql_errors", `1 errors, the first: "no such field"`},
		"null data":   {`{"data":null,"errors":[{"message":"down","path":["cart","items",0]}]}`, "graphql_errors", `1 errors, the first: "down" at cart.items.0`},
		"partial":     {`{"data":{"cart":null},"errors":[{"message":"down"},{"message":"off"}]}`, "graphql_partial", `2 errors, the first: "down"`},
		"neither":     {`{}`, "graphql_errors", "the answer has neither data nor errors"},
		"no document": {`<html>`, assert.JSONInvalid, "the answer is no JSON document, want data or errors"},
		"a list":      {`[1]`, "graphql_errors", "the answer has neither data nor errors"},
		"no errors":   {`{"data":{},"errors":[]}`, "", ""},
		"null errors": {`{"data":{},"errors":null}`, "", ""},
		"empty error": {`{"data":{},"errors":{}}`, "", ""},
		"one error":   {`{"errors":{"message":"down"}}`, "graphql_errors", `1 errors, the first: "down"`},
		"text errors": {`{"data":{},"errors":["down"]}`, "graphql_partial", `1 errors, the first: "\"down\""`},
		"no text":     {`{"errors":[{"message":{"de":"aus"}}]}`, "graphql_errors", `1 errors, the first: "{\"de\":\"aus\"}"`},
		"no message":  {`{"errors":[{"code":7}]}`, "graphql_errors", `1 errors, the first: "{\"code\":7}"`},
		"far down":    {`{"errors":[{"message":"down","path":["a",1000000]}]}`, "graphql_errors", `1 errors, the first: "down" at a.1000000`},
		"a text path": {`{"errors":[{"message":"down","path":"a"}]}`, "graphql_errors", `1 errors, the first: "down"`},
		"two lines":   {`{"errors":[{"message":"a\nb","path":["c\nd"]}]}`, "graphql_errors", `1 errors, the first: "a\nb" at c d`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked struct {
				Query     string
				Operation string `json:"operationName"`
				Variables map[string]any
			}
			r := run(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(r.Header.Get("Accept"), "application/graphql-response+json") {
					t.Errorf("%s with %v, want a POST of JSON that accepts GraphQL", r.Method, r.Header)
				}
				_ = json.NewDecoder(r.Body).Decode(&asked)
				_, _ = io.WriteString(w, test.answer)
			}), func(c *api.Config) {
				c.GraphQL.Query, c.GraphQL.Operation = "query cart($n: Int) { cart { items } }", "cart"
				c.GraphQL.Variables = map[string]any{"n": 1}
			})
			if asked.Operation != "cart" || !strings.HasPrefix(asked.Query, "query cart") || asked.Variables["n"] != 1.0 {
				t.Errorf("asked %+v", asked)
			}
			switch f := r.Find(test.check); {
			case test.check == "" && len(r.Findings) > 0:
				t.Errorf("got %v, want none", r.Findings)
			case test.check != "" && (f == nil || f.Detail != test.detail):
				t.Errorf("got %v, want %s: %s", r.Findings, test.check, test.detail)
			}
		})
	}
}

// What must hold beside the rest is named by the operator, and weighs what the operator says.
func TestProbe_Assert(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"stock":0}`)
	})
	r := run(t, url, func(c *api.Config) {
		c.Assert = assert.List{
			{Name: "gone is fine", Status: []string{"404"}},
			{Name: "something to sell", CEL: "json.stock > 0", Severity: "fair", Marketing: "There is nothing to buy."},
		}
	})
	if len(r.Findings) != 1 || r.Findings[0].Title != "something to sell" || r.Findings[0].Marketing != "There is nothing to buy." || r.Findings[0].Check != "assertion_fair" {
		t.Errorf("got %+v, want the one that does not hold, in its own words", r.Findings)
	}
}

func TestBuild_AuthMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*api.Config)
		want   string
	}{
		"two": {func(c *api.Config) {
			c.Auth.Bearer, c.Auth.Basic.Username = secret(t, "planted"), "me"
		}, "auth: more than one of basic, bearer and oauth is set, want one"},
		"beside a header": {func(c *api.Config) {
			c.Auth.Bearer, c.SecretHeaders = secret(t, "planted"), map[string]probe.Secret{"authorization": secret(t, "planted")}
		}, "auth: set beside secret_headers.Authorization, want one of them"},
		"a colon":       {func(c *api.Config) { c.Auth.Basic.Username, c.Auth.Basic.Password = "a:b", secret(t, "planted") }, `auth.basic.username: "a:b", want a name without a colon`},
		"no password":   {func(c *api.Config) { c.Auth.Basic.Username = "me" }, "auth.basic.password: want {file: …} or {env: …}"},
		"two lines":     {func(c *api.Config) { c.Auth.Bearer = secret(t, "planted\nagain") }, "auth.bearer: has control characters, want one line"},
		"open endpoint": {func(c *api.Config) { c.Auth.OAuth.TokenURL = "http://example.com/token" }, "auth.oauth.token_url: is not https, want https, or http on this machine: it carries the secret"},
		"no query":      {func(c *api.Config) { c.GraphQL.Operation = "cart" }, "graphql: want one of query and query_file"},
	} {
		_, err := build(t, "https://example.com/", test.change)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
