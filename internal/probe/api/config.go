package api

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is the "with" block of a touchpoint of kind api.
type Config struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Address to call, http or https. It must not hold a password."`
	Method        string                  `yaml:"method" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" doc:"Method of the request. Default: GET."`
	Headers       map[string]string       `yaml:"headers" doc:"Request headers, sent to the first host only. Credentials belong into secret_headers."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers with a secret value, sent to the first host only."`
	Body          string                  `yaml:"body" format:"hidden" doc:"Body of the request."`
	JSON          any                     `yaml:"json" doc:"Body of the request, written as YAML and sent as JSON."`
	BodyFile      string                  `yaml:"body_file" format:"file" doc:"File with the body of the request, at most 1 MiB."`
	Redirects     Redirects               `yaml:"redirects" doc:"Which redirects are followed."`
	MaxBody       int64                   `yaml:"max_body" format:"bytes" min:"1KiB" max:"64MiB" doc:"Largest response that is read, both as transferred and decompressed. Default: 1MiB."`
	Expect        assert.Rules            `yaml:"expect" doc:"What the response must be like. Without any rule a 2xx status passes."`
	Resolver      string                  `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	AllowPrivate  bool                    `yaml:"allow_private" doc:"Let redirects lead from public to private addresses. Default: no."`
	TLS           TLS                     `yaml:"tls" doc:"How the certificate is verified."`
}

// Redirects says which redirects are followed. Apps follow them without asking, and so does the default.
type Redirects struct {
	Max            int      `yaml:"max" min:"0" max:"20" doc:"Most redirects that are followed; with 0 the redirect itself is the answer. Default: 5."`
	Hosts          []string `yaml:"hosts" doc:"Hosts that a redirect may lead to, beside that of the URL; *.example.com stands for all below it. Default: any."`
	AllowDowngrade bool     `yaml:"allow_downgrade" doc:"Follow redirects from https to http. Default: no."`
}

// TLS says how connections are secured. Certificates are always verified.
type TLS struct {
	CAFile     string `yaml:"ca_file" format:"file" doc:"PEM file with the only authorities that are trusted. Default: the system's."`
	ServerName string `yaml:"server_name" doc:"Name that is asked for and verified instead of the URL's host."`
	CertFile   string `yaml:"cert_file" format:"file" doc:"PEM file with a client certificate and its chain."`
	KeyFile    string `yaml:"key_file" format:"file" doc:"PEM file with the key of the client certificate."`
}

// Defaults that are no rule of their own.
const (
	defaultRedirects = 5
	defaultMaxBody   = 1 << 20 // an app that gets more than 1 MiB from one call has another problem
)

func defaults(probe.ChannelType) Config {
	return Config{Method: http.MethodGet, Redirects: Redirects{Max: defaultRedirects}, MaxBody: defaultMaxBody}
}

// build validates the configuration and returns a ready prober.
func build(c Config, setup probe.Setup) (probe.Built, error) {
	target, errURL := parseURL(c.URL)
	request, secrets, errRequest := c.request()
	expect, errExpect := c.Expect.Compile("expect")
	client, errClient := c.client(target, setup)
	if err := errors.Join(errURL, c.checkMethod(), errRequest, errExpect, errClient); err != nil {
		return probe.Built{}, err
	}
	return probe.Built{
		Prober:  &prober{client: client, request: request, expect: expect, secrets: probe.NewRedaction(secrets...)},
		Profile: c.profile(target),
	}, nil
}

// client returns the client of the touchpoint. target is nil when the URL is a mistake.
func (c *Config) client(target *url.URL, setup probe.Setup) (*httpx.Client, error) {
	options := httpx.Options{
		UserAgent:      setup.UserAgent,
		Header:         http.Header{"Accept": {"*/*"}},
		Timeout:        setup.Timeout,
		MaxRedirects:   c.Redirects.Max,
		AllowedHosts:   c.Redirects.Hosts,
		AllowDowngrade: c.Redirects.AllowDowngrade,
		BodyLimit:      c.MaxBody,
		Resolver:       c.Resolver,
		TLS: httpx.TLSOptions{
			CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName,
		},
	}
	if len(c.Redirects.Hosts) > 0 && target != nil {
		options.AllowedHosts = append(slices.Clone(c.Redirects.Hosts), target.Hostname())
	}
	if c.AllowPrivate {
		options.Policy = httpx.AnyAddress
	}
	return httpx.New(options)
}

func parseURL(raw string) (*url.URL, error) {
	target, err := httpx.ParseURL(raw)
	switch {
	case raw == "":
		return nil, probe.Fieldf("url", "missing, want https://host/path")
	case err != nil:
		return nil, probe.Fieldf("url", "%w", err)
	case target.User != nil:
		return nil, probe.Fieldf("url", "holds credentials, want them in secret_headers as Authorization")
	}
	return target, nil
}

func (c *Config) checkMethod() error {
	methods := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
	switch {
	case !slices.Contains(methods, c.Method):
		return probe.Fieldf("method", "%q, want one of %v", c.Method, methods)
	case c.Method == http.MethodHead && (len(c.Expect.JSON) > 0 || len(c.Expect.Contains) > 0 || c.Expect.Size.Min > 0):
		return probe.Fieldf("method", "HEAD has no response body, but the expectations need one")
	}
	return nil
}

// profile says what results of the touchpoint can have. A redirect can lead to a name and to TLS when the URL has
// neither.
func (c *Config) profile(target *url.URL) probe.Profile {
	secure := target.Scheme == "https" || c.Redirects.Max > 0
	_, err := netip.ParseAddr(target.Hostname())
	var phases []probe.Phase
	if err != nil || c.Redirects.Max > 0 {
		phases = append(phases, probe.Resolve)
	}
	phases = append(phases, probe.Connect)
	if secure {
		phases = append(phases, probe.TLS)
	}
	return probe.Profile{
		Target:  hostPort(target),
		URL:     httpx.RedactURL(target),
		Phases:  append(phases, probe.Send, probe.Wait, probe.Receive),
		Metrics: []string{responseBytes},
		TLS:     secure,
	}
}
