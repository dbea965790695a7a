package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// newResolver returns the system's resolver, or one that asks server (host:port) only. A lookup that is given up ends at
// once: by itself, package net would wait for the answer on a goroutine that nobody owns.
func newResolver(server string) *net.Resolver {
	return &net.Resolver{
		PreferGo: server != "",
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if server != "" {
				address = server
			}
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, network, address)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
			}
			return conn, err
		},
	}
}

// resolve returns the addresses of host that the policy allows, in the order of the system (RFC 6724), and all that the
// name resolved to. Literal addresses have no resolve phase.
func (x *exchange) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		x.record.Addresses = []string{addr.String()}
		return []netip.Addr{addr}, x.trail.check(x.client.reserved, addr)
	}
	all, err := x.client.resolver.LookupNetIP(ctx, "ip", host)
	x.mark(probe.Resolve)
	if err != nil {
		return nil, resolveFault(host, err)
	}
	if len(all) == 0 {
		return nil, faultf(probe.DNSNotFound, "%s has no address", host)
	}
	x.record.Addresses = make([]string, len(all))
	allowed := all[:0:len(all)]
	var refused error
	for i, addr := range all {
		addr = addr.Unmap()
		x.record.Addresses[i] = addr.String()
		if err := x.trail.check(x.client.reserved, addr); err != nil {
			refused = err
			continue
		}
		allowed = append(allowed, addr)
	}
	if len(allowed) == 0 {
		return nil, refused
	}
	return allowed, nil
}

func resolveFault(host string, err error) error {
	if ours(err) {
		return fmt.Errorf("resolving %s: %w", host, err)
	}
	dnsErr, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && dnsErr.IsNotFound:
		return faultf(probe.DNSNotFound, "resolving %s: no such name or no address", host)
	case timedOut(err), errors.Is(err, context.DeadlineExceeded):
		return faultf(probe.DNSTimeout, "resolving %s: no answer in time", host)
	case ok:
		return faultf(probe.DNSFailed, "resolving %s: %s", host, clip(dnsErr.Err, maxFieldValue))
	}
	return faultf(probe.DNSFailed, "resolving %s: %s", host, bare(err))
}
