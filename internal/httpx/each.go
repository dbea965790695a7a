package httpx

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// pin is an address of a host that is connected to, whatever else the host has.
type pin struct {
	host string
	addr netip.Addr
	all  []netip.Addr
	took time.Duration // of the lookup that found it
}

// is reports whether a host is the one that is pinned.
func (p *pin) is(host string) bool { return p != nil && strings.EqualFold(p.host, host) }

// resolvePinned returns the address of the host that was looked up before. The first exchange has the phase of that lookup:
// whoever comes to this address has waited for it.
func (x *exchange) resolvePinned() ([]netip.Addr, error) {
	if x.first {
		x.record.Phases.Add(probe.Resolve, x.pinned.took)
	}
	x.record.Addresses = texts(x.pinned.all)
	return []netip.Addr{x.pinned.addr}, x.trail.check(x.client.reserved, x.pinned.addr)
}

// Each looks up the host of a request once and makes the request with every one of its addresses, at most 20 of them, at
// once: one that hangs takes no time from the others. It returns what conclude makes of each response, in the order of the
// lookup; conclude is called for several at once and should let go of the bodies. Without several addresses it is called
// once, with what Do returns and the zero address. Errors are those of Do, and one of them is the error of all.
func Each[T any](ctx context.Context, c *Client, req *Request, conclude func(netip.Addr, *Response) T) ([]T, error) {
	target, err := c.parse(req.URL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	host, start := target.url.Hostname(), time.Now()
	var all []netip.Addr
	if _, err := netip.ParseAddr(host); err != nil {
		all, _ = c.resolver.Lookup(ctx, host) // why there is none is what Do says
	}
	took := time.Since(start)
	if all = all[:min(len(all), maxAddresses)]; len(all) < 2 {
		response, err := c.Do(ctx, req)
		if err != nil {
			return nil, err
		}
		return []T{conclude(netip.Addr{}, response)}, nil
	}
	concluded := make([]T, len(all))
	var asked errgroup.Group
	for i, addr := range all {
		asked.Go(func() error {
			response, err := c.do(ctx, req, new(Jar), &pin{host, addr, all, took})
			if err != nil {
				return err
			}
			response.Start = start
			concluded[i] = conclude(addr, response)
			return nil
		})
	}
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	return concluded, nil
}
