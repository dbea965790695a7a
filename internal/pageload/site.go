package pageload

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// site returns whom a host belongs to: its registrable domain (publicsuffix.org), as a browser decides what is same-site.
// An address and a name without one, such as localhost, stand for themselves.
func site(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return domain
	}
	return host
}

// siteOf returns the site of an absolute URL; empty when it has no host.
func siteOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return site(u.Hostname())
}
