package fcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// renewal is how long before its end an access token is replaced, so that none ends on its way.
const renewal = 5 * time.Minute

// token is an access token. The zero value is none.
type token struct {
	value   string
	end     time.Time // zero: unknown, so that it is used once
	secrets []string  // the value, and the assertion that it was granted for, which is worth another one
}

func (t token) usable(now time.Time) bool { return t.value != "" && now.Before(t.end.Add(-renewal)) }

// exchange asks for an access token with an assertion that the service account signs. When there is none, the reply
// says why. The error is that of a cancelled context, or a lack of the agent's own.
func (s *sending) exchange(ctx context.Context) (token, push.Reply, error) {
	way := &tripper{ctx: ctx, client: s.client}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport:     way,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	granted, err := s.oauth.TokenSource(ctx).Token()
	s.secrets = append(s.secrets, way.secrets...)
	switch {
	case way.err != nil:
		return token{}, push.Reply{}, way.err
	case way.resp == nil:
		return token{}, push.Reply{}, fmt.Errorf("signing an assertion: %w", err)
	}
	value := ""
	if err == nil {
		value = granted.AccessToken
	}
	s.record(way.resp)
	reply := push.HTTPReply(way.resp, func(resp *httpx.Response) push.Answer {
		return readTokenAnswer(resp, probe.NewRedaction(s.secrets...))
	})
	switch {
	case reply.Reason != "":
		reply.Detail = "token exchange: " + reply.Detail
		return token{}, reply, nil
	case reply.Answer.Word != push.Accepted:
		return token{}, reply, nil
	case !isBearer(value):
		reply.Answer.Word = push.Unanswered
		reply.Reason, reply.Detail = probe.ResponseMalformed, fmt.Sprintf("token exchange: answered %d without an access token", way.resp.Status)
		return token{}, reply, nil
	}
	// The end is one of the wall clock: the monotonic one stands still while the machine is suspended.
	return token{value, granted.Expiry.Round(0), append(way.secrets, value)}, reply, nil
}

// isBearer reports whether a text can be sent as a token (RFC 6750, section 2.1).
func isBearer(text string) bool {
	return len(text) <= 8<<10 && regexp.MustCompile(`^[\x21-\x7e]+$`).MatchString(text)
}

// readTokenAnswer says what the token endpoint answered (RFC 6749, section 5).
func readTokenAnswer(resp *httpx.Response, secrets probe.Redaction) push.Answer {
	if resp.Status >= http.StatusOK && resp.Status < http.StatusMultipleChoices {
		return push.Answer{Word: push.Accepted}
	}
	a := push.Answer{
		Word:       wordOf(resp.Status),
		Said:       push.Said(secrets, saidOfToken(resp.Body)),
		Hint:       "at the token exchange",
		RetryAfter: push.RetryAfter(resp.Header, time.Now()),
	}
	// Whatever else is wrong with a request that consists of the credential alone, is wrong with the credential.
	if a.Word == push.MessageInvalid || a.Word == push.Other && resp.Status >= http.StatusBadRequest {
		a.Word = push.CredentialRejected
	}
	if a.Word == push.CredentialRejected {
		a.Hint += clockOf(resp.Header, time.Now())
	}
	return a
}

// saidOfToken returns the error's word and description, in the form of OAuth or of Google's other APIs.
func saidOfToken(body []byte) string {
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &said) != nil {
		r := parseRefusal(body)
		return r.said()
	}
	return strings.TrimSuffix(said.Error+": "+said.Description, ": ")
}

// clockOf says when the provider's clock differs from ours by so much that it may be why it refuses an assertion, which
// holds from 10 s ago for an hour.
func clockOf(header http.Header, now time.Time) string {
	const tolerable = time.Minute
	at, err := http.ParseTime(header.Get("Date"))
	ahead := now.Sub(at)
	switch {
	case err != nil || ahead.Abs() < tolerable:
		return ""
	case ahead < 0:
		return fmt.Sprintf("; the agent's clock is %v behind the provider's", -ahead.Round(tolerable))
	}
	return fmt.Sprintf("; the agent's clock is %v ahead of the provider's", ahead.Round(tolerable))
}

// tripper carries one request of the OAuth client by the agent's own HTTP client, with its limits and its evidence, and
// keeps what came of it.
type tripper struct {
	ctx     context.Context // of the probe: the OAuth client sends without one
	client  *httpx.Client
	secrets []string // the assertion and its signature
	resp    *httpx.Response
	err     error
}

// errNoAnswer is never shown: whoever sent the request looks at the tripper.
var errNoAnswer = errors.New("no answer")

// RoundTrip sends the request once.
func (t *tripper) RoundTrip(req *http.Request) (*http.Response, error) {
	defer func() { _ = req.Body.Close() }()
	form, err := io.ReadAll(req.Body)
	if err != nil {
		t.err = fmt.Errorf("reading the request for an access token: %w", err)
		return nil, t.err
	}
	if values, err := url.ParseQuery(string(form)); err == nil {
		assertion := values.Get("assertion")
		t.secrets = []string{assertion, assertion[strings.LastIndexByte(assertion, '.')+1:]}
	}
	t.resp, t.err = t.client.Do(t.ctx, &httpx.Request{Method: req.Method, URL: req.URL.String(), Header: req.Header, Body: form})
	if t.err != nil || t.resp.Reason != "" {
		return nil, errNoAnswer
	}
	return &http.Response{
		StatusCode: t.resp.Status, Header: t.resp.Header, Body: io.NopCloser(bytes.NewReader(t.resp.Body)), Request: req,
		ProtoMajor: 1, ProtoMinor: 1, ContentLength: t.resp.BodyBytes,
	}, nil
}
