package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is the "with" block of a touchpoint of kind api.
type Config struct {
	httpkind.Target `yaml:",inline"`

	Method   string       `yaml:"method" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" doc:"Method of the request."`
	Body     string       `yaml:"body" format:"hidden" doc:"Body of the request. Results hide its texts of 6 characters or more."`
	JSON     any          `yaml:"json" doc:"Body of the request, written as YAML and sent as JSON. Results hide its texts of 6 characters or more."`
	BodyFile string       `yaml:"body_file" format:"file" doc:"File with the body of the request, at most 1 MiB. Results hide its texts of 6 characters or more."`
	GraphQL  graphQL      `yaml:"graphql" doc:"A GraphQL query in place of a body; it is sent by POST."`
	Auth     authConfig   `yaml:"auth" doc:"Who the call is from. Client certificates are in tls."`
	Trace    bool         `yaml:"trace" doc:"Send a traceparent header (W3C Trace Context) and show it in the evidence, so that the back end's trace is found."`
	Assert   assert.List  `yaml:"assert" doc:"What else must hold, each with a name, how much it matters, and sentences of your own."`
	Expect   assert.Rules `yaml:"expect" doc:"What the response must be like. Without any rule a 2xx status passes."`
}

// Defaults that are no rule of their own.
const (
	defaultRedirects = 5
	defaultMaxBody   = 1 << 20 // an app that gets more than 1 MiB from one call has another problem
)

func defaults(probe.ChannelType) Config {
	return Config{
		Target: httpkind.Target{Redirects: httpkind.Redirects{Max: defaultRedirects}, MaxBody: defaultMaxBody},
		Method: http.MethodGet,
		Trace:  true,
	}
}

// builder builds the probers of all touchpoints.
type builder struct{ opener httpkind.Opener }

// build validates the configuration and returns a ready prober.
func (b *builder) build(c Config, setup probe.Setup) (probe.Built, error) {
	query := !c.GraphQL.isZero()
	if query {
		c.Method = http.MethodPost
	}
	errMethod := c.checkMethod()
	body, contentType, errBody := c.requestBody()
	if c.Assert.JudgesStatus() && len(c.Expect.Status) == 0 {
		c.Expect.Status = []string{"100-599"}
	}
	expect, errExpect := c.Expect.Compile("expect")
	asserts, errAssert := c.Assert.Compile("assert")
	from, errAuth := c.Auth.sender(b.tokenClient(&c, setup), hasHeader(c.SecretHeaders, "Authorization"))
	built, errTarget := b.opener.Open(&c.Target, setup, httpkind.Request{
		Method:      c.Method,
		Body:        body,
		ContentType: contentType,
		Secrets:     append(httpkind.BodySecrets(body), from.secrets...),
		Metric:      responseBytes,
		Judge:       judge(expect, asserts, query),
		Prepare:     c.prepare(from, query),
	})
	if err := errors.Join(errTarget, errMethod, errBody, errExpect, errAssert, errAuth); err != nil {
		return probe.Built{}, err
	}
	return built, nil
}

// tokenClient returns what asks for tokens: like the touchpoint's own client, without redirects.
func (b *builder) tokenClient(c *Config, setup probe.Setup) func() (*httpx.Client, error) {
	target := httpkind.Target{URL: c.Auth.OAuth.TokenURL, MaxBody: defaultMaxBody, Resolver: c.Resolver, TLS: c.Auth.OAuth.TLS}
	return func() (*httpx.Client, error) {
		site, err := b.opener.Site(&target, setup, nil)
		return site.Client, err
	}
}

// prepare returns what completes each request; nil when they are all the same.
func (c *Config) prepare(from sender, query bool) func(context.Context) (httpkind.Prepared, error) {
	trace := c.Trace && !hasHeader(c.Headers, traceParent)
	if !trace && from.header == "" && from.tokens == nil && !query {
		return nil
	}
	return func(ctx context.Context) (httpkind.Prepared, error) {
		p := httpkind.Prepared{Header: make(http.Header)}
		if from.header != "" {
			p.Header.Set("Authorization", from.header)
		}
		if query && !hasHeader(c.Headers, "Accept") {
			p.Header.Set("Accept", graphQLAccept)
		}
		if trace {
			value := newTrace()
			p.Header.Set(traceParent, value)
			p.Note = "sent traceparent " + value
		}
		err := from.complete(ctx, &p)
		return p, err
	}
}

func hasHeader[V any](headers map[string]V, name string) bool {
	for header := range headers {
		if strings.EqualFold(header, name) {
			return true
		}
	}
	return false
}

// judge checks answers against what is expected. An unexpected status is the only finding.
func judge(expect *assert.Set, asserts *assert.Assertions, query bool) httpkind.Judge {
	return func(response *httpx.Response) []probe.Finding {
		answer := assert.Response{
			Status: response.Status, Header: response.Header, Body: response.Body,
			Start: response.Start, Duration: response.Duration, Phases: response.Phases, NotBefore: response.NotBefore, NotAfter: response.NotAfter,
		}
		findings := expect.Check(&answer)
		if len(findings) > 0 && findings[0].Check == assert.StatusUnexpected {
			return findings
		}
		if query {
			findings = append(findings, judgeGraphQL(response)...)
		}
		return append(findings, asserts.Check(&answer)...)
	}
}

func (c *Config) checkMethod() error {
	methods := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
	switch {
	case !slices.Contains(methods, c.Method):
		return probe.Fieldf("method", "%q, want one of %s", c.Method, strings.Join(methods, ", "))
	case c.Method == http.MethodHead && (len(c.Expect.JSON) > 0 || len(c.Expect.Contains) > 0 || c.Expect.Size.Min > 0):
		return probe.Fieldf("method", "HEAD has no response body, but expect needs one")
	case c.Method == http.MethodHead && c.Assert.ReadsBody():
		return probe.Fieldf("method", "HEAD has no response body, but a rule of assert needs one")
	}
	return nil
}
