package oauth_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzToken has an endpoint answer anything: what comes of it is a token that can be sent, or one line that says why not.
func FuzzToken(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600}`, `{"error":"a","error_description":"b\n"}`, `{"access_token":"\r\nX: y"}`,
		`{"expires_in":"x"}`, `{"access_token":"a","expires_in":1e99}`, `[`, "access_token=a&expires_in=5", "\xff", "",
	} {
		f.Add(200, "application/json", []byte(body))
		f.Add(400, "application/x-www-form-urlencoded", []byte(body))
	}
	type said struct {
		status int
		media  string
		body   []byte
	}
	answers := make(chan said, 1)
	e := newEndpoint(f, func(w http.ResponseWriter, _ *http.Request, _ int64) {
		s := <-answers
		w.Header().Set("Content-Type", s.media)
		w.WriteHeader(s.status)
		_, _ = w.Write(s.body)
	})
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		answers <- said{status, media, body}
		grant := take(t, source(t, e.URL, nil))
		switch {
		case (grant.Token == "") != (grant.Reason != "") || (grant.Reason == "") != (grant.Detail == ""):
			t.Errorf("got %+v, want either a token or why there is none", grant)
		case strings.ContainsFunc(grant.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
			t.Errorf("got the token %q, want one that can be sent", grant.Token)
		case grant.Token != "" && status > 299:
			t.Errorf("got a token from status %d", status)
		}
		if len(grant.Detail) > 1<<10 || strings.ContainsAny(grant.Detail, "\n\r\x1b") || !utf8.ValidString(grant.Detail) {
			t.Errorf("detail of %d bytes, want one short line: %q", len(grant.Detail), grant.Detail)
		}
		for _, exchange := range grant.Exchanges {
			if exchange.BodyStart != "" {
				t.Errorf("the body is shown: %q", exchange.BodyStart)
			}
		}
	})
}
