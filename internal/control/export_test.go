package control

import (
	"context"
	"net/netip"
)

// Neighbour is a neighbour as a test makes it up.
type Neighbour struct {
	Name  string
	Sworn bool
	Ask   func(ctx context.Context) error
	Seen  func() bool
}

// NewAmong returns a Control among made-up neighbours; unplugged tells whether no interface has a link.
func NewAmong(opts Options, around func() (neighbours []Neighbour, unplugged bool)) (*Control, error) {
	c, err := New(opts)
	c.discover = func() surroundings {
		made, unplugged := around()
		s := surroundings{unplugged: unplugged}
		for _, n := range made {
			s.neighbours = append(s.neighbours, neighbour{n.Name, n.Sworn, n.Ask, n.Seen})
		}
		return s
	}
	return c, err
}

// AskTCP, AskPorts and AskDNS are how neighbours are asked.
func AskTCP(ctx context.Context, address string) error { return askTCP(ctx, address) }

func AskPorts(ctx context.Context, address netip.Addr, ports ...uint16) error {
	return askPorts(ctx, address, ports)
}

func AskDNS(ctx context.Context, resolver netip.AddrPort) error { return askDNS(ctx, resolver) }

// Discover returns the names of the neighbours that a recorded tree shows, those that are seen in its ARP table, and
// whether no interface has a link.
func Discover(opts Options) (names, seen []string, unplugged bool) {
	around := discover(opts)
	for _, n := range around.neighbours {
		names = append(names, n.name)
		if n.seen != nil && n.seen() {
			seen = append(seen, n.name)
		}
	}
	return names, seen, around.unplugged
}
