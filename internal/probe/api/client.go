package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// options returns those of the client, without what validate complains about. target is nil when the URL is a mistake.
func (c *Config) options(target *url.URL, setup probe.Setup) httpx.Options {
	options := httpx.Options{
		UserAgent:      setup.UserAgent,
		Header:         http.Header{"Accept": {"*/*"}},
		Timeout:        setup.Timeout,
		MaxRedirects:   max(0, c.Redirects.Max),
		AllowDowngrade: c.Redirects.AllowDowngrade,
		BodyLimit:      max(0, c.MaxBody),
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
	if isHostPort(c.Resolver) {
		options.Resolver = c.Resolver
	}
	return options
}

// profile says what results of the touchpoint can have. A redirect can lead to a name and to TLS when the URL has
// neither; the dates of a certificate are exported for what is https by its configuration.
func (c *Config) profile(target *url.URL) probe.Profile {
	secure, redirected := target.Scheme == "https", c.Redirects.Max > 0
	p := probe.Profile{
		Target:  hostPort(target),
		URL:     httpx.RedactURL(target),
		Metrics: []string{responseBytes},
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

// hostPort returns the address that a URL names, with the port of its scheme when it has none.
func hostPort(target *url.URL) string {
	port := target.Port()
	switch {
	case port != "":
	case target.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(target.Hostname(), port)
}
