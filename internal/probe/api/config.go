package api

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

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

// builder builds the probers of all touchpoints.
type builder struct{ clients httpx.Common }

// build validates the configuration and returns a ready prober.
func (b *builder) build(c Config, setup probe.Setup) (probe.Built, error) {
	target, errURL := parseURL(c.URL)
	request, secrets, errRequest := c.request()
	expect, errExpect := c.Expect.Compile("expect")
	errFields := c.validate()
	client, errClient := b.clients.New(c.options(target, setup))
	if errClient != nil {
		errClient = probe.Fieldf("tls", "%w", errClient) // all else that the client could dislike is left out
	}
	if err := errors.Join(errURL, errFields, errRequest, errExpect, errClient); err != nil {
		return probe.Built{}, err
	}
	profile := c.profile(target)
	return probe.Built{
		Prober: &prober{
			client:      client,
			request:     request,
			expect:      expect,
			redaction:   probe.NewRedaction(secrets...),
			certificate: profile.TLS,
		},
		Profile: profile,
	}, nil
}

func parseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, probe.Fieldf("url", "missing, want https://host/path")
	}
	target, err := httpx.ParseURL(raw)
	if err != nil {
		return nil, probe.Fieldf("url", "%w", err)
	}
	if target.User != nil {
		return nil, probe.Fieldf("url", "holds credentials, want them in secret_headers as Authorization")
	}
	return target, nil
}

// validate checks the fields that stand for themselves.
func (c *Config) validate() error {
	var errs []error
	methods := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
	switch {
	case !slices.Contains(methods, c.Method):
		errs = append(errs, probe.Fieldf("method", "%q, want one of %s", c.Method, strings.Join(methods, ", ")))
	case c.Method == http.MethodHead && (len(c.Expect.JSON) > 0 || len(c.Expect.Contains) > 0 || c.Expect.Size.Min > 0):
		errs = append(errs, probe.Fieldf("method", "HEAD has no response body, but expect needs one"))
	}
	if c.Redirects.Max < 0 {
		errs = append(errs, probe.Fieldf("redirects.max", "%d, want 0 or more", c.Redirects.Max))
	}
	if c.MaxBody <= 0 {
		errs = append(errs, probe.Fieldf("max_body", "%d, want 1 byte or more", c.MaxBody))
	}
	if c.Resolver != "" && !isHostPort(c.Resolver) {
		errs = append(errs, probe.Fieldf("resolver", "%q, want host:port", c.Resolver))
	}
	return errors.Join(errs...)
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	_, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && host != ""
}
