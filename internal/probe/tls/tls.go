// Package tls is the kind that looks at the certificate of a service as a browser does: who vouches for it, for which
// names, how long it still lives, and how the connection is secured. The chain is shown and its dates are measured also
// when nobody would believe it. Marketers care because a certificate that ends turns every customer away at once.
//
// It imports packages probe, httpx and httpkind. It speaks nothing on the connection: no HTTP, no STARTTLS. A server that
// wants a client certificate says so only after the handshake (RFC 8446 section 4.4.2.4) and is not asked.
package tls

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a tls touchpoint is told below "with".
type Config struct {
	Address    string       `yaml:"address" required:"true" doc:"Where to connect to, as host:port; without a port it is 443."`
	Names      []string     `yaml:"names" doc:"Further host names that the certificate has to be valid for. *.example.com is the wildcard itself."`
	Issuer     string       `yaml:"issuer" doc:"Text that the name of the certificate's issuer must hold, whatever its case. Default: any that is trusted."`
	MinVersion string       `yaml:"min_version" enum:"1.2,1.3" doc:"Oldest version of TLS that is good enough."`
	Resolver   string       `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	TLS        httpkind.TLS `yaml:"tls" doc:"How the certificate is verified."`
}

// The kind's own checks; those of names, connections and trust are shared.
const (
	weakVersion probe.CheckID = "tls_weak_version"
	missingName probe.CheckID = "tls_missing_name"
	otherIssuer probe.CheckID = "tls_other_issuer"
)

func checks() []probe.Check {
	return []probe.Check{
		{
			ID: weakVersion, Dimension: probe.Trusted, Cap: probe.Poor, Title: "outdated encryption",
			Marketing: "The connection is secured in a way that browsers no longer accept, or less well than agreed.",
			IT:        "The server's best TLS version is below min_version; browsers refuse 1.0 and 1.1 (RFC 8996). Check which ones the listener is allowed.",
		},
		{
			ID: missingName, Dimension: probe.Trusted, Cap: probe.Poor, Title: "name not in certificate",
			Marketing: "Customers who come by one of the service's other names are warned away.",
			IT:        "The certificate is not valid for one of the configured names; renew it with all of them.",
		},
		{
			ID: otherIssuer, Dimension: probe.Trusted, Cap: probe.Fair, Title: "another issuer",
			Marketing: "Somebody else than agreed vouches for this service; customers notice nothing yet.",
			IT:        "The certificate is trusted but not from the configured issuer; check who issued it, and proxies that break TLS open.",
		},
	}
}

// Kind returns the kind.
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "tls",
		Summary: "Looks at the certificate of a service: whether customers' devices trust it, and how much of its lifetime is left.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: probe.CertificateMetrics(),
		// A handshake costs the server a signature, and certificates change slowly.
		Floor:   10 * time.Second,
		Every:   5 * time.Minute,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, func(probe.ChannelType) Config { return Config{MinVersion: version12} },
		func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}

// limits are for a name lookup, one round trip of TCP and one or two of TLS (RFC 8446 needs one, RFC 5246 two), whoever
// waits: 200 ms are two or three across a continent with the work on the keys, 600 ms the same around the world. Above
// 1.5 s packets were lost or the server has no time for keys.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 200 * time.Millisecond, Good: 600 * time.Millisecond, Fair: 1500 * time.Millisecond}
}
