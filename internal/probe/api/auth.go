package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/oauth"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Auth is how a call shows who it is from: one of the three, or none.
type authConfig struct {
	Basic  basicConfig  `yaml:"basic" doc:"User name and password (RFC 7617)."`
	Bearer probe.Secret `yaml:"bearer" doc:"Token that is sent as Authorization: Bearer."`
	OAuth  oauthConfig  `yaml:"oauth" doc:"Access token by client credentials (RFC 6749, section 4.4); it is kept until shortly before its end."`
}

type basicConfig struct {
	Username string       `yaml:"username" doc:"User name, without a colon."`
	Password probe.Secret `yaml:"password" doc:"Password."`
}

type oauthConfig struct {
	TokenURL     string       `yaml:"token_url" format:"url" doc:"Token endpoint: https, or http on this machine."`
	ClientID     string       `yaml:"client_id" doc:"Name of the client."`
	ClientSecret probe.Secret `yaml:"client_secret" doc:"Secret of the client."`
	Scopes       []string     `yaml:"scopes" doc:"What the token is for."`
	TLS          httpkind.TLS `yaml:"tls" doc:"How the certificate of the token endpoint is verified."`
	InBody       bool         `yaml:"in_body" doc:"Send name and secret in the body rather than as basic authentication."`
}

// sender says who a call is from.
type sender struct {
	header  string // value of Authorization; empty for none, or for tokens
	tokens  *oauth.Source
	secrets []string
}

// sender reads the secrets. All mistakes are FieldErrors.
func (a *authConfig) sender(client func() (*httpx.Client, error), taken bool) (s sender, err error) {
	basic, bearer, tokens := a.Basic != basicConfig{}, !a.Bearer.IsZero(), a.OAuth.TokenURL != "" || a.OAuth.ClientID != ""
	n := 0
	for _, set := range []bool{basic, bearer, tokens, taken} {
		if set {
			n++
		}
	}
	switch {
	case n > 1 && taken:
		return s, probe.Fieldf("auth", "set beside secret_headers.Authorization, want one of them")
	case n > 1:
		return s, probe.Fieldf("auth", "more than one of basic, bearer and oauth is set, want one")
	case basic:
		return a.Basic.sender()
	case bearer:
		token, err := a.Bearer.Read()
		if err != nil {
			return s, probe.Fieldf("auth.bearer", "%w", err)
		}
		if err := httpx.ValidateHeader(http.Header{"Authorization": {token}}); err != nil {
			return s, probe.Fieldf("auth.bearer", "has control characters, want one line")
		}
		return sender{header: "Bearer " + token, secrets: []string{token}}, nil
	case tokens:
		return a.OAuth.sender(client)
	}
	return s, nil
}

func (b *basicConfig) sender() (sender, error) {
	var errs []error
	if b.Username == "" || strings.Contains(b.Username, ":") {
		errs = append(errs, probe.Fieldf("auth.basic.username", "%q, want a name without a colon", b.Username))
	}
	password, err := b.Password.Read()
	if err != nil {
		errs = append(errs, probe.Fieldf("auth.basic.password", "%w", err))
	}
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(b.Username+":"+password))
	return sender{header: header, secrets: []string{header, password}}, errors.Join(errs...)
}

func (o *oauthConfig) sender(client func() (*httpx.Client, error)) (sender, error) {
	var errs []error
	if err := checkTokenURL(o.TokenURL); err != nil {
		errs = append(errs, err)
	}
	if o.ClientID == "" {
		errs = append(errs, probe.Fieldf("auth.oauth.client_id", "missing, want the name of the client"))
	}
	secret, err := o.ClientSecret.Read()
	if err != nil {
		errs = append(errs, probe.Fieldf("auth.oauth.client_secret", "%w", err))
	}
	if len(errs) > 0 {
		return sender{}, errors.Join(errs...)
	}
	c, err := client()
	if err != nil {
		return sender{}, probe.Fieldf("auth.oauth", "%w", err)
	}
	source := oauth.New(oauth.Options{Client: c, TokenURL: o.TokenURL, ID: o.ClientID, Secret: secret, Scopes: o.Scopes, InBody: o.InBody})
	return sender{tokens: source, secrets: oauth.Secrets(o.ClientID, secret)}, nil
}

func checkTokenURL(raw string) error {
	u, err := httpx.ParseURL(raw)
	switch {
	case err != nil:
		return probe.Fieldf("auth.oauth.token_url", "%w", err)
	case u.User != nil:
		return probe.Fieldf("auth.oauth.token_url", "holds credentials, want them in client_id and client_secret")
	case u.Scheme != "https" && !local(u):
		return probe.Fieldf("auth.oauth.token_url", "is not https, want https, or http on this machine: it carries the secret")
	}
	return nil
}

func local(u *url.URL) bool {
	address, err := netip.ParseAddr(u.Hostname())
	return err == nil && address.IsLoopback() || u.Hostname() == "localhost"
}

// complete adds to a request who it is from.
func (s *sender) complete(ctx context.Context, p *httpkind.Prepared) error {
	if s.tokens == nil {
		return nil
	}
	grant, err := s.tokens.Token(ctx)
	if err != nil {
		return err
	}
	p.Exchanges, p.Duration = grant.Exchanges, grant.Duration
	p.Reason, p.Detail = grant.Reason, grant.Detail
	if grant.Token != "" {
		p.Header.Set("Authorization", "Bearer "+grant.Token)
		p.Secrets = append(p.Secrets, grant.Token)
		p.Answered = func(status int) {
			if status == http.StatusUnauthorized {
				s.tokens.Reject(grant.Token)
			}
		}
	}
	return nil
}
