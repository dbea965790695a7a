package httpx_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestScopeOf(t *testing.T) {
	tests := []struct {
		addr string
		want httpx.Scope
	}{
		{"93.184.216.34", httpx.Global},
		{"2606:2800:220:1::1", httpx.Global},
		{"8.8.8.8", httpx.Global},
		{"172.15.255.255", httpx.Global},
		{"172.32.0.0", httpx.Global},
		{"100.63.255.255", httpx.Global},
		{"100.128.0.0", httpx.Global},
		{"169.253.0.1", httpx.Global},
		{"127.0.0.1", httpx.Loopback},
		{"127.255.0.3", httpx.Loopback},
		{"::1", httpx.Loopback},
		{"::ffff:127.0.0.1", httpx.Loopback},
		{"::127.0.0.1", httpx.Loopback},
		{"64:ff9b::7f00:1", httpx.Loopback},
		{"2002:7f00:1::", httpx.Loopback},
		{"10.1.2.3", httpx.Private},
		{"172.16.0.1", httpx.Private},
		{"192.168.1.1", httpx.Private},
		{"100.64.0.1", httpx.Private},
		{"198.18.0.1", httpx.Private},
		{"fc00::1", httpx.Private},
		{"fd12::1", httpx.Private},
		{"fec0::1", httpx.Private},
		{"64:ff9b:1::1", httpx.Private},
		{"::ffff:10.0.0.1", httpx.Private},
		{"64:ff9b::a00:1", httpx.Private},
		{"64:ff9b::808:808", httpx.Global},
		{"169.254.169.254", httpx.LinkLocal},
		{"169.254.0.1", httpx.LinkLocal},
		{"::ffff:169.254.169.254", httpx.LinkLocal},
		{"64:ff9b::a9fe:a9fe", httpx.LinkLocal},
		{"2002:a9fe:a9fe::", httpx.LinkLocal},
		{"fe80::1", httpx.LinkLocal},
		{"fe80::1%eth0", httpx.LinkLocal},
		{"fd00:ec2::254", httpx.LinkLocal},
		{"fd20:ce::254", httpx.LinkLocal},
		{"100.100.100.200", httpx.LinkLocal},
		{"168.63.129.16", httpx.LinkLocal},
		{"192.0.0.192", httpx.LinkLocal},
		{"0.0.0.0", httpx.Special},
		{"0.1.2.3", httpx.Special},
		{"::", httpx.Special},
		{"::ffff:0.0.0.0", httpx.Special},
		{"224.0.0.1", httpx.Special},
		{"255.255.255.255", httpx.Special},
		{"240.0.0.1", httpx.Special},
		{"192.0.2.1", httpx.Special},
		{"198.51.100.7", httpx.Special},
		{"203.0.113.9", httpx.Special},
		{"ff02::1", httpx.Special},
		{"2001:db8::1", httpx.Special},
		{"2001::1", httpx.Special},
		{"100::1", httpx.Special},
	}
	for _, test := range tests {
		t.Run(test.addr, func(t *testing.T) {
			if got := httpx.ScopeOf(netip.MustParseAddr(test.addr)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if got := httpx.ScopeOf(netip.Addr{}); got != httpx.Special {
		t.Errorf("the zero address is %v, want %v", got, httpx.Special)
	}
}

func TestPolicy_Allows(t *testing.T) {
	const global, private, loopback, metadata = "8.8.8.8", "10.0.0.1", "127.0.0.1", "169.254.169.254"
	tests := []struct {
		name   string
		policy httpx.Policy
		way    []string // addresses of the exchanges, the last one in question
		want   bool
	}{
		{"operator: global", httpx.OperatorURL, []string{global}, true},
		{"operator: private", httpx.OperatorURL, []string{private}, true},
		{"operator: loopback", httpx.OperatorURL, []string{loopback}, true},
		{"operator: metadata", httpx.OperatorURL, []string{metadata}, true},
		{"redirect from global to global", httpx.OperatorURL, []string{global, global}, true},
		{"redirect from global to private", httpx.OperatorURL, []string{global, private}, false},
		{"redirect from global to loopback", httpx.OperatorURL, []string{global, loopback}, false},
		{"redirect from private to private", httpx.OperatorURL, []string{private, private}, true},
		{"redirect from private to global", httpx.OperatorURL, []string{private, global}, true},
		{"redirect from private to loopback", httpx.OperatorURL, []string{private, loopback}, false},
		{"redirect from private over global back", httpx.OperatorURL, []string{private, global, private}, false},
		{"redirect from loopback to private", httpx.OperatorURL, []string{loopback, private}, true},
		{"redirect from loopback to metadata", httpx.OperatorURL, []string{loopback, metadata}, false},
		{"redirect from metadata to metadata", httpx.OperatorURL, []string{metadata, metadata}, false},
		{"redirect to unspecified", httpx.OperatorURL, []string{loopback, "0.0.0.0"}, false},
		{"content: global", httpx.ContentURL, []string{global}, true},
		{"content: private", httpx.ContentURL, []string{private}, false},
		{"content: loopback", httpx.ContentURL, []string{loopback}, false},
		{"content: mapped loopback", httpx.ContentURL, []string{"::ffff:127.0.0.1"}, false},
		{"content: redirect to private", httpx.ContentURL, []string{global, private}, false},
		{"any: all", httpx.AnyAddress, []string{global, metadata}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var way []netip.Addr
			for _, addr := range test.way {
				way = append(way, netip.MustParseAddr(addr))
			}
			last := len(way) - 1
			if err := test.policy.Check(way[last], way[:last]...); (err == nil) != test.want {
				t.Errorf("got %v, want allowed %v", err, test.want)
			}
		})
	}
}

// The policy is applied to connections, whatever the spelling of the URL.
func TestClient_AddressForbidden(t *testing.T) {
	target := listen(t, answer("HTTP/1.1 204 No Content\r\n\r\n"))
	_, port, _ := net.SplitHostPort(target)
	tests := []struct {
		name        string
		url         string
		policy      httpx.Policy
		fromContent bool
		redirect    bool // to the URL, from a server on loopback
		reason      probe.Reason
	}{
		{name: "operator", url: "http://127.0.0.1:PORT/"},
		{name: "content policy", url: "http://127.0.0.1:PORT/", policy: httpx.ContentURL, reason: probe.AddressForbidden},
		{name: "found in content", url: "http://127.0.0.1:PORT/", fromContent: true, reason: probe.AddressForbidden},
		{name: "found in content, name", url: "http://localhost:PORT/", fromContent: true, reason: probe.AddressForbidden},
		{name: "found in content, mapped", url: "http://[::ffff:127.0.0.1]:PORT/", fromContent: true, reason: probe.AddressForbidden},
		{name: "found in content, unspecified", url: "http://0.0.0.0:PORT/", fromContent: true, reason: probe.AddressForbidden},
		{name: "found in content, zone", url: "http://[fe80::1%25lo]:PORT/", fromContent: true, reason: probe.AddressForbidden},
		{name: "found in content, allowed", url: "http://127.0.0.1:PORT/", fromContent: true, policy: httpx.AnyAddress},
		{name: "redirect to loopback from loopback", url: "http://127.0.0.1:PORT/", redirect: true},
		{name: "redirect to metadata", url: "http://169.254.169.254/latest", redirect: true, reason: probe.AddressForbidden},
		{name: "redirect to IPv6 metadata", url: "http://[fd00:ec2::254]/", redirect: true, reason: probe.AddressForbidden},
		{name: "redirect to NAT64 metadata", url: "http://[64:ff9b::a9fe:a9fe]/", redirect: true, reason: probe.AddressForbidden},
		{name: "redirect to unspecified", url: "http://0.0.0.0:PORT/", redirect: true, reason: probe.AddressForbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := strings.ReplaceAll(test.url, "PORT", port)
			exchanges := 1
			if test.redirect {
				url = "http://" + listen(t, answer("HTTP/1.1 302 Found\r\nLocation: "+url+"\r\n\r\n")) + "/"
				exchanges = 2
			}
			resp := do(t, newClient(t, httpx.Options{Policy: test.policy, MaxRedirects: 3}),
				&httpx.Request{URL: url, FromContent: test.fromContent})
			if resp.Reason != test.reason || len(resp.Exchanges) != exchanges {
				t.Errorf("got %q (%s) after %d exchanges, want %q after %d", resp.Reason, resp.Detail, len(resp.Exchanges), test.reason, exchanges)
			}
			if _, ok := resp.Exchanges[exchanges-1].Phases.Get(probe.Connect); ok == (test.reason != "") {
				t.Errorf("connected: %v", ok)
			}
		})
	}
}
