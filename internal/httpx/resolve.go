package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Resolver looks up names: by the system's configuration, or at one server only. It keeps nothing and shares no answers,
// because every probe pays what a new customer pays. It is safe for concurrent use.
type Resolver struct {
	Server string // host:port of a DNS server; empty is the system's configuration
}

// Lookup returns the addresses of host in the order of the system (RFC 6724), IPv4 addresses as such. A lookup that is
// given up ends at once. The error is a *net.DNSError when names or servers are to blame; a lack of the agent's own
// resources, such as file descriptors, is returned as the system's error, which package net would turn into "no such
// host".
func (r Resolver) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	run := &lookup{server: r.Server}
	// A resolver of its own: others would be handed the same answer, and would not see what this one lacked. It is never
	// the C library's, which cannot be interrupted and calls every lack of its own "no such host".
	resolver := net.Resolver{PreferGo: true, Dial: run.dial}
	addrs, err := resolver.LookupNetIP(ctx, "ip", host)
	if notFound(err) {
		err = confirm(ctx, &resolver, host, err)
	}
	if err != nil {
		if lack := run.lack.Load(); lack != nil {
			err = *lack
		}
		return nil, err
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

// confirm returns why host has no address: none, unless the servers fail when asked again about one family alone. IPv4
// and IPv6 addresses are two questions, and of a failure and a "none" package net returns whichever came last.
func confirm(ctx context.Context, resolver *net.Resolver, host string, none error) error {
	for _, family := range []string{"ip4", "ip6"} {
		_, err := resolver.LookupNetIP(ctx, family, host)
		dnsErr, ok := errors.AsType[*net.DNSError](err)
		if ok && !dnsErr.IsNotFound && ctx.Err() == nil {
			return err
		}
	}
	return none
}

func notFound(err error) bool {
	dnsErr, ok := errors.AsType[*net.DNSError](err)
	return ok && dnsErr.IsNotFound
}

// lookup is one question. Its connections are opened on goroutines of package net.
type lookup struct {
	server string
	lack   atomic.Pointer[error] // why the agent itself could not ask
}

// dial opens a connection to a DNS server that is interrupted when the lookup is given up: by itself, package net would
// wait for the answer on a goroutine that nobody owns.
func (l *lookup) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.server != "" {
		address = l.server
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		if ours(err) {
			l.lack.Store(&err)
		}
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return conn, nil
}

// maxAddresses is how many of the addresses of a name evidence keeps and connections are tried with.
const maxAddresses = 20

// resolve returns the addresses of host that the policy allows and records all that the name resolved to. Literal
// addresses have no resolve phase.
func (x *exchange) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		x.record.Addresses = []string{addr.String()}
		return []netip.Addr{addr}, x.trail.check(x.client.reserved, addr)
	}
	if x.pinned.is(host) {
		return x.resolvePinned()
	}
	all, err := x.client.resolver.Lookup(ctx, host)
	x.mark(probe.Resolve)
	if err != nil {
		return nil, resolveFault(host, err)
	}
	if len(all) == 0 {
		return nil, faultf(probe.DNSNotFound, "%s has no address", host)
	}
	all = all[:min(len(all), maxAddresses)]
	x.record.Addresses = texts(all)
	allowed := all[:0:len(all)]
	var refused error
	for _, addr := range all {
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

// texts returns addresses as evidence shows them.
func texts(addrs []netip.Addr) []string {
	list := make([]string, len(addrs))
	for i, addr := range addrs {
		list[i] = addr.String()
	}
	return list
}

func resolveFault(host string, err error) error {
	if ours(err) {
		return fmt.Errorf("resolving %s: %w", host, err)
	}
	dnsErr, ok := errors.AsType[*net.DNSError](err)
	switch {
	case notFound(err):
		return faultf(probe.DNSNotFound, "resolving %s: no such name or no address", host)
	case timedOut(err), errors.Is(err, context.DeadlineExceeded):
		return faultf(probe.DNSTimeout, "resolving %s: no answer in time", host)
	case ok:
		return faultf(probe.DNSFailed, "resolving %s: %s", host, probe.Clip(dnsErr.Err, maxFieldValue))
	}
	return faultf(probe.DNSFailed, "resolving %s: %s", host, bare(err))
}
