package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/oauth"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// endpoint grants a new token each time, unless reply says something else.
type endpoint struct {
	*httptest.Server

	granted atomic.Int64
	reply   func(w http.ResponseWriter, r *http.Request, n int64)
}

func newEndpoint(tb testing.TB, reply func(w http.ResponseWriter, r *http.Request, n int64)) *endpoint {
	tb.Helper()
	e := &endpoint{reply: reply}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.reply(w, r, e.granted.Add(1)) }))
	tb.Cleanup(e.Close)
	return e
}

// lasting answers with a token that lasts for seconds; 0 for one that says nothing of its end.
func lasting(seconds int) func(http.ResponseWriter, *http.Request, int64) {
	return func(w http.ResponseWriter, _ *http.Request, n int64) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, seconds)
	}
}

func source(tb testing.TB, url string, change func(*oauth.Options)) *oauth.Source {
	tb.Helper()
	client, err := httpx.New(httpx.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	opts := oauth.Options{Client: client, TokenURL: url + "/token", ID: "my shop", Secret: "planted secret/1", Scopes: []string{"read", "write"}}
	if change != nil {
		change(&opts)
	}
	return oauth.New(opts)
}

func take(tb testing.TB, s *oauth.Source) oauth.Grant {
	tb.Helper()
	grant, err := s.Token(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return grant
}

func TestToken_IsAskedForInTheWayOfTheEndpoint(t *testing.T) {
	t.Parallel()
	for name, inBody := range map[string]bool{"in the header": false, "in the body": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, n int64) {
				_ = r.ParseForm()
				id, secret, basic := r.BasicAuth()
				if r.Method != http.MethodPost || r.Form.Get("grant_type") != "client_credentials" || r.Form.Get("scope") != "read write" || basic == inBody {
					t.Errorf("%s with %v, by header: %t", r.Method, r.Form, basic)
				}
				// RFC 6749, section 2.3.1: both are encoded before they are joined.
				if !inBody && (id != "my+shop" || secret != "planted+secret%2F1") {
					t.Errorf("got %q and %q in the header", id, secret)
				}
				if inBody && (r.Form.Get("client_id") != "my shop" || r.Form.Get("client_secret") != "planted secret/1") {
					t.Errorf("got %v in the body", r.Form)
				}
				lasting(3600)(w, r, n)
			})
			grant := take(t, source(t, e.URL, func(o *oauth.Options) { o.InBody = inBody }))
			if grant.Token != "token-1" || grant.Reason != "" || len(grant.Exchanges) != 1 || grant.Duration <= 0 || grant.Exchanges[0].BodyStart != "" {
				t.Errorf("got %+v, want a token, its exchange without the body, and how long it took", grant)
			}
		})
	}
}

// A token is used until a minute before its end, or until a service refuses it.
func TestToken_IsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seconds int
		want    string
	}{
		"an hour":     {3600, "token-1"},
		"two minutes": {120, "token-1"},
		"a minute":    {60, "token-2"},
		"no end":      {0, "token-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := source(t, newEndpoint(t, lasting(c.seconds)).URL, nil)
			first, second := take(t, s), take(t, s)
			if first.Token != "token-1" || second.Token != c.want || (len(second.Exchanges) == 0) != (c.want == "token-1") {
				t.Errorf("got %q, then %q with %d exchanges, want %q", first.Token, second.Token, len(second.Exchanges), c.want)
			}
		})
	}
}

func TestReject_ForgetsThatTokenOnly(t *testing.T) {
	t.Parallel()
	s := source(t, newEndpoint(t, lasting(3600)).URL, nil)
	take(t, s)
	s.Reject("token-0")
	if got := take(t, s).Token; got != "token-1" {
		t.Errorf("got %q after another one was refused, want the first", got)
	}
	s.Reject("token-1")
	if got := take(t, s).Token; got != "token-2" {
		t.Errorf("got %q after it was refused, want a new one", got)
	}
}

func TestToken_OneRequestForAll(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, lasting(3600))
	s := source(t, e.URL, nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got, err := s.Token(t.Context()); got.Token != "token-1" || err != nil {
				t.Errorf("got %q, %v", got.Token, err)
			}
		})
	}
	group.Wait()
	if n := e.granted.Load(); n != 1 {
		t.Errorf("%d requests for one token, want one", n)
	}
}

// What an endpoint says in place of a token is told, without what it repeats.
func TestToken_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		reason probe.Reason
		detail string
	}{
		"by name": {
			400, `{"error":"invalid_client","error_description":"not planted secret/1"}`, oauth.Refused,
			`token endpoint answered 400 "invalid_client: not [redacted]", want an access token`,
		},
		"without a name": {503, "planted secret/1", oauth.Refused, "token endpoint answered 503 without an error's name, want an access token"},
		"a redirect":     {302, "", oauth.Refused, "token endpoint answered 302 without an error's name, want an access token"},
		"no token":       {200, `{"token_type":"Bearer"}`, oauth.Refused, "token endpoint answered 200 without an error's name, want an access token"},
		"two lines":      {200, `{"access_token":"a\nb"}`, oauth.Refused, "token endpoint answered 200 without a token that can be sent"},
		"a long one":     {200, `{"access_token":"` + strings.Repeat("x", 8<<10+1) + `"}`, oauth.Refused, "token endpoint answered 200 without a token that can be sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			grant := take(t, source(t, e.URL, nil))
			if grant.Token != "" || grant.Reason != c.reason || grant.Detail != c.detail || e.granted.Load() != 1 {
				t.Errorf("got %+v after %d requests, want %s: %s after one", grant, e.granted.Load(), c.reason, c.detail)
			}
			if text := fmt.Sprintf("%+v", grant); strings.Contains(text, "planted") {
				t.Errorf("a secret is shown: %s", text)
			}
		})
	}
}

func TestToken_Unanswered(t *testing.T) {
	t.Parallel()
	cut := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("Content-Length", "400")
		_, _ = io.WriteString(w, `{"access_token":"planted-token"`)
	})
	for url, want := range map[string]probe.Reason{"http://127.0.0.1:1": probe.ConnectRefused, cut.URL: probe.BodyTruncated} {
		grant := take(t, source(t, url, nil))
		if grant.Reason != want || !strings.HasPrefix(grant.Detail, "token endpoint: ") || strings.Contains(fmt.Sprintf("%+v", grant), "planted") {
			t.Errorf("got %+v, want %s and nothing of the token", grant, want)
		}
	}
}

// Whoever waits for the token of another probe gives up with its own context.
func TestToken_WaitsWithItsContext(t *testing.T) {
	t.Parallel()
	asked, let := make(chan struct{}), make(chan struct{})
	s := source(t, newEndpoint(t, func(w http.ResponseWriter, r *http.Request, n int64) {
		close(asked)
		<-let
		lasting(3600)(w, r, n)
	}).URL, nil)
	var group sync.WaitGroup
	group.Go(func() { _, _ = s.Token(t.Context()) })
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want its own end", err)
	}
	close(let)
	group.Wait()
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	want := []string{"a b", "a+b", "Basic bWU6YSti"}
	if got := oauth.Secrets("me", "a b"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
