package forwarded_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/forwarded"
)

func proxies() forwarded.Proxies {
	return forwarded.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.1/32")}
}

func TestProxies_Sender(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.9:5000", nil, "203.0.113.9"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.9]:5000", nil, "203.0.113.9"},
		{"who is not a proxy says nothing", "203.0.113.9:5000", []string{"198.51.100.1"}, "203.0.113.9"},
		{"behind two that write lines of their own", "10.1.1.1:5000", []string{"203.0.113.9", "fd00::1"}, "203.0.113.9"},
		{"forged before the first proxy", "10.1.1.1:5000", []string{"198.51.100.1, 203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"beside a proxy of one address", "192.0.2.2:5000", []string{"203.0.113.9"}, "192.0.2.2"},
		{"nobody knows before a proxy", "10.1.1.1:5000", []string{"203.0.113.9, unknown, 10.2.2.2"}, "10.2.2.2"},
		{"proxies alone", "10.1.1.1:5000", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"no address", "@", nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.forwarded}}
		if got := proxies().Sender(r).String(); got != test.want {
			t.Errorf("%s: %s with %q is %s, want %s", test.name, test.peer, strings.Join(test.forwarded, " | "), got, test.want)
		}
	}
}

func TestProxies_Wrong(t *testing.T) {
	t.Parallel()
	all := append(proxies(), netip.MustParsePrefix("0.0.0.0/0"), netip.Prefix{}, netip.MustParsePrefix("::ffff:10.0.0.0/104"))
	wrong := all.Wrong()
	for i := range all {
		if said := wrong[i]; (said == "") != (i < 3) {
			t.Errorf("%v: got %q", all[i], said)
		}
	}
}
