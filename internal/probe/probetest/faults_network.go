package probetest

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// dnsFaults are names that lead nowhere.
func dnsFaults() []Fault {
	dns := func(r reply) func(testing.TB) Target {
		return func(tb testing.TB) Target {
			tb.Helper()
			return Target{URL: "http://" + Name + "/", Resolver: serveDNS(tb, r)}
		}
	}
	return []Fault{
		{Name: "DNS: no such name", Start: dns(reply{code: dnsmessage.RCodeNameError}), Want: probe.DNSNotFound},
		{Name: "DNS: name without address", Start: dns(reply{}), Want: probe.DNSNotFound},
		{Name: "DNS: server failure", Start: dns(reply{code: dnsmessage.RCodeServerFailure}), Want: probe.DNSFailed},
		{Name: "DNS: refused", Start: dns(reply{code: dnsmessage.RCodeRefused}), Want: probe.DNSFailed},
		{Name: "DNS: cut off, and nothing over TCP", Start: dns(reply{cut: true}), Want: probe.DNSFailed},
		{Name: "DNS: no answer", Start: dns(reply{silent: true}), Want: probe.DNSTimeout, Hangs: true},
		{Name: "DNS: no server", Start: func(tb testing.TB) Target {
			tb.Helper()
			return Target{URL: "http://" + Name + "/", Resolver: closedUDP(tb)}
		}, Want: probe.DNSFailed},
	}
}

// connectFaults are addresses that nobody gets through to.
func connectFaults() []Fault {
	return []Fault{
		{Name: "connect: refused", Start: ClosedPort, Want: probe.ConnectRefused},
		{Name: "connect: refused, there by HTTP/3 only", Start: http3Only, Want: probe.ConnectRefused},
		{Name: "connect: refused by the address of a name", Start: func(tb testing.TB) Target {
			tb.Helper()
			_, port, _ := net.SplitHostPort(closedTCP(tb))
			return Target{URL: "http://" + Name + ":" + port + "/", Resolver: serveDNS(tb, reply{addresses: []netip.Addr{loopback()}})}
		}, Want: probe.ConnectRefused},
		{Name: "connect: black hole", Start: func(tb testing.TB) Target {
			tb.Helper()
			return Target{URL: "http://" + blackHole(tb, "127.0.0.1:0") + "/"}
		}, Want: probe.ConnectTimeout, Hangs: true},
		// The system itself refuses to connect to a multicast address: nothing is sent.
		{Name: "connect: no route", Start: func(testing.TB) Target { return Target{URL: "http://224.0.0.1/"} }, Want: probe.ConnectUnreachable},
	}
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// ClosedPort returns a target on which nothing listens.
func ClosedPort(tb testing.TB) Target {
	tb.Helper()
	return Target{URL: "http://" + closedTCP(tb) + "/"}
}

// closedTCP returns the address of the near end of a connection: nothing listens there, and nobody else can.
func closedTCP(tb testing.TB) (address string) {
	tb.Helper()
	return occupied(tb, "tcp", listen(tb, hold))
}

// closedUDP returns the address of a socket that takes datagrams from port 9 only: all others are refused.
func closedUDP(tb testing.TB) (address string) {
	tb.Helper()
	return occupied(tb, "udp", "127.0.0.1:9")
}

// occupied returns the address of a socket that is connected until the test ends.
func occupied(tb testing.TB, network, to string) (address string) {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), network, to)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// blackHole returns an address whose queue of connections is full: the system drops what comes, as a firewall does.
func blackHole(tb testing.TB, at string) (address string) {
	tb.Helper()
	listener, err := net.Listen("tcp", at) //nolint:noctx // it does not wait
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	socket, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		tb.Fatal(err)
	}
	var listenErr error
	err = socket.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), 0) }) // the shortest queue there is
	if err != nil || listenErr != nil {
		tb.Fatal(err, listenErr)
	}
	for refused := 0; refused < 2; { // once may be a machine that is busy
		ctx, cancel := context.WithTimeout(tb.Context(), 200*time.Millisecond)
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		cancel()
		if err != nil {
			refused++
			continue
		}
		tb.Cleanup(func() { _ = conn.Close() })
	}
	return listener.Addr().String()
}
