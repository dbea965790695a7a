package httpx

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Gate connects for those who carry somebody else's exchanges, such as a browser's, by the rules that hold for a Client:
// the same table of addresses, the same order of attempts, the same reasons. Names are theirs to resolve, and whatever
// they connect to they must have asked about. It is immutable and safe for concurrent use.
type Gate struct {
	reserved []scopedPrefix
	narrow   scope // the narrowest scope that is let through
}

// NewGate returns a gate to global addresses only (ContentURL), or to private and loopback addresses too. It is never open
// to link-local, metadata, multicast and other special addresses, because what asks is content and not the operator:
// there is no AnyAddress here.
func NewGate(allowPrivate bool) *Gate {
	narrow := global
	if allowPrivate {
		narrow = loopback
	}
	return &Gate{reserved: reserved(), narrow: narrow}
}

// Forbids returns how far an address reaches, in words such as "private", when it must not be connected to, else "".
func (g *Gate) Forbids(addr netip.Addr) string {
	if reach := scopeOf(g.reserved, addr); reach < g.narrow {
		return reach.String()
	}
	return ""
}

// Dial opens a TCP connection to the first of the addresses that answers: those of one family one after the other, and
// soon those of the other beside them (RFC 8305). There must be at least one, and none that is forbidden. It returns soon
// after ctx ends, and waits for every attempt.
func (g *Gate) Dial(ctx context.Context, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	return dial(ctx, net.Dialer{KeepAlive: -1}, addrs, port)
}

// ResolveReason returns why a Lookup of host gave this error, with a detail for people.
func ResolveReason(host string, err error) (reason probe.Reason, detail string) {
	return reasonOf(resolveFault(host, err))
}

// ConnectReason returns why Dial gave this error, with a detail for people.
func ConnectReason(err error) (reason probe.Reason, detail string) {
	return reasonOf(connectFault(err))
}

// reasonOf takes a fault apart. Every other error is a lack of the agent's own.
func reasonOf(err error) (probe.Reason, string) {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.reason, f.detail
	}
	return probe.NotMeasured, err.Error()
}
