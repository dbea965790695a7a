package ledger

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How much of no use an address may send before the rest is not looked at closer, in each period. What is waited for is
// taken in from everybody at any time, so that a flood of guesses drowns no receipt. Beyond so many addresses in
// a period the others have to wait for the next one: that bounds memory.
const (
	period      = 10 * time.Second
	perAddress  = 50
	maxSenders  = 10_000
	networkBits = 64 // of an IPv6 address: what one customer has at least (RFC 6177)
)

// strangers counts what is of no use by the address that it came from. The zero value is ready. It is safe for
// concurrent use.
type strangers struct {
	mu    sync.Mutex
	since time.Time
	sent  map[netip.Prefix]int
}

// admit reports whether something of no use that came from a network may be looked at closer.
func (s *strangers) admit(from netip.Prefix, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil || now.Sub(s.since) >= period {
		s.since, s.sent = now, make(map[netip.Prefix]int)
	}
	n, known := s.sent[from]
	if !known && len(s.sent) >= maxSenders || n >= perAddress {
		return false
	}
	s.sent[from] = n + 1
	return true
}

// sender returns what a request is counted for.
func (s *Server) sender(r *http.Request) netip.Prefix { return networkOf(s.proxies.Sender(r)) }

// networkOf returns what an address is counted for: itself, of IPv6 its network. Those that are none count as one.
func networkOf(address netip.Addr) netip.Prefix {
	bits := address.BitLen()
	if address.Is6() {
		bits = networkBits
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
