package control

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxFile bounds what is read of one file.
	maxFile = 1 << 20
	// maxGateways and maxResolvers bound who is asked; three resolvers is what resolv.conf(5) allows.
	maxGateways, maxResolvers = 4, 3
)

// gatewayPorts are where gateways answer or refuse most often.
func gatewayPorts() []uint16 { return []uint16{53, 80, 443} }

// discover looks around anew at each check: addresses and routes change.
func discover(opts Options) surroundings {
	files := root(opts.Root)
	around := surroundings{unplugged: files.unplugged()}
	for _, target := range opts.Targets {
		around.neighbours = append(around.neighbours, neighbour{
			name: target, sworn: true,
			ask: func(ctx context.Context) error { return askTCP(ctx, target) },
		})
	}
	if len(opts.Targets) > 0 {
		return around
	}
	for _, gateway := range files.gateways() {
		around.neighbours = append(around.neighbours,
			neighbour{
				name: "gateway " + gateway.String(),
				ask:  func(ctx context.Context) error { return askPorts(ctx, gateway, gatewayPorts()) },
				seen: func() bool { return resolved(files.read("proc/net/arp"), gateway) },
			})
	}
	for _, resolver := range files.resolvers() {
		around.neighbours = append(around.neighbours, neighbour{
			name: "resolver " + resolver.String(),
			ask:  func(ctx context.Context) error { return askDNS(ctx, netip.AddrPortFrom(resolver, 53)) },
		})
	}
	return around
}

// root is the directory that holds proc, sys, etc and run. What cannot be read there is not known, which is no error.
type root string

func (r root) read(name string) []byte {
	file, err := os.Open(filepath.Join(string(r), name))
	if err != nil {
		return nil
	}
	defer file.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil
	}
	return data
}

// unplugged reports whether this host has network interfaces besides loopback and none of them has a link.
// Spec: operational states of RFC 2863, as in https://docs.kernel.org/networking/operstates.html.
func (r root) unplugged() bool {
	const dir = "sys/class/net"
	entries, err := os.ReadDir(filepath.Join(string(r), dir))
	if err != nil {
		return false
	}
	interfaces := 0
	for _, entry := range entries {
		if entry.Name() == "lo" {
			continue
		}
		switch string(bytes.TrimSpace(r.read(filepath.Join(dir, entry.Name(), "operstate")))) {
		case "down", "lowerlayerdown", "notpresent":
			interfaces++
		default: // up, or a device such as a tunnel that does not tell
			return false
		}
	}
	return interfaces > 0
}

// gateways returns the next hops of the default routes.
func (r root) gateways() []netip.Addr {
	var all []netip.Addr
	for _, gateway := range slices.Concat(gatewaysV4(r.read("proc/net/route")), gatewaysV6(r.read("proc/net/ipv6_route"))) {
		if !slices.Contains(all, gateway) && len(all) < maxGateways {
			all = append(all, gateway)
		}
	}
	return all
}

// resolvers returns those that are elsewhere: a resolver on this machine answers without a network. systemd-resolved
// keeps the real ones behind its own.
func (r root) resolvers() []netip.Addr {
	var all []netip.Addr
	for _, file := range []string{"etc/resolv.conf", "run/systemd/resolve/resolv.conf"} {
		for _, resolver := range parseResolvers(r.read(file)) {
			if !resolver.IsLoopback() && !slices.Contains(all, resolver) && len(all) < maxResolvers {
				all = append(all, resolver)
			}
		}
	}
	return all
}

func parseResolvers(data []byte) []netip.Addr {
	var all []netip.Addr
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if address, err := netip.ParseAddr(fields[1]); err == nil {
			all = append(all, address)
		}
	}
	return all
}
