package control

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// Flags of routes, as in linux/route.h.
const (
	routeUp      = 0x1
	routeGateway = 0x2
)

// gatewaysV4 reads proc/net/route: columns are Iface, Destination, Gateway, Flags, RefCnt, Use, Metric, Mask, …, with
// addresses in hexadecimal and in the byte order of the machine.
func gatewaysV4(data []byte) []netip.Addr {
	var all []netip.Addr
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) < 8 || fields[1] != "00000000" || fields[7] != "00000000" || !viaGateway(fields[3]) {
			continue
		}
		n, err := strconv.ParseUint(fields[2], 16, 32)
		if err != nil || n == 0 {
			continue
		}
		var address [4]byte
		binary.NativeEndian.PutUint32(address[:], uint32(n))
		all = append(all, netip.AddrFrom4(address))
	}
	return all
}

// gatewaysV6 reads proc/net/ipv6_route: columns are destination, its prefix length, source, its prefix length, next hop,
// metric, reference count, use, flags and interface, all numbers in hexadecimal.
func gatewaysV6(data []byte) []netip.Addr {
	const anywhere = "00000000000000000000000000000000"
	var all []netip.Addr
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) < 10 || fields[0] != anywhere || fields[1] != "00" || fields[4] == anywhere || !viaGateway(fields[8]) {
			continue
		}
		hop, err := hex.DecodeString(fields[4])
		if err != nil {
			continue
		}
		address, ok := netip.AddrFromSlice(hop)
		if !ok {
			continue
		}
		if address.IsLinkLocalUnicast() { // means nothing without its interface
			address = address.WithZone(fields[9])
		}
		all = append(all, address)
	}
	return all
}

func viaGateway(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&routeUp != 0 && n&routeGateway != 0
}

// resolved reports whether proc/net/arp has a complete entry for the address: columns are IP address, HW type, Flags,
// HW address, Mask and Device. The kernel drops the flag about eight seconds after an address stops to answer. There is
// no such file for IPv6.
func resolved(data []byte, address netip.Addr) bool {
	const complete = 0x2 // ATF_COM in linux/if_arp.h
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) < 6 || fields[0] != address.String() {
			continue
		}
		flags, err := strconv.ParseUint(strings.TrimPrefix(fields[2], "0x"), 16, 32)
		return err == nil && flags&complete != 0
	}
	return false
}
