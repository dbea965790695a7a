// Package grpc is the kind that asks a gRPC service for its health by the protocol that load balancers use
// (grpc.health.v1): is it ready to serve the customers' apps behind which it stands?
//
// A probe makes one call on one new connection, never tries twice, and reads little. Names, connections and TLS are
// opened by httpx, so that phases, reasons and evidence are those of all kinds; what the library does from there on is
// one phase, wait: it asks only after the service has introduced itself, and the answer is a few bytes.
//
// It imports probe, httpx, httpkind and the gRPC module only. It calls nothing but Check: no streams, no methods of the
// operator, no reflection.
package grpc

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a grpc touchpoint is told below "with".
type Config struct {
	Address        string                  `yaml:"address" required:"true" doc:"Where the service listens, as host:port. Default port: 443."`
	Service        string                  `yaml:"service" doc:"Name of the service as its health is registered, such as shop.v1.Cart. Default: the server as a whole."`
	Plaintext      bool                    `yaml:"plaintext" doc:"Speak without TLS. Default: no."`
	Metadata       map[string]string       `yaml:"metadata" doc:"Metadata that is sent with the call. Credentials belong into secret_metadata."`
	SecretMetadata map[string]probe.Secret `yaml:"secret_metadata" doc:"Metadata with a secret value, such as authorization."`
	Resolver       string                  `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	TLS            httpkind.TLS            `yaml:"tls" doc:"How the certificate is verified."`
}

// Kind returns the kind "grpc".
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "grpc",
		Summary: "Asks a gRPC service for its health as load balancers do: whether the services behind apps and sites are ready for customers.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: probe.CertificateMetrics(),
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}

func defaults(probe.ChannelType) Config { return Config{} }

// limits are for one call on a new connection. Such calls stand behind the screens of apps, one or more for each, and a
// health check does no work of its own: what it takes is what every call takes before it begins. The steps are those of
// a call to an API that people wait for (Miller 1968, Nielsen 1993): three in a row stay within a second, three and ten.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
}
