package httpx_test

import (
	"net"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

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
