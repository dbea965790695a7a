// Package oauth gets access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4) for probes: over the agent's own
// HTTP client, with its limits, its reasons and its evidence, and never more than one request for one token.
//
// It is the importer of golang.org/x/oauth2 beside the kind fcm. It imports probe and httpx. Tokens and secrets are in no
// detail, exchange or error of it.
package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Refused is the reason of a token that an endpoint does not grant.
const Refused probe.CheckID = "token_refused"

// Check describes Refused, for kinds to declare.
func Check() probe.Check {
	return probe.Check{
		ID: Refused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "login refused",
		Marketing: "Apps cannot log in to this service, so customers cannot use it.",
		IT:        "The token endpoint granted no access token; see its answer in the detail, and check client, secret, scopes and the endpoint's health.",
	}
}

// Options says who asks for a token, and where.
type Options struct {
	Client   *httpx.Client
	TokenURL string // https, or http on this machine
	ID       string
	Secret   string
	Scopes   []string
	InBody   bool // send id and secret in the body rather than as basic authentication
}

// Source hands out an access token until shortly before its end. It is safe for concurrent use.
type Source struct {
	opts  Options
	lock  chan struct{} // holds one token; whoever took it may use what follows
	token string
	end   time.Time // zero: unknown, and the token is used once
}

// New returns a source without a token.
func New(opts Options) *Source {
	s := &Source{opts: opts, lock: make(chan struct{}, 1)}
	s.lock <- struct{}{}
	return s
}

// Grant is an access token, or why there is none.
type Grant struct {
	Token     string
	Reason    probe.Reason // why there is none
	Detail    string       // of Reason, for people
	Duration  time.Duration
	Exchanges []probe.Exchange // none when the token was there already
}

// early is how long before its end a token is replaced, so that none ends on its way.
const early = time.Minute

// Token returns a token that is good for a request now. The error is that of a cancelled context, or a lack of the
// agent's own.
func (s *Source) Token(ctx context.Context) (Grant, error) {
	select {
	case <-s.lock:
		defer func() { s.lock <- struct{}{} }()
	case <-ctx.Done():
		return Grant{}, ctx.Err()
	}
	// Wall clocks: the monotonic one stands still while a machine sleeps.
	if s.token != "" && time.Now().Round(0).Before(s.end.Round(0).Add(-early)) {
		return Grant{Token: s.token}, nil
	}
	s.token = ""
	return s.ask(ctx)
}

// Reject forgets a token that a service did not accept.
func (s *Source) Reject(token string) {
	<-s.lock
	defer func() { s.lock <- struct{}{} }()
	if s.token == token {
		s.token = ""
	}
}

func (s *Source) ask(ctx context.Context) (Grant, error) {
	way := &way{ctx: ctx, client: s.opts.Client}
	style := oauth2.AuthStyleInHeader
	if s.opts.InBody {
		style = oauth2.AuthStyleInParams
	}
	config := clientcredentials.Config{
		ClientID: s.opts.ID, ClientSecret: s.opts.Secret, TokenURL: s.opts.TokenURL, Scopes: s.opts.Scopes, AuthStyle: style,
	}
	granted, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport:     way,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	switch {
	case way.err != nil:
		return Grant{}, way.err
	case way.resp == nil:
		return Grant{}, fmt.Errorf("asking for an access token: %w", err)
	}
	redaction := probe.NewRedaction(Secrets(s.opts.ID, s.opts.Secret)...)
	grant := Grant{Duration: way.resp.Duration, Exchanges: way.resp.Exchanges}
	for i := range grant.Exchanges {
		grant.Exchanges[i].BodyStart = "" // holds a token, or what was sent for it
	}
	switch {
	case way.resp.Reason != "":
		grant.Reason, grant.Detail = way.resp.Reason, "token endpoint: "+way.resp.Detail
	case err != nil:
		grant.Reason = Refused
		grant.Detail = redaction.Text(fmt.Sprintf("token endpoint answered %d %s, want an access token", way.resp.Status, said(way.resp.Body)))
	case !bearer(granted.AccessToken):
		grant.Reason, grant.Detail = Refused, fmt.Sprintf("token endpoint answered %d without a token that can be sent", way.resp.Status)
	default:
		grant.Token = granted.AccessToken
		s.token, s.end = granted.AccessToken, granted.Expiry
	}
	return grant, nil
}

// Secrets returns the forms in which a client's secret is sent, for the redaction of results.
func Secrets(id, secret string) []string {
	escaped := url.QueryEscape(secret)
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + escaped))
	return []string{secret, escaped, "Basic " + basic}
}

// bearer reports whether a text can be sent as a token (RFC 6750, section 2.1).
func bearer(text string) bool {
	return len(text) <= 8<<10 && regexp.MustCompile(`^[\x21-\x7e]+$`).MatchString(text)
}

// maxSaid bounds the endpoint's own words in a detail.
const maxSaid = 100

// said returns the error's word and description (RFC 6749, section 5.2).
func said(body []byte) string {
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == "" {
		return "without an error's name"
	}
	text := answer.Error
	if answer.Description != "" {
		text += ": " + answer.Description
	}
	return fmt.Sprintf("%q", probe.Clip(text, maxSaid))
}

// way carries the one request of a grant by the agent's own client, and keeps what came of it.
type way struct {
	ctx    context.Context // of the probe
	client *httpx.Client
	resp   *httpx.Response
	err    error
}

// RoundTrip sends the request, once.
func (w *way) RoundTrip(req *http.Request) (*http.Response, error) {
	defer func() { _ = req.Body.Close() }()
	form, err := io.ReadAll(req.Body)
	if err != nil {
		w.err = fmt.Errorf("reading the request for an access token: %w", err)
		return nil, w.err
	}
	w.resp, w.err = w.client.Do(w.ctx, &httpx.Request{Method: req.Method, URL: req.URL.String(), Header: req.Header, Body: form})
	if w.err != nil {
		return nil, w.err
	}
	if w.resp.Reason != "" {
		return nil, fmt.Errorf("no answer: %s", w.resp.Reason)
	}
	return &http.Response{
		StatusCode: w.resp.Status, Header: w.resp.Header, Body: io.NopCloser(bytes.NewReader(w.resp.Body)), Request: req,
		ProtoMajor: 1, ProtoMinor: 1, ContentLength: w.resp.BodyBytes,
	}, nil
}
