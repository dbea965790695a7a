package httpx

import (
	"net/netip"
	"testing"
)

func TestScopeOf(t *testing.T) {
	table := reserved()
	tests := []struct {
		addr string
		want scope
	}{
		{"93.184.216.34", global},
		{"2606:2800:220:1::1", global},
		{"8.8.8.8", global},
		{"172.15.255.255", global},
		{"172.32.0.0", global},
		{"100.63.255.255", global},
		{"100.128.0.0", global},
		{"169.253.0.1", global},
		{"127.0.0.1", loopback},
		{"127.255.0.3", loopback},
		{"::1", loopback},
		{"::ffff:127.0.0.1", loopback},
		{"::127.0.0.1", loopback},
		{"64:ff9b::7f00:1", loopback},
		{"2002:7f00:1::", loopback},
		{"10.1.2.3", private},
		{"172.16.0.1", private},
		{"192.168.1.1", private},
		{"100.64.0.1", private},
		{"198.18.0.1", private},
		{"fc00::1", private},
		{"fd12::1", private},
		{"fec0::1", private},
		{"64:ff9b:1::1", private},
		{"::ffff:10.0.0.1", private},
		{"64:ff9b::a00:1", private},
		{"64:ff9b::808:808", global},
		{"169.254.169.254", linkLocal},
		{"169.254.0.1", linkLocal},
		{"::ffff:169.254.169.254", linkLocal},
		{"64:ff9b::a9fe:a9fe", linkLocal},
		{"2002:a9fe:a9fe::", linkLocal},
		{"fe80::1", linkLocal},
		{"fe80::1%eth0", linkLocal},
		{"fd00:ec2::254", linkLocal},
		{"fd00:ec2::23", linkLocal},
		{"::ffff:0:169.254.169.254", linkLocal},
		{"::ffff:0:8.8.8.8", global},
		{"2607:f8b0::5efe:a9fe:a9fe", linkLocal},
		{"2607:f8b0::200:5efe:a9fe:a9fe", linkLocal},
		{"2607:f8b0::5efe:808:808", global},
		{"2607:f8b0::100:5efe:a9fe:a9fe", global},
		{"fe80::5efe:808:808", linkLocal},
		{"fd12::5efe:808:808", private},
		{"fd20:ce::254", linkLocal},
		{"100.100.100.200", linkLocal},
		{"168.63.129.16", linkLocal},
		{"192.0.0.192", linkLocal},
		{"0.0.0.0", special},
		{"0.1.2.3", special},
		{"::", special},
		{"::ffff:0.0.0.0", special},
		{"224.0.0.1", special},
		{"255.255.255.255", special},
		{"240.0.0.1", special},
		{"192.0.2.1", special},
		{"198.51.100.7", special},
		{"203.0.113.9", special},
		{"ff02::1", special},
		{"2001:db8::1", special},
		{"2001::1", special},
		{"100::1", special},
		{"1::1", special},
		{"4000::1", special},
		{"e000::1", special},
		{"5f00::1", special},
		{"1fff::1", special},
		{"3ffe::1", global},
	}
	for _, test := range tests {
		t.Run(test.addr, func(t *testing.T) {
			if got := scopeOf(table, netip.MustParseAddr(test.addr)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if got := scopeOf(table, netip.Addr{}); got != special {
		t.Errorf("the zero address is %v, want %v", got, special)
	}
}

func TestPolicy_Allows(t *testing.T) {
	const world, intranet, own, metadata = "8.8.8.8", "10.0.0.1", "127.0.0.1", "169.254.169.254"
	tests := []struct {
		name   string
		policy Policy
		way    []string // addresses of the exchanges, the last one in question
		want   bool
	}{
		{"operator: global", OperatorURL, []string{world}, true},
		{"operator: private", OperatorURL, []string{intranet}, true},
		{"operator: loopback", OperatorURL, []string{own}, true},
		{"operator: metadata", OperatorURL, []string{metadata}, true},
		{"redirect from global to global", OperatorURL, []string{world, world}, true},
		{"redirect from global to private", OperatorURL, []string{world, intranet}, false},
		{"redirect from global to loopback", OperatorURL, []string{world, own}, false},
		{"redirect from private to private", OperatorURL, []string{intranet, intranet}, true},
		{"redirect from private to global", OperatorURL, []string{intranet, world}, true},
		{"redirect from private to loopback", OperatorURL, []string{intranet, own}, false},
		{"redirect from private over global back", OperatorURL, []string{intranet, world, intranet}, false},
		{"redirect from loopback to private", OperatorURL, []string{own, intranet}, true},
		{"redirect from loopback to metadata", OperatorURL, []string{own, metadata}, false},
		{"redirect from metadata to metadata", OperatorURL, []string{metadata, metadata}, false},
		{"redirect to unspecified", OperatorURL, []string{own, "0.0.0.0"}, false},
		{"content: global", ContentURL, []string{world}, true},
		{"content: private", ContentURL, []string{intranet}, false},
		{"content: loopback", ContentURL, []string{own}, false},
		{"content: mapped loopback", ContentURL, []string{"::ffff:127.0.0.1"}, false},
		{"content: redirect to private", ContentURL, []string{world, intranet}, false},
		{"any: all", AnyAddress, []string{world, metadata}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table, way := reserved(), trail{policy: test.policy}
			last := len(test.way) - 1
			for _, addr := range test.way[:last] {
				way.went(table, netip.MustParseAddr(addr))
			}
			if err := way.check(table, netip.MustParseAddr(test.way[last])); (err == nil) != test.want {
				t.Errorf("got %v, want allowed %v", err, test.want)
			}
		})
	}
}
