package rum

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestServer_Sender(t *testing.T) {
	s := &Server{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.1/32")}}
	for _, test := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.9:5000", nil, "203.0.113.0/24"},
		{"IPv6", "[2001:db8:1:2ff:3::9]:5000", nil, "2001:db8:1:200::/56"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.9]:5000", nil, "203.0.113.0/24"},
		{"an address with a zone", "[fe80::1%eth0]:5000", nil, "fe80::/56"},
		{"who is not a proxy says nothing", "203.0.113.9:5000", []string{"198.51.100.1"}, "203.0.113.0/24"},
		{"behind a proxy", "10.1.1.1:5000", []string{"203.0.113.9"}, "203.0.113.0/24"},
		{"behind a proxy of one address", "192.0.2.1:5000", []string{"203.0.113.9"}, "203.0.113.0/24"},
		{"beside a proxy of one address", "192.0.2.2:5000", []string{"203.0.113.9"}, "192.0.2.0/24"},
		{"behind a proxy by IPv4 in IPv6", "[::ffff:10.1.1.1]:5000", []string{"203.0.113.9"}, "203.0.113.0/24"},
		{"behind two", "10.1.1.1:5000", []string{"203.0.113.9, 10.2.2.2"}, "203.0.113.0/24"},
		{"behind two that write lines of their own", "10.1.1.1:5000", []string{"203.0.113.9", "fd00::1"}, "203.0.113.0/24"},
		{"forged before the first proxy", "10.1.1.1:5000", []string{"198.51.100.1, 203.0.113.9, 10.2.2.2"}, "203.0.113.0/24"},
		{"forged as a proxy", "10.1.1.1:5000", []string{"10.9.9.9, 203.0.113.9"}, "203.0.113.0/24"},
		{"forged in a line of its own", "10.1.1.1:5000", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.0/24"},
		{"with a port", "10.1.1.1:5000", []string{"203.0.113.9:1234"}, "203.0.113.0/24"},
		{"IPv6 with a port", "10.1.1.1:5000", []string{"[2001:db8::1]:1234"}, "2001:db8::/56"},
		{"IPv6 in brackets", "10.1.1.1:5000", []string{"[2001:db8::1]"}, "2001:db8::/56"},
		{"blanks", "10.1.1.1:5000", []string{"  203.0.113.9 ,\t10.2.2.2 "}, "203.0.113.0/24"},
		{"nobody knows", "10.1.1.1:5000", []string{"unknown"}, "10.1.1.0/24"},
		{"nobody knows before a proxy", "10.1.1.1:5000", []string{"203.0.113.9, unknown, 10.2.2.2"}, "10.2.2.0/24"},
		{"empty", "10.1.1.1:5000", []string{""}, "10.1.1.0/24"},
		{"nothing behind a comma", "10.1.1.1:5000", []string{"203.0.113.9,"}, "10.1.1.0/24"},
		{"proxies alone", "10.1.1.1:5000", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.0/24"},
		{"no address", "@", nil, "invalid Prefix"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.forwarded}}
			if got := s.sender(r).String(); got != test.want {
				t.Errorf("%s with %q is of %s, want %s", test.peer, strings.Join(test.forwarded, " | "), got, test.want)
			}
		})
	}
}
