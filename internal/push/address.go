package push

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// ParseProvider returns the address of a provider: https, or http to this machine alone, where stand-ins are, because
// keys and tokens are sent there. User info, query and fragment are refused. The error is a FieldError of field and
// holds nothing of the address.
func ParseProvider(field, raw string) (*url.URL, error) {
	u, err := httpx.ParseURL(raw)
	switch {
	case err != nil:
		// What is wrong with it would show parts of it.
		return nil, probe.Fieldf(field, "not an absolute URL, want https://host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, probe.Fieldf(field, "has user info, query or fragment, want https://host and a path at most")
	case u.Scheme != "https" && !IsLoopback(u.Hostname()):
		return nil, probe.Fieldf(field, "is not https, want https, or http to 127.0.0.1, ::1 or localhost")
	}
	return u, nil
}

// IsLoopback reports whether a host is this machine: an address of its own alone, or localhost.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// HostPort returns where the connections for an address of http, https, ws or wss go, as host:port.
func HostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https" || u.Scheme == "wss":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
