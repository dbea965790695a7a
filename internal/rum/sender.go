package rum

import (
	"net/http"
	"net/netip"
)

// sender returns the network that a request comes from: the /24 or /56 that one customer usually has addresses of.
func (s *Server) sender(r *http.Request) netip.Prefix {
	address := s.proxies.Sender(r)
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
