package tls

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The versions that can be asked for, as users write them.
const (
	version12 = "1.2"
	version13 = "1.3"
)

const (
	httpsPort = 443
	maxNames  = 100 // more than any certificate authority puts into one certificate
)

// build reports all mistakes at once.
func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, probe.Fieldf(field, format, args...)) }
	p := &prober{names: c.Names, issuer: c.Issuer}
	var err error
	if p.to, err = httpx.ParseEndpoint(c.Address, httpsPort); err != nil {
		wrong("address", "%w", err)
	}
	p.to.Secure = true
	switch c.MinVersion {
	case version12:
		p.oldest = tls.VersionTLS12
	case version13:
		p.oldest = tls.VersionTLS13
	default:
		wrong("min_version", "%q, want %s or %s", c.MinVersion, version12, version13)
	}
	if len(c.Names) > maxNames {
		wrong("names", "%d, want at most %d", len(c.Names), maxNames)
	}
	for _, name := range c.Names {
		if _, err := httpx.ParseEndpoint(strings.TrimPrefix(name, "*."), httpsPort); err != nil || strings.Contains(name, ":") {
			wrong("names", "%q, want the name of a host", name)
		}
	}
	if _, err := httpx.ParseEndpoint(c.Resolver, 0); c.Resolver != "" && err != nil {
		wrong("resolver", "%w", err)
		c.Resolver = ""
	}
	p.client, err = clients.New(httpx.Options{
		Timeout: setup.Timeout, Resolver: c.Resolver,
		TLS: httpx.TLSOptions{
			CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName,
			// Old versions are offered too, so that a server that knows nothing newer can be told from one that is broken,
			// and shows its chain.
			MinVersion: tls.VersionTLS10,
		},
	})
	if err != nil {
		wrong("tls", "%w", err) // all else that the client could dislike is ours
	}
	if err := errors.Join(errs...); err != nil {
		return probe.Built{}, err
	}
	p.url = "tls://" + p.to.String()
	return probe.Built{Prober: p, Profile: p.profile()}, nil
}

func (p *prober) profile() probe.Profile {
	profile := probe.Profile{
		Target: p.to.String(), URL: p.url, TLS: true,
		Metrics: []string{probe.CertificateNotAfter, probe.CertificateNotBefore},
	}
	if _, err := netip.ParseAddr(p.to.Host); err != nil {
		profile.Phases = append(profile.Phases, probe.Resolve)
	}
	profile.Phases = append(profile.Phases, probe.Connect, probe.TLS)
	return profile
}
