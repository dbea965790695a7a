package fcm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
)

// oauthError is the body of an error of a token endpoint (RFC 6749, section 5.2).
func oauthError(word, description string) string {
	return marshal(map[string]string{"error": word, "error_description": description})
}

// dated returns a handler that answers by a clock that is off.
func dated(status int, off time.Duration, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer(status, "Date: "+time.Now().Add(off).UTC().Format(http.TimeFormat), body)(w, r)
	}
}

// refusals returns every answer of the token endpoint that is none.
func refusals() []fault {
	const credential = "push_credential_rejected"
	pause := wait(20 * time.Minute)
	return []fault{
		{
			"invalid_grant", answer(400, "", oauthError("invalid_grant", "Invalid JWT Signature.")),
			credential, "credential_rejected", "answered 400 invalid_grant: Invalid JWT Signature. (at the token exchange), want it taken", pause, "credential", "0", "",
		},
		{
			"invalid_client", answer(401, "", oauthError("invalid_client", "The OAuth client was not found.")),
			credential, "credential_rejected", "answered 401 invalid_client: The OAuth client was not found. (at the token exchange), want it taken", pause, "credential", "0", "",
		},
		{
			"unauthorized_client", answer(401, "", oauthError("unauthorized_client", "")),
			credential, "credential_rejected", "answered 401 unauthorized_client (at the token exchange), want it taken", pause, "credential", "0", "",
		},
		{
			"our clock is ahead", dated(400, -12*time.Minute, oauthError("invalid_grant", "Invalid JWT: Token must be a short-lived token")),
			credential, "credential_rejected",
			"answered 400 invalid_grant: Invalid JWT: Token must be a short-lived token (at the token exchange; the agent's clock is 12m0s ahead of the provider's), want it taken",
			pause, "credential", "0", "",
		},
		{
			"our clock is behind", dated(400, 12*time.Minute, oauthError("invalid_grant", "")),
			credential, "credential_rejected", "answered 400 invalid_grant (at the token exchange; the agent's clock is 12m0s behind the provider's), want it taken", pause, "credential", "0", "",
		},
		{
			"our clock is nearly right", dated(400, -45*time.Second, oauthError("invalid_grant", "")),
			credential, "credential_rejected", "answered 400 invalid_grant (at the token exchange), want it taken", pause, "credential", "0", "",
		},
		{
			"forbidden", answer(403, "", googleError(403, "PERMISSION_DENIED", "Account disabled")),
			credential, "credential_rejected", "answered 403 PERMISSION_DENIED: Account disabled (at the token exchange), want it taken", pause, "credential", "0", "",
		},
		{
			"an address that is none", answer(404, "", "<h1>Not found</h1>"),
			credential, "credential_rejected", "answered 404 (at the token exchange), want it taken", pause, "credential", "0", "",
		},
		{
			"too many", answer(429, "Retry-After: 120", oauthError("rate_limit_exceeded", "")),
			"push_rate_limited", "throttled", "answered 429 rate_limit_exceeded (at the token exchange), want it taken", wait(2 * time.Minute), "throttled", "", "",
		},
		{
			"a failing provider, whose clock does not matter", dated(503, 12*time.Minute, oauthError("internal_failure", "Backend Error")),
			"push_provider_failed", "provider_failed", "answered 503 internal_failure: Backend Error (at the token exchange), want it taken", next, "", "", "",
		},
		{
			"a page of a gateway", answer(502, "", html502),
			"push_provider_failed", "provider_failed", "answered 502 (at the token exchange), want it taken", next, "", "", "",
		},
		{
			"a redirect", answer(302, "Location: /elsewhere", ""),
			"message_rejected", "other", "answered 302 (at the token exchange), want it taken", next, "", "", "",
		},
	}
}

func TestProbe_TokenRefused(t *testing.T) {
	t.Parallel()
	for _, c := range refusals() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			s.set(func(s *standin) { s.onToken = c.handle })
			r := s.take(patience)
			c.check(t, s, &r)
			if sent, asked := s.counts(); sent != 0 || asked != 1 {
				t.Errorf("got %d messages and %d token exchanges, want none and one", sent, asked)
			}
			c.checkNext(t, s)
		})
	}
}

// TestProbe_TokenRefusedWithEchoes has the token endpoint repeat the assertion, which is worth an access token.
func TestProbe_TokenRefusedWithEchoes(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 500} {
		s := start(t, nil)
		s.set(func(s *standin) {
			s.onToken = func(w http.ResponseWriter, r *http.Request) {
				answer(status, "Server: "+r.PostForm.Get("assertion"), oauthError("no", r.PostForm.Get("assertion")))(w, r)
			}
		})
		if r := s.take(patience); !strings.Contains(r.Detail, "no: [redacted]") {
			t.Errorf("got %q, want the echo redacted", r.Detail)
		}
	}
}

func TestProbe_NoTokenInTheAnswer(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "<h1>Welcome to our hotel</h1>", "no token": `{"token_type":"Bearer","expires_in":3599}`,
		"a token of two lines": `{"access_token":"ya29\r\nX-Injected: 1","expires_in":3599}`, "another type": `{"access_token":7}`,
		"a token without end": `{"access_token":"` + strings.Repeat("a", 9<<10) + `"}`, "a text for a number": `{"access_token":"ya29.abc","expires_in":"soon"}`,
	} {
		s := start(t, nil)
		s.set(func(s *standin) { s.onToken = answer(200, "", body) })
		r := s.take(patience)
		if want := "token exchange: answered 200 without an access token"; r.Reason != probe.ResponseMalformed || r.Detail != want || outcome(&r) != "unsent" {
			t.Errorf("%s: got %s, %s: %q, want %s, unsent: %q", name, r.Reason, outcome(&r), r.Detail, probe.ResponseMalformed, want)
		}
		if sent, _ := s.counts(); sent != 0 {
			t.Errorf("%s: got %d messages, want none", name, sent)
		}
		if start := r.Evidence.Exchanges[0].BodyStart; start != "" {
			t.Errorf("%s: got the start of the body %q, want none: it can hold half a token", name, start)
		}
	}
}

func TestProbe_TokenIsKept(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lifetime any
		ends     bool // so that an end is known
		want     int  // token exchanges for three messages
	}{
		"for an hour":            {3599, true, 1},
		"until 5 minutes before": {330, true, 1},
		"not in its last 5":      {290, true, 3},
		"not without an end":     {nil, false, 3},
		"not after its end":      {-10, false, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			s.set(func(s *standin) { s.lifetime = c.lifetime })
			for range 3 {
				r := s.take(patience)
				if r.Reason != "" {
					t.Fatalf("got %s: %s, want none", r.Reason, r.Detail)
				}
				if _, known := value(&r, "push_credential_expiry_timestamp_seconds", "access_token"); known != c.ends {
					t.Errorf("the end of the token is measured: %v, want it when it is known", known)
				}
			}
			if sent, asked := s.counts(); sent != 3 || asked != c.want {
				t.Errorf("got %d messages and %d token exchanges, want 3 and %d", sent, asked, c.want)
			}
		})
	}
}

func TestProbe_RejectedTokenIsNotKept(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{401: 2, 403: 2, 500: 1} {
		s := start(t, nil)
		s.set(func(s *standin) { s.onSend = answer(status, "", "") })
		s.take(patience)
		fcm.Forgive(s.prober)
		s.take(patience)
		if sent, asked := s.counts(); sent != 2 || asked != want {
			t.Errorf("after %d: got %d messages and %d token exchanges, want 2 and %d", status, sent, asked, want)
		}
	}
}

// TestProbe_TokenEndpointIsElsewhere keeps evidence of both exchanges, and a failure of the first apart.
func TestProbe_TokenEndpointIsElsewhere(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *fcm.Config) {
		c.CredentialsFile = writeFile(t, "service-account.json", credentials("http://127.0.0.1:1/token", nil))
	})
	r := s.take(patience)
	if r.Reason != probe.ConnectRefused || !strings.HasPrefix(r.Detail, "token exchange: ") || outcome(&r) != "unsent" {
		t.Errorf("got %s, %s: %q, want %s of the token exchange", r.Reason, outcome(&r), r.Detail, probe.ConnectRefused)
	}
	if got := fmt.Sprintf("%d %s", len(r.Evidence.Exchanges), r.Evidence.Exchanges[0].URL); got != "1 http://127.0.0.1:1/token" {
		t.Errorf("got the exchanges %s, want the one with the token endpoint", got)
	}
	if _, ok := value(&r, "push_provider_responses_total", "none"); !ok {
		t.Errorf("got %s, want no answer", marshal(r.Measurements))
	}
}

// The end of a token is one of the wall clock: the other one stands still while the machine is suspended, and the token
// would be used after its end.
func TestToken_EndsBySuspension(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.take(patience)
	if end := fcm.EndOfToken(s.prober); end.IsZero() || end != end.Round(0) {
		t.Errorf("the token ends at %v, want a time without a monotonic reading", end)
	}
}
