package rum

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// sender returns the network that a request comes from: the /24 or /56 that one customer usually has addresses of.
func (s *Server) sender(r *http.Request) netip.Prefix {
	address := s.address(r)
	bits := 24
	if address.Is6() {
		bits = 56
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all: these share one bucket
	}
	return prefix
}

// address returns the address that a request comes from. What X-Forwarded-For says is believed as far as it was written by
// listed proxies, which is from its end: the first address there that is not one of theirs. Everything before it was
// written by the sender, or by nobody knows whom.
func (s *Server) address(r *http.Request) netip.Addr {
	address := parseAddress(r.RemoteAddr)
	forwarded := r.Header.Values("X-Forwarded-For")
	for _, line := range slices.Backward(forwarded) {
		for hops := line; hops != ""; {
			if !s.trusted(address) {
				return address
			}
			at := strings.LastIndexByte(hops, ',')
			next := parseAddress(strings.TrimSpace(hops[at+1:]))
			if !next.IsValid() {
				return address
			}
			address, hops = next, hops[:max(at, 0)]
		}
	}
	return address
}

func (s *Server) trusted(address netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// parseAddress reads an address with or without a port; the zero Addr is none.
func parseAddress(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap()
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}
