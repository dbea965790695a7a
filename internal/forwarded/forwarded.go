// Package forwarded says which address a request comes from, for listeners that stand behind reverse proxies and limit
// how often an address may come. It imports the standard library only, and keeps and logs nothing.
package forwarded

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of reverse proxies that are believed what they say in X-Forwarded-For. The zero value
// believes nobody. It is immutable and safe for concurrent use.
type Proxies []netip.Prefix

// Wrong says what is wrong with each of the networks, by its index; nothing when they are fine.
func (p Proxies) Wrong() map[int]string {
	wrong := make(map[int]string)
	for i, proxy := range p {
		switch {
		case !proxy.IsValid() || proxy.Bits() == 0:
			wrong[i] = fmt.Sprintf("%s fits every address or none, want the network of a proxy", proxy)
		case proxy.Addr().Is4In6():
			wrong[i] = fmt.Sprintf("%s is IPv4 written as IPv6, want it as IPv4", proxy)
		}
	}
	return wrong
}

// Trusts reports whether an address is a proxy's.
func (p Proxies) Trusts(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// Sender returns the address that a request comes from; the zero Addr when it has none. What X-Forwarded-For says is
// believed as far as it was written by listed proxies, which is from its end: the first address there that is not one of
// theirs. Everything before it was written by the sender, or by nobody knows whom.
func (p Proxies) Sender(r *http.Request) netip.Addr {
	address := Parse(r.RemoteAddr)
	for _, line := range slices.Backward(r.Header.Values("X-Forwarded-For")) {
		for hops := line; hops != ""; {
			if !p.Trusts(address) {
				return address
			}
			at := strings.LastIndexByte(hops, ',')
			next := Parse(strings.TrimSpace(hops[at+1:]))
			if !next.IsValid() {
				return address
			}
			address, hops = next, hops[:max(at, 0)]
		}
	}
	return address
}

// Parse reads an address with or without a port, IPv4 in IPv6 as IPv4; the zero Addr is none.
func Parse(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap()
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}
