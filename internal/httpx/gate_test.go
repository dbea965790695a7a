package httpx_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestGate_Forbids(t *testing.T) {
	t.Parallel()
	closed, open := httpx.NewGate(false), httpx.NewGate(true)
	tests := []struct {
		addr               string
		global, andPrivate string // why it is forbidden
	}{
		{"8.8.8.8", "", ""},
		{"2a00:1450::1", "", ""},
		{"10.0.0.1", "private", ""},
		{"::ffff:10.0.0.1", "private", ""},
		{"fd12::1", "private", ""},
		{"127.0.0.1", "loopback", ""},
		{"::1", "loopback", ""},
		{"169.254.169.254", "link-local or metadata", "link-local or metadata"},
		{"64:ff9b::a9fe:a9fe", "link-local or metadata", "link-local or metadata"},
		{"fd00:ec2::254", "link-local or metadata", "link-local or metadata"},
		{"fe80::1%eth0", "link-local or metadata", "link-local or metadata"},
		{"0.0.0.0", "special", "special"},
		{"224.0.0.251", "special", "special"},
		{"255.255.255.255", "special", "special"},
	}
	for _, test := range tests {
		addr := netip.MustParseAddr(test.addr)
		if got := closed.Forbids(addr); got != test.global {
			t.Errorf("%s: got %q, want %q", addr, got, test.global)
		}
		if got := open.Forbids(addr); got != test.andPrivate {
			t.Errorf("%s with private ones: got %q, want %q", addr, got, test.andPrivate)
		}
	}
}

func TestGate_Dial(t *testing.T) {
	t.Parallel()
	addr, err := netip.ParseAddrPort(listen(t, hang))
	if err != nil {
		t.Fatal(err)
	}
	gate := httpx.NewGate(true)
	dead := netip.MustParseAddr("127.0.0.9")
	conn, err := gate.Dial(t.Context(), []netip.Addr{dead, addr.Addr()}, addr.Port())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	if got := conn.RemoteAddr().String(); got != addr.String() {
		t.Errorf("connected to %s, want %s", got, addr)
	}
	_, err = gate.Dial(t.Context(), []netip.Addr{dead}, addr.Port())
	if reason, detail := httpx.ConnectReason(err); reason != probe.ConnectRefused {
		t.Errorf("got %q (%s) for a closed port, want %q", reason, detail, probe.ConnectRefused)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		of     func(error) (probe.Reason, string)
		err    error
		reason probe.Reason
		detail string
	}{
		{"no such name", resolving, &net.DNSError{Err: "no such host", IsNotFound: true}, probe.DNSNotFound, "shop.test: no such name"},
		{"server failure", resolving, &net.DNSError{Err: "server misbehaving"}, probe.DNSFailed, "server misbehaving"},
		{"no answer", resolving, context.DeadlineExceeded, probe.DNSTimeout, "no answer in time"},
		{"own lack when resolving", resolving, syscall.EMFILE, probe.NotMeasured, "too many open files"},
		{"refused", httpx.ConnectReason, syscall.ECONNREFUSED, probe.ConnectRefused, "refused"},
		{"no route", httpx.ConnectReason, syscall.EHOSTUNREACH, probe.ConnectUnreachable, "no route"},
		{"hung", httpx.ConnectReason, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, probe.ConnectTimeout, "no answer in time"},
		{"own lack when connecting", httpx.ConnectReason, syscall.EMFILE, probe.NotMeasured, "too many open files"},
		{"not an error of the network", httpx.ConnectReason, errors.New("odd"), probe.ConnectUnreachable, "odd"},
	}
	for _, test := range tests {
		if reason, detail := test.of(test.err); reason != test.reason || !strings.Contains(detail, test.detail) {
			t.Errorf("%s: got %q (%s), want %q (%s)", test.name, reason, detail, test.reason, test.detail)
		}
	}
}

func resolving(err error) (probe.Reason, string) { return httpx.ResolveReason("shop.test", err) }
