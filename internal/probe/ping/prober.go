package ping

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober sends echoes to one host. It is immutable.
type prober struct {
	host     string
	count    int
	interval time.Duration
	timeout  time.Duration
	resolver httpx.Resolver
}

// Probe sends the echoes and waits for them. The duration of the result is that of the name lookup and of one round trip,
// which is what customers wait for, not that of all echoes.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	r := probe.Result{Start: time.Now(), Evidence: new(probe.Evidence)}
	err := p.probe(ctx, &r)
	if errors.Is(ctx.Err(), context.Canceled) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return probe.Result{}, fmt.Errorf("pinging %s: %w", p.host, err)
	}
	r.Duration = r.Phases.Sum()
	return r, nil
}

func (p *prober) probe(ctx context.Context, r *probe.Result) error {
	addrs, err := p.resolve(ctx, r)
	if err != nil || r.Reason != "" {
		return err
	}
	began := time.Now()
	addr, err := route(ctx, addrs)
	if err != nil {
		return p.unreached(r, began, err)
	}
	run := &echoes{prober: p, result: r, sent: make(map[int]time.Time)}
	if err := run.send(ctx, addr); err != nil {
		return p.unreached(r, began, err)
	}
	run.conclude(addr, time.Since(began))
	return nil
}

// resolve returns the addresses of the host. An address needs no phase.
func (p *prober) resolve(ctx context.Context, r *probe.Result) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(p.host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := p.resolver.Lookup(ctx, p.host)
	r.Phases.Add(probe.Resolve, time.Since(r.Start))
	if err != nil {
		if r.Reason, r.Detail = httpx.ResolveReason(p.host, err); r.Reason == probe.NotMeasured {
			return nil, err
		}
	}
	return addrs, nil
}

// route returns the first address that the host knows a way to. Connecting a datagram socket asks the routing table and
// sends nothing.
func route(ctx context.Context, addrs []netip.Addr) (netip.Addr, error) {
	var first error
	for _, addr := range addrs {
		const anyPort = 7
		conn, err := new(net.Dialer).DialContext(ctx, "udp", netip.AddrPortFrom(addr, anyPort).String())
		if err == nil {
			return addr, conn.Close()
		}
		if first == nil {
			first = err
		}
	}
	return netip.Addr{}, first
}

// unreached says why no echo left.
func (p *prober) unreached(r *probe.Result, began time.Time, err error) error {
	if _, ours := errors.AsType[*forbidden](err); ours {
		return err
	}
	r.Phases.Add(probe.Connect, time.Since(began))
	switch r.Reason, r.Detail = httpx.ConnectReason(err); r.Reason {
	case probe.NotMeasured:
		return err
	case probe.ConnectTimeout:
		r.Reason, r.Detail = unanswered, "no time was left to send an echo to "+p.host
	}
	return nil
}
