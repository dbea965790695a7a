package control

import (
	"net"
	"net/netip"
	"strings"
)

// Excuses reports whether blindness can excuse a failure to reach target, which is a host or host:port. It cannot when
// the target is this machine itself, which is reached without a network, or not known.
func Excuses(target string) bool {
	host := target
	if h, _, err := net.SplitHostPort(target); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return false
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return true // a name: asking for its address is what fails while blind
	}
	address = address.Unmap()
	return !address.IsLoopback() && !address.IsUnspecified() && !own(address)
}

// own reports whether an interface of this machine has the address.
func own(address netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == address.WithZone("") {
			return true
		}
	}
	return false
}
