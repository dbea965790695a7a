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

// Scope is how far an address reaches, narrowest first.
type Scope uint8

// The scopes of addresses.
const (
	Special   Scope = iota // unspecified, multicast, broadcast, documentation and other reserved addresses
	LinkLocal              // with the metadata addresses of cloud providers
	Loopback
	Private // RFC 1918, RFC 4193, RFC 6598 (carrier-grade NAT)
	Global
)

// String returns the lower-case words.
func (s Scope) String() string {
	switch s {
	case Special:
		return "special"
	case LinkLocal:
		return "link-local or metadata"
	case Loopback:
		return "loopback"
	case Private:
		return "private"
	case Global:
		return "global"
	}
	return fmt.Sprintf("scope(%d)", s)
}

// scopedPrefix gives a scope to a range that netip does not tell apart.
type scopedPrefix struct {
	prefix netip.Prefix
	scope  Scope
}

// reserved returns the ranges of the IANA special-purpose registries (RFC 6890 and its updates) that netip.Addr has no
// method for. The first match decides.
func reserved() []scopedPrefix {
	table := []struct {
		prefix string
		scope  Scope
	}{
		{"168.63.129.16/32", LinkLocal}, // platform address of one cloud provider, reachable from its guests only
		{"192.0.0.192/32", LinkLocal},   // metadata of another
		{"100.100.100.200/32", LinkLocal},
		{"fd00:ec2::254/128", LinkLocal},
		{"fd20:ce::254/128", LinkLocal},
		{"0.0.0.0/8", Special}, // on many systems another spelling of loopback
		{"100.64.0.0/10", Private},
		{"192.0.0.0/24", Special},
		{"192.0.2.0/24", Special},
		{"192.88.99.0/24", Special},
		{"198.18.0.0/15", Private}, // benchmarks of inner networks (RFC 2544)
		{"198.51.100.0/24", Special},
		{"203.0.113.0/24", Special},
		{"240.0.0.0/4", Special},
		{"100::/64", Special},
		{"2001::/23", Special},
		{"2001:db8::/32", Special},
		{"3fff::/20", Special},
		{"5f00::/16", Special},
		{"64:ff9b:1::/48", Private}, // local-use NAT64 (RFC 8215)
		{"fec0::/10", Private},      // site-local, deprecated but routed
	}
	prefixes := make([]scopedPrefix, len(table))
	for i, row := range table {
		prefixes[i] = scopedPrefix{netip.MustParsePrefix(row.prefix), row.scope}
	}
	return prefixes
}

// ScopeOf returns the scope of an address. An address that carries an IPv4 address (mapped, compatible, NAT64 of RFC
// 6052, 6to4) has the scope of that one.
func ScopeOf(addr netip.Addr) Scope { return scopeOf(reserved(), addr) }

func scopeOf(table []scopedPrefix, addr netip.Addr) Scope {
	addr = embedded(addr.WithZone("").Unmap())
	for _, row := range table {
		if row.prefix.Contains(addr) {
			return row.scope
		}
	}
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsMulticast():
		return Special
	case addr.IsLoopback():
		return Loopback
	case addr.IsLinkLocalUnicast():
		return LinkLocal
	case addr.IsPrivate():
		return Private
	}
	return Global
}

// embedded returns the IPv4 address that an IPv6 address stands for, or addr itself.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() || addr == netip.IPv6Loopback() || addr.IsUnspecified() {
		return addr
	}
	b := addr.As16()
	switch {
	case netip.PrefixFrom(addr, 96).Masked().Addr() == netip.MustParseAddr("64:ff9b::"), // NAT64
		netip.PrefixFrom(addr, 96).Masked().Addr() == netip.IPv6Unspecified(): // IPv4-compatible
		return netip.AddrFrom4([4]byte(b[12:16]))
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

// Check returns an error that says why addr must not be connected to after the addresses of the exchanges before it, or
// nil. It is for kinds that connect by other means than a Client.
func (p Policy) Check(addr netip.Addr, before ...netip.Addr) error {
	table := reserved()
	way := trail{policy: p}
	for _, b := range before {
		way.went(table, b)
	}
	return way.check(table, addr)
}

// trail is what the policy needs to know of the exchanges before.
type trail struct {
	policy Policy
	hops   int
	widest Scope // of the addresses connected to so far
}

// check returns a fault unless addr may be connected to next.
func (t *trail) check(table []scopedPrefix, addr netip.Addr) error {
	if t.policy == AnyAddress {
		return nil
	}
	scope := scopeOf(table, addr)
	switch {
	case t.policy == ContentURL && scope != Global:
		return faultf(probe.AddressForbidden, "address %s is %s, want a global one", addr, scope)
	case t.hops > 0 && scope <= LinkLocal:
		return faultf(probe.AddressForbidden, "redirect leads to %s, which is %s", addr, scope)
	case t.hops > 0 && scope < t.widest:
		return faultf(probe.AddressForbidden, "redirect leads from a %s address to %s, which is %s", t.widest, addr, scope)
	}
	return nil
}

// went remembers the address that an exchange was made with.
func (t *trail) went(table []scopedPrefix, addr netip.Addr) {
	t.hops++
	t.widest = max(t.widest, scopeOf(table, addr))
}
