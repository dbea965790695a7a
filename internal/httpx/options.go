package httpx

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Defaults of Options.
const (
	DefaultTimeout   = 30 * time.Second
	DefaultBodyLimit = 10 << 20 // bytes; the median page has 2.5 MB of all resources together (HTTP Archive, 2024)
)

// headerLimit bounds all response headers of one exchange, in bytes. It is the limit of Chromium.
const headerLimit = 256 << 10

// The protocols that can be offered by ALPN (RFC 7301 names).
const (
	HTTP1 = "http/1.1"
	HTTP2 = "h2"
	HTTP3 = "h3"
)

// Options configure a Client. The zero value follows no redirects, sends no header of its own but a user agent and the
// encodings that it can decode, and trusts the system's roots.
type Options struct {
	UserAgent      string        // probe.Setup.UserAgent, or a browser's; empty sends "Channelwatch"
	Header         http.Header   // sent to every host on the way; credentials belong into Request.Header
	Timeout        time.Duration // of one Do, all hops, when its context has no deadline; 0 is DefaultTimeout
	MaxRedirects   int           // redirects that are followed; 0 returns a redirect as it is
	AllowedHosts   []string      // hosts that a redirect may lead to, "*.example.com" with all below it; empty is any
	AllowDowngrade bool          // follow redirects from https to http
	BodyLimit      int64         // bytes, both as transferred and decoded; 0 is DefaultBodyLimit
	TLS            TLSOptions
	Resolver       string   // host:port of a DNS server; empty is the system's
	Policy         Policy   // which addresses may be connected to
	Protocols      []string // offered by ALPN in this order; empty is HTTP2, HTTP1. HTTP3 stands alone. Plain http is always HTTP/1.1
}

func (o Options) withDefaults() Options {
	if o.UserAgent == "" {
		o.UserAgent = "Channelwatch"
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.BodyLimit == 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	if len(o.Protocols) == 0 {
		o.Protocols = []string{HTTP2, HTTP1}
	}
	o.Header = o.Header.Clone()
	o.AllowedHosts = slices.Clone(o.AllowedHosts)
	for i, host := range o.AllowedHosts {
		o.AllowedHosts[i] = strings.ToLower(strings.TrimSuffix(host, "."))
	}
	return o
}

// byQUIC reports whether https goes by HTTP/3.
func (o *Options) byQUIC() bool { return slices.Equal(o.Protocols, []string{HTTP3}) }

// signature is the same for options that make the same client.
func (o *Options) signature() string {
	files := sha256.New()
	for _, name := range []string{o.TLS.CAFile, o.TLS.CertFile, o.TLS.KeyFile} {
		if name != "" {
			content, _ := os.ReadFile(name) // whoever uses the file says why it cannot be read
			files.Write(content)
		}
	}
	return fmt.Sprintf("%#v %x", *o, files.Sum(nil)) // maps are printed in the order of their keys
}

// baseHeader returns what is sent with every request.
func (o *Options) baseHeader() http.Header {
	header := http.Header{
		"User-Agent":      {o.UserAgent},
		"Accept":          {"*/*"},
		"Accept-Encoding": {acceptEncoding},
	}
	for name, values := range o.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return header
}

func (o *Options) validate() error {
	var errs []error
	if o.Timeout < 0 || o.MaxRedirects < 0 || o.BodyLimit < 0 {
		errs = append(errs, errors.New("timeout, number of redirects and limits: want none below 0"))
	}
	if o.Resolver != "" {
		host, port, err := net.SplitHostPort(o.Resolver)
		if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || host == "" {
			errs = append(errs, fmt.Errorf("resolver %q, want host:port", o.Resolver))
		}
	}
	for _, name := range o.Protocols {
		if name != HTTP1 && name != HTTP2 && !o.byQUIC() {
			errs = append(errs, fmt.Errorf("protocol %q, want %q and %q, or %q alone", name, HTTP2, HTTP1, HTTP3))
		}
	}
	if !httpguts.ValidHeaderFieldValue(o.UserAgent) {
		errs = append(errs, errors.New("user agent: want no control characters"))
	}
	return errors.Join(append(errs, ValidateHeader(o.Header))...)
}

// ValidateHeader checks names and values of request header fields (RFC 9110 section 5) and refuses those that describe
// the connection or the framing, which are the transport's. It never prints a value.
func ValidateHeader(header http.Header) error {
	var errs []error
	for name, values := range header {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			errs = append(errs, fmt.Errorf("header name %q, want letters, digits and hyphens", name))
		case slices.Contains([]string{
			"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		}, http.CanonicalHeaderKey(name)):
			errs = append(errs, fmt.Errorf("header %q belongs to the connection and is set by the client", name))
		}
		if !slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			continue
		}
		errs = append(errs, fmt.Errorf("value of header %q, want no control characters", name))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}
