package httpkind

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Target is the part of a touchpoint's "with" block that says where to ask and how. A kind embeds it.
type Target struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Address to ask for, http or https. It must not hold a password."`
	Headers       map[string]string       `yaml:"headers" doc:"Request headers. What describes the device (Accept…, Sec-…, User-Agent) is sent to every host on the way, all others to the first site only. Credentials belong into secret_headers."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers with a secret value, sent to the first site only."`
	Redirects     Redirects               `yaml:"redirects" doc:"Which redirects are followed."`
	MaxBody       int64                   `yaml:"max_body" format:"bytes" min:"1KiB" max:"64MiB" doc:"Largest body that is read, both as transferred and decompressed."`
	Resolver      string                  `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	AllowPrivate  bool                    `yaml:"allow_private" doc:"Let redirects lead from public to private addresses. Default: no."`
	TLS           TLS                     `yaml:"tls" doc:"How the certificate is verified."`
	HTTP3         string                  `yaml:"http3" enum:"only,check" doc:"only asks by HTTP/3 alone; check asks as always, then by HTTP/3 when the answer offers it. Default: neither."`
	Addresses     string                  `yaml:"addresses" enum:"any,all" doc:"all asks every address of the name, at most 20, and compares. any asks the first that answers, as customers do. Default: any."`
}

// Redirects says which redirects are followed. Browsers and apps follow them without asking.
type Redirects struct {
	Max            int      `yaml:"max" min:"0" max:"20" doc:"Most redirects that are followed; with 0 the redirect itself is the answer."`
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

// mistakes collects what is wrong with a target.
type mistakes struct{ errs []error }

func (m *mistakes) add(field, format string, args ...any) {
	m.errs = append(m.errs, probe.Fieldf(field, format, args...))
}

func (m *mistakes) joined() error { return errors.Join(m.errs...) }

// parseURL returns nil when the URL is a mistake.
func (t *Target) parseURL(m *mistakes) *url.URL {
	if t.URL == "" {
		m.add("url", "missing, want https://host/path")
		return nil
	}
	target, err := httpx.ParseURL(t.URL)
	switch {
	case err != nil:
		m.add("url", "%w", err)
		return nil
	case target.User != nil:
		m.add("url", "holds credentials, want them in secret_headers as Authorization")
	}
	return target
}

// validate checks the fields that stand for themselves.
func (t *Target) validate(m *mistakes) {
	if t.Redirects.Max < 0 {
		m.add("redirects.max", "%d, want 0 or more", t.Redirects.Max)
	}
	if t.MaxBody <= 0 {
		m.add("max_body", "%d, want 1 byte or more", t.MaxBody)
	}
	t.validateReach(m)
	if t.Resolver != "" && !isHostPort(t.Resolver) {
		m.add("resolver", "%q, want host:port", t.Resolver)
	}
	if _, err := netip.ParseAddr(t.TLS.ServerName); t.TLS.ServerName != "" && err != nil {
		if _, err := asciiHost(t.TLS.ServerName); err != nil {
			m.add("tls.server_name", "%q, want the name of a host", t.TLS.ServerName)
		}
	}
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && n > 0 && host != ""
}

// profile says what results of the touchpoint can have. A redirect can lead to a name and to TLS when the URL has
// neither. Certificate dates are exported for what is https by its configuration, so that others have no series that
// stay empty.
func (t *Target) profile(target *url.URL, request *Request) probe.Profile {
	secure, redirected := target.Scheme == "https" || request.Secure && t.Redirects.Max > 0, t.Redirects.Max > 0
	p := probe.Profile{
		Target:  HostPort(target),
		URL:     httpx.RedactURL(target),
		Metrics: []string{request.Metric},
		TLS:     secure,
	}
	if _, err := netip.ParseAddr(target.Hostname()); err != nil || redirected {
		p.Phases = append(p.Phases, probe.Resolve)
	}
	// QUIC has one handshake, which is the phase TLS; only what is not secure is still connected to.
	if t.HTTP3 != http3Only || target.Scheme == "http" || t.Redirects.AllowDowngrade {
		p.Phases = append(p.Phases, probe.Connect)
	}
	if secure || redirected {
		p.Phases = append(p.Phases, probe.TLS)
	}
	p.Phases = append(p.Phases, probe.Send, probe.Wait, probe.Receive)
	if secure {
		p.Metrics = append(p.Metrics, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	p.Metrics = append(p.Metrics, t.reachMetrics()...)
	return p
}

// HostPort returns the address that a URL names, with the port of its scheme when it has none.
func HostPort(target *url.URL) string {
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

// fieldOf returns the path of a header's field. A name that is none is quoted, so that a message stays on one line.
func fieldOf(block, name string) string {
	if !httpguts.ValidHeaderFieldName(name) {
		name = strconv.Quote(name)
	}
	return block + "." + name
}

// isDevice reports whether a header field describes the device and what it can read, which every host may know.
func isDevice(name string) bool {
	return strings.HasPrefix(name, "Accept") || strings.HasPrefix(name, "Sec-") || name == "User-Agent" ||
		name == "Upgrade-Insecure-Requests"
}
