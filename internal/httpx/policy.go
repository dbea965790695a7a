package httpx

import (
	"fmt"
	"net/netip"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Policy says which addresses may be connected to. It is applied to resolved addresses, right before each connection,
// so that no name, no spelling of an address and no second lookup gets round it.
type Policy uint8

// The policies.
const (
	// OperatorURL is for URLs that the operator wrote: the first may lead anywhere, because people probe their intranet.
	// A redirect never leads to a narrower scope than any exchange before it, and never to a link-local or metadata
	// address.
	OperatorURL Policy = iota
	// ContentURL is for URLs found in content: global addresses only.
	ContentURL
	// AnyAddress has no limit. It is for operators who ask for it.
	AnyAddress
)

// scope is how far an address reaches, narrowest first.
type scope uint8

const (
	special   scope = iota // unspecified, multicast, broadcast, documentation and other reserved addresses
	linkLocal              // with the metadata addresses of cloud providers
	loopback
	private // RFC 1918, RFC 4193, RFC 6598 (carrier-grade NAT)
	global
)

// String returns the lower-case words.
func (s scope) String() string {
	switch s {
	case special:
		return "special"
	case linkLocal:
		return "link-local or metadata"
	case loopback:
		return "loopback"
	case private:
		return "private"
	case global:
		return "global"
	}
	return fmt.Sprintf("scope(%d)", uint8(s))
}

// scopedPrefix gives a scope to a range that netip does not tell apart.
type scopedPrefix struct {
	prefix netip.Prefix
	scope  scope
}

// reserved returns the ranges of the IANA special-purpose registries (RFC 6890 and its updates) that netip.Addr has no
// method for. The first match decides.
func reserved() []scopedPrefix {
	table := []struct {
		prefix string
		scope  scope
	}{
		{"168.63.129.16/32", linkLocal}, // platform address of one cloud provider, reachable from its guests only
		{"192.0.0.192/32", linkLocal},   // metadata of another
		{"100.100.100.200/32", linkLocal},
		{"fd00:ec2::/32", linkLocal}, // metadata and credentials of a third
		{"fd20:ce::254/128", linkLocal},
		{"0.0.0.0/8", special}, // on many systems another spelling of loopback
		{"100.64.0.0/10", private},
		{"192.0.0.0/24", special},
		{"192.0.2.0/24", special},
		{"192.88.99.0/24", special},
		{"198.18.0.0/15", private}, // benchmarks of inner networks (RFC 2544)
		{"198.51.100.0/24", special},
		{"203.0.113.0/24", special},
		{"240.0.0.0/4", special},
		{"2001::/23", special},
		{"2001:db8::/32", special},
		{"3fff::/20", special},
		{"64:ff9b:1::/48", private}, // local-use NAT64 (RFC 8215)
		{"fec0::/10", private},      // site-local, deprecated but routed
	}
	prefixes := make([]scopedPrefix, len(table))
	for i, row := range table {
		prefixes[i] = scopedPrefix{netip.MustParsePrefix(row.prefix), row.scope}
	}
	return prefixes
}

// scopeOf returns the scope of an address. An address that carries an IPv4 address has the scope of that one.
func scopeOf(table []scopedPrefix, addr netip.Addr) scope {
	addr = addr.WithZone("").Unmap()
	inner, how := embedded(addr)
	switch how {
	case translated:
		return scopeOf(table, inner)
	case tunnelled:
		return min(plainScope(table, addr), scopeOf(table, inner))
	}
	return plainScope(table, addr)
}

// plainScope returns the scope of an address as such.
func plainScope(table []scopedPrefix, addr netip.Addr) scope {
	for _, row := range table {
		if row.prefix.Contains(addr) {
			return row.scope
		}
	}
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsMulticast():
		return special
	case addr.IsLoopback():
		return loopback
	case addr.IsLinkLocalUnicast():
		return linkLocal
	case addr.IsPrivate():
		return private
	case addr.Is6() && addr.As16()[0]&0xe0 != 0x20:
		return special // nothing but 2000::/3 is assigned as global unicast (RFC 4291 section 2.4)
	}
	return global
}

// carriage is how an IPv6 address carries an IPv4 address.
type carriage uint8

const (
	native     carriage = iota // it carries none
	translated                 // it is another spelling of it
	tunnelled                  // packets to it may end there, whatever network it is in
)

// embedded returns the IPv4 address that an IPv6 address carries.
func embedded(addr netip.Addr) (netip.Addr, carriage) {
	if !addr.Is6() || addr == netip.IPv6Loopback() || addr.IsUnspecified() {
		return addr, native
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	switch [12]byte(b[:12]) {
	case [12]byte{0, 0x64, 0xff, 0x9b}, // NAT64 (RFC 6052)
		[12]byte{},                 // IPv4-compatible (RFC 4291 section 2.5.5.1)
		[12]byte{8: 0xff, 9: 0xff}: // IPv4-translated (RFC 2765 section 2.1)
		return last, translated
	}
	switch {
	case b[0] == 0x20 && b[1] == 0x02: // 6to4 (RFC 3056)
		return netip.AddrFrom4([4]byte(b[2:6])), translated
	case b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP (RFC 5214 section 6.1)
		return last, tunnelled
	}
	return addr, native
}

// trail is what the policy needs to know of the exchanges before.
type trail struct {
	policy Policy
	hops   int
	widest scope // of the addresses connected to so far
}

// check returns a fault unless addr may be connected to next.
func (t *trail) check(table []scopedPrefix, addr netip.Addr) error {
	if t.policy == AnyAddress {
		return nil
	}
	reach := scopeOf(table, addr)
	switch {
	case t.policy == ContentURL && reach != global:
		return faultf(probe.AddressForbidden, "address %s is %s, want a global one", addr, reach)
	case t.hops > 0 && reach <= linkLocal:
		return faultf(probe.AddressForbidden, "redirect leads to %s, which is %s", addr, reach)
	case t.hops > 0 && reach < t.widest:
		return faultf(probe.AddressForbidden, "redirect leads from a %s address to %s, which is %s", t.widest, addr, reach)
	}
	return nil
}

// went remembers the address that an exchange was made with.
func (t *trail) went(table []scopedPrefix, addr netip.Addr) {
	t.hops++
	t.widest = max(t.widest, scopeOf(table, addr))
}
