package api

import (
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
	}
}

// builder builds the probers of all touchpoints.
type builder struct{ opener httpkind.Opener }

// build validates the configuration and returns a ready prober.
func (b *builder) build(c Config, setup probe.Setup) (probe.Built, error) {
	errMethod := c.checkMethod()
	body, contentType, errBody := c.requestBody()
	expect, errExpect := c.Expect.Compile("expect")
	built, errTarget := b.opener.Open(&c.Target, setup, httpkind.Request{
		Method:      c.Method,
		Body:        body,
		ContentType: contentType,
		Secrets:     secrets(body),
		Metric:      responseBytes,
		Judge:       judge(expect),
	})
	if err := errors.Join(errTarget, errMethod, errBody, errExpect); err != nil {
		return probe.Built{}, err
	}
	return built, nil
}

// judge checks answers against the expectations.
func judge(expect *assert.Set) httpkind.Judge {
	return func(response *httpx.Response) []probe.Finding {
		return expect.Check(&assert.Response{
			Status:   response.Status,
			Header:   response.Header,
			Body:     response.Body,
			Duration: response.Duration,
		})
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
	}
	return nil
}
