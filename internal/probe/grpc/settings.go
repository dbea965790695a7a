package grpc

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/metadata"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// settings is a validated Config. It is immutable.
type settings struct {
	client    *httpx.Client
	endpoint  httpx.Endpoint
	url       string // for people
	service   string
	metadata  metadata.MD
	userAgent string
	redaction probe.Redaction
	timeout   time.Duration // of a whole probe
}

// maxService bounds the name of a service, in bytes.
const maxService = 512

func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	s, err := c.validate(setup, clients)
	if err != nil {
		return probe.Built{}, err
	}
	profile := probe.Profile{Target: s.endpoint.String(), URL: s.url, TLS: s.endpoint.Secure}
	if _, err := netip.ParseAddr(s.endpoint.Host); err != nil {
		profile.Phases = append(profile.Phases, probe.Resolve)
	}
	profile.Phases = append(profile.Phases, probe.Connect)
	if profile.TLS {
		profile.Phases = append(profile.Phases, probe.TLS)
		profile.Metrics = []string{probe.CertificateNotAfter, probe.CertificateNotBefore}
	}
	profile.Phases = append(profile.Phases, probe.Wait)
	return probe.Built{Prober: &prober{s}, Profile: profile}, nil
}

// validate returns all mistakes at once.
func (c Config) validate(setup probe.Setup, clients *httpx.Common) (settings, error) {
	s := settings{service: c.Service, userAgent: setup.UserAgent, timeout: setup.Timeout}
	errs := []error{c.endpoint(&s), c.fields(&s)}
	if len(c.Service) > maxService || !utf8.ValidString(c.Service) {
		errs = append(errs, probe.Fieldf("service", "has %d bytes, want at most %d of UTF-8", len(c.Service), maxService))
	}
	resolver := c.Resolver
	if resolver != "" && !isHostPort(resolver) {
		errs = append(errs, probe.Fieldf("resolver", "%q, want host:port", resolver))
		resolver = ""
	}
	var err error
	s.client, err = clients.New(httpx.Options{
		UserAgent: setup.UserAgent, Timeout: setup.Timeout, Resolver: resolver,
		TLS: httpx.TLSOptions{
			CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName,
		},
	})
	if err != nil {
		errs = append(errs, probe.Fieldf("tls", "%w", err)) // all else that the client could dislike was left out
	}
	return s, errors.Join(errs...)
}

// endpoint reads where to connect.
func (c Config) endpoint(s *settings) error {
	if c.Address == "" {
		return probe.Fieldf("address", "missing, want host:port")
	}
	var err error
	if s.endpoint, err = httpx.ParseEndpoint(c.Address, 443); err != nil {
		return probe.Fieldf("address", "%w", err)
	}
	s.endpoint.Secure, s.url = !c.Plaintext, "grpc://"+s.endpoint.String()
	if s.endpoint.Secure {
		s.endpoint.Protocols, s.url = []string{httpx.HTTP2}, "grpcs://"+s.endpoint.String()
	}
	return nil
}

// fields reads the metadata.
func (c Config) fields(s *settings) error {
	var errs []error
	s.metadata = make(metadata.MD)
	set := func(field, name, value string) {
		switch {
		case !isKey(name):
			errs = append(errs, probe.Fieldf(field, "name %q, want lower-case letters, digits, -, _ and ., and none of gRPC's own", name))
		case !strings.HasSuffix(name, "-bin") && httpx.ValidateHeader(http.Header{"X": {value}}) != nil:
			errs = append(errs, probe.Fieldf(field, "the value has control characters, want none"))
		case len(s.metadata[name]) > 0:
			errs = append(errs, probe.Fieldf(field, "is set twice, want one value"))
		default:
			s.metadata.Set(name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		field := fieldOf("metadata", name)
		if slices.Contains([]string{"authorization", "cookie", "proxy-authorization"}, strings.ToLower(name)) {
			errs = append(errs, probe.Fieldf(field, "is a credential, want it in secret_metadata as {file: …} or {env: …}"))
			continue
		}
		set(field, name, c.Metadata[name])
	}
	var secrets []string
	for _, name := range slices.Sorted(maps.Keys(c.SecretMetadata)) {
		field := fieldOf("secret_metadata", name)
		value, err := c.SecretMetadata[name].Read()
		if err != nil {
			errs = append(errs, probe.Fieldf(field, "%w", err))
			continue
		}
		set(field, name, value)
		secrets = append(secrets, value)
	}
	s.redaction = probe.NewRedaction(secrets...)
	return errors.Join(errs...)
}

// isKey reports whether a name is one that applications may use (gRPC over HTTP2, "Custom-Metadata"): what begins with
// grpc- or is a field of the call itself is the library's.
func isKey(name string) bool {
	own := []string{"content-type", "user-agent", "te", "host", "connection"}
	return name != "" && !strings.HasPrefix(name, "grpc-") && !slices.Contains(own, name) && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < '0' || '9' < r) && !strings.ContainsRune("-_.", r)
	})
}

// fieldOf returns the path of a field. A name that is none is quoted, so that a message stays on one line.
func fieldOf(block, name string) string {
	if !isKey(strings.ToLower(name)) {
		name = strconv.Quote(name)
	}
	return block + "." + name
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && n > 0 && host != ""
}
