package page

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// builder builds the probers of all touchpoints.
type builder struct{ clients httpx.Common }

// build validates the configuration and returns a ready prober.
func (b *builder) build(c Config, setup probe.Setup) (probe.Built, error) {
	target, errURL := parseURL(c.URL)
	headers, errHeaders := c.requestHeaders(setup.UserAgent)
	rules, errRules := c.Expect.compile()
	errFields := c.validate()
	client, errTLS := b.clients.New(c.options(target, headers, setup))
	if errTLS != nil {
		errTLS = probe.Fieldf("tls", "%w", errTLS) // all else that the client could dislike was left out
	}
	if err := errors.Join(errURL, errFields, errHeaders, errRules, errTLS); err != nil {
		return probe.Built{}, err
	}
	profile := c.profile(target)
	return probe.Built{
		Prober: &prober{
			client:      client,
			request:     httpx.Request{URL: c.URL, Header: headers.firstHost},
			rules:       rules,
			redaction:   probe.NewRedaction(headers.secrets...),
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
	if c.Profile != desktop && c.Profile != phone {
		errs = append(errs, probe.Fieldf("profile", "%q, want %s or %s", c.Profile, desktop, phone))
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

// options returns those of the client, without what validate complains about.
func (c *Config) options(target *url.URL, headers requestHeaders, setup probe.Setup) httpx.Options {
	options := httpx.Options{
		Header:         headers.everyHost,
		Timeout:        setup.Timeout,
		MaxRedirects:   max(0, c.Redirects.Max),
		AllowedHosts:   slices.Clone(c.Redirects.Hosts),
		AllowDowngrade: c.Redirects.AllowDowngrade,
		BodyLimit:      max(0, c.MaxBody),
		TLS: httpx.TLSOptions{
			CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName,
		},
	}
	if target != nil && len(options.AllowedHosts) > 0 {
		options.AllowedHosts = append(options.AllowedHosts, target.Hostname())
	}
	if c.AllowPrivate {
		options.Policy = httpx.AnyAddress
	}
	if isHostPort(c.Resolver) {
		options.Resolver = c.Resolver
	}
	return options
}

// profile says what results of the touchpoint can have. A redirect can lead to a name and to TLS when the URL has
// neither. Certificate dates are exported for what is https by its configuration, so that plain pages have no series
// that stay empty.
func (c *Config) profile(target *url.URL) probe.Profile {
	redirected := c.Redirects.Max > 0
	final, err := url.Parse(c.Expect.FinalURL)
	secure := target.Scheme == "https" || redirected && err == nil && final.Scheme == "https"
	p := probe.Profile{
		Target:  hostPort(target),
		URL:     httpx.RedactURL(target),
		Metrics: []string{pageBytes},
		TLS:     secure,
	}
	if _, err := netip.ParseAddr(target.Hostname()); err != nil || redirected {
		p.Phases = append(p.Phases, probe.Resolve)
	}
	p.Phases = append(p.Phases, probe.Connect)
	if secure || redirected {
		p.Phases = append(p.Phases, probe.TLS)
	}
	p.Phases = append(p.Phases, probe.Send, probe.Wait, probe.Receive)
	if secure {
		p.Metrics = append(p.Metrics, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return p
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
