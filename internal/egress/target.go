package egress

import (
	"net/netip"
	"strconv"
	"strings"
)

// target is whom a browser wants to talk to.
type target struct {
	host string // lower-case name, or an address in its usual spelling; IPv6 without brackets
	port uint16
}

// parseTarget reads "host:port"; without a port it is the given one, and 0 demands it.
func parseTarget(authority string, port uint16) (target, bool) {
	host := authority
	end := strings.LastIndexByte(authority, ']')
	if colon := strings.LastIndexByte(authority, ':'); colon > end {
		host = authority[:colon]
		n, err := strconv.ParseUint(authority[colon+1:], 10, 16)
		if err != nil {
			return target{}, false
		}
		port = uint16(n)
	}
	if end >= 0 {
		if !strings.HasPrefix(host, "[") || !strings.HasSuffix(host, "]") {
			return target{}, false
		}
		addr, err := netip.ParseAddr(host[1 : len(host)-1])
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return target{}, false
		}
		return target{addr.Unmap().String(), port}, port != 0
	}
	host, ok := parseHost(host)
	return target{host, port}, ok && port != 0 && !strings.Contains(host, ":")
}

// parseHost returns the one spelling of a name or an address that everything else compares. The many spellings of an IPv4
// address (WHATWG URL standard, IPv4 parser) become the one with dots.
func parseHost(host string) (string, bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String(), addr.Zone() == ""
	}
	if host == "" || len(host) > 253 {
		return "", false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInName) {
			return "", false
		}
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; isNumber(last) {
		addr, ok := parseIPv4(host)
		return addr.String(), ok
	}
	return host, true
}

// notInName reports characters that no host name has after a URL was parsed. The underscore is against the rules
// (RFC 1123) and in use.
func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// isNumber reports whether browsers take a name that ends in this label for an address.
func isNumber(label string) bool {
	if digits, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// parseIPv4 reads up to four numbers, decimal, octal or hexadecimal; the last one fills what the others leave.
func parseIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, ok := parseNumber(part)
		room := 8
		if i == len(parts)-1 {
			room = 8 * (5 - len(parts))
		}
		if !ok || n >= 1<<room {
			return netip.Addr{}, false
		}
		value = value<<room | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func parseNumber(text string) (uint64, bool) {
	base := 10
	if digits, hex := strings.CutPrefix(text, "0x"); hex {
		text, base = digits, 16
	} else if len(text) > 1 && text[0] == '0' {
		text, base = text[1:], 8
	}
	if text == "" {
		return 0, base == 16 // "0x" is 0
	}
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil
}
