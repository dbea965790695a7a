package httpkind

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// hosts returns the hosts that redirects may lead to as DNS knows them, those below a name with "*." in front. Mistakes
// are left out.
func (t *Target) hosts(m *mistakes) []string {
	var hosts []string
	for i, pattern := range t.Redirects.Hosts {
		host, err := ParseHost(pattern)
		if err != nil {
			m.add(fmt.Sprintf("redirects.hosts[%d]", i), "%q: %w", pattern, err)
			continue
		}
		hosts = append(hosts, host)
	}
	return hosts
}

// ParseHost reads a host of a configuration, or "*." and the name that hosts are below.
func ParseHost(pattern string) (string, error) {
	wanted := errors.New("want a host such as shop.example.com or *.example.com, without scheme, port and path")
	name, below := strings.CutPrefix(pattern, "*.")
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && !below {
		return addr.String(), nil
	}
	host, err := asciiHost(name)
	if err != nil {
		return "", wanted
	}
	if below {
		return "*." + host, nil
	}
	return host, nil
}

// asciiHost returns the name of a host as DNS knows it (RFC 5891), in lower case and without a dot at its end. What is
// ASCII is taken more freely than the RFC does, because names with underscores are in use.
func asciiHost(name string) (string, error) {
	host := strings.ToLower(strings.TrimSuffix(name, "."))
	if strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		var err error
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", fmt.Errorf("host name %q: %w", name, err)
		}
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.ContainsFunc(label, isNoHostLetter) {
			return "", fmt.Errorf("host name %q: want labels of letters, digits and hyphens", name)
		}
	}
	return host, nil
}

func isNoHostLetter(r rune) bool {
	return (r < 'a' || 'z' < r) && (r < '0' || '9' < r) && r != '-' && r != '_'
}
