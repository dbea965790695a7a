package httpx_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// nameserver answers questions about names: addresses, an RCode, or nothing at all.
func nameserver(t *testing.T, zone map[string]any) string {
	t.Helper()
	var config net.ListenConfig
	conn, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if reply := dnsReply(zone, b[:n]); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func dnsReply(zone map[string]any, query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	switch entry := zone[strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))].(type) {
	case nil:
		reply.RCode = dnsmessage.RCodeNameError
	case dnsmessage.RCode:
		reply.RCode = entry
	case string:
		return nil
	case []netip.Addr:
		for _, addr := range entry {
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
			switch {
			case addr.Is4() && q.Type == dnsmessage.TypeA:
				reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
			case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
				reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
			}
		}
	}
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func TestClient_Resolve(t *testing.T) {
	t.Parallel()
	addr := func(s ...string) (addrs []netip.Addr) {
		for _, a := range s {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		return addrs
	}
	dns := nameserver(t, map[string]any{
		"shop.test":     addr("127.0.0.1"),
		"two.test":      addr("127.0.0.9", "127.0.0.1"),
		"empty.test":    addr(),
		"servfail.test": dnsmessage.RCodeServerFailure,
		"refused.test":  dnsmessage.RCodeRefused,
		"silent.test":   "silence",
		"many.test":     slices.Repeat(addr("127.0.0.1"), 40),
		"metadata.test": addr("169.254.169.254", "fd00:ec2::254"),
	})
	target := listen(t, answer("HTTP/1.1 204 No Content\r\n\r\n"))
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	resolve, connect := probe.Resolve, probe.Connect
	all := []probe.Phase{resolve, connect, probe.Send, probe.Wait, probe.Receive}
	tests := []struct {
		name, host string
		opts       httpx.Options
		content    bool
		reason     probe.Reason
		addresses  []string
		phases     []probe.Phase
	}{
		{name: "found", host: "shop.test", addresses: []string{"127.0.0.1"}, phases: all},
		{name: "in capitals", host: "SHOP.test", addresses: []string{"127.0.0.1"}, phases: all},
		{name: "second address answers", host: "two.test", addresses: []string{"127.0.0.1", "127.0.0.9"}, phases: all},
		{name: "more addresses than are kept", host: "many.test", addresses: slices.Repeat([]string{"127.0.0.1"}, 20), phases: all},
		{name: "no such name", host: "none.test", reason: probe.DNSNotFound, phases: []probe.Phase{resolve}},
		{name: "no address", host: "empty.test", reason: probe.DNSNotFound, phases: []probe.Phase{resolve}},
		{name: "server failure", host: "servfail.test", reason: probe.DNSFailed, phases: []probe.Phase{resolve}},
		{name: "refused", host: "refused.test", reason: probe.DNSFailed, phases: []probe.Phase{resolve}},
		{name: "no answer", host: "silent.test", reason: probe.DNSTimeout, phases: []probe.Phase{resolve}},
		{name: "server that is not there", host: "shop.test", opts: httpx.Options{Resolver: "127.0.0.1:1"}, reason: probe.DNSFailed, phases: []probe.Phase{resolve}},
		{name: "forbidden addresses", host: "metadata.test", content: true, reason: probe.AddressForbidden, addresses: []string{"169.254.169.254", "fd00:ec2::254"}, phases: []probe.Phase{resolve}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.opts.Resolver == "" {
				test.opts.Resolver = dns
			}
			client := newClient(t, test.opts)
			resp, err := client.Do(within(t, patience(test.reason, 500*time.Millisecond)), &httpx.Request{URL: "http://" + test.host + ":" + port, FromContent: test.content})
			if err != nil {
				t.Fatal(err)
			}
			checkClocks(t, resp)
			if resp.Reason != test.reason {
				t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, test.reason)
			}
			got := slices.Sorted(slices.Values(resp.Exchanges[0].Addresses))
			if !slices.Equal(got, test.addresses) {
				t.Errorf("got addresses %v, want %v", got, test.addresses)
			}
			wantPhases(t, &resp.Phases, test.phases...)
		})
	}
}

// IPv4 and IPv6 addresses are two questions: servers that fail on one of them and have nothing for the other have
// failed, whichever answer comes last.
func TestResolver_OneFamilyFails(t *testing.T) {
	t.Parallel()
	for _, last := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		t.Run(last.String()+" comes last", func(t *testing.T) {
			t.Parallel()
			resolver := httpx.Resolver{Server: halfBroken(t, last)}
			ctx := within(t, patience(probe.DNSFailed, 0))
			addrs, err := resolver.Lookup(ctx, "shop.test")
			dnsErr, ok := errors.AsType[*net.DNSError](err)
			if !ok || dnsErr.IsNotFound {
				t.Errorf("got %v, %v; want a failure of the server", addrs, err)
			}
		})
	}
}

// halfBroken fails on questions for IPv4 addresses and has no IPv6 address. Answers about one type are late.
func halfBroken(t *testing.T, late dnsmessage.Type) string {
	t.Helper()
	var config net.ListenConfig
	conn, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			query := slices.Clone(b[:n])
			zone := map[string]any{"shop.test": []netip.Addr{}}
			delay := time.Duration(0)
			if asks(query, dnsmessage.TypeA) {
				zone["shop.test"] = dnsmessage.RCodeServerFailure
			}
			if asks(query, late) {
				delay = 50 * time.Millisecond
			}
			time.AfterFunc(delay, func() { _, _ = conn.WriteTo(dnsReply(zone, query), from) })
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func asks(query []byte, about dnsmessage.Type) bool {
	var m dnsmessage.Message
	return m.Unpack(query) == nil && len(m.Questions) == 1 && m.Questions[0].Type == about
}

func TestClient_ConnectFailures(t *testing.T) {
	t.Parallel()
	full := backlogged(t, "127.0.0.1")
	tests := []struct {
		name, url string
		reason    probe.Reason
	}{
		{"refused", "http://127.0.0.1:1/", probe.ConnectRefused},
		{"black hole", "http://" + full + "/", probe.ConnectTimeout},
		{"unreachable", "http://255.255.255.255/", probe.ConnectUnreachable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp, err := newClient(t, httpx.Options{}).Do(within(t, patience(test.reason, 500*time.Millisecond)), &httpx.Request{URL: test.url})
			if err != nil {
				t.Fatal(err)
			}
			checkClocks(t, resp)
			if resp.Reason != test.reason {
				t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, test.reason)
			}
			wantPhases(t, &resp.Phases, probe.Connect)
		})
	}
}

// backlogged returns the address of a socket on host whose accept queue is full: the kernel drops what comes.
func backlogged(t *testing.T, host string) string {
	t.Helper()
	addr, err := backloggedOn(t, host, "0")
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// backloggedAnd returns the port of a backlogged socket on host for which also succeeds, which needs the same port.
func backloggedAnd(t *testing.T, host string, also func(port string) error) string {
	t.Helper()
	var err error
	for range 20 { // somebody else may have the port on the other address
		_, port, _ := net.SplitHostPort(backlogged(t, host))
		if err = also(port); err == nil {
			return port
		}
	}
	t.Fatalf("no port is free on both IPv4 and IPv6 loopback: %v", err)
	return ""
}

func backloggedOn(t *testing.T, host, port string) (string, error) {
	t.Helper()
	n, err := strconv.Atoi(port)
	if err != nil {
		return "", err
	}
	family, local := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}})
	if host == "::1" {
		family, local = syscall.AF_INET6, &syscall.SockaddrInet6{Port: n, Addr: netip.IPv6Loopback().As16()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, local); err != nil {
		return "", err
	}
	if err := syscall.Listen(fd, 0); err != nil {
		return "", err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return "", err
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		n = name.Port
	case *syscall.SockaddrInet6:
		n = name.Port
	}
	addr := net.JoinHostPort(host, strconv.Itoa(n))
	for range 3 {
		dialer := net.Dialer{Timeout: 100 * time.Millisecond}
		if conn, err := dialer.DialContext(t.Context(), "tcp", addr); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
	return addr, nil
}

// A cancelled context ends a connect that is under way, for one address family and for two.
func TestClient_CancelDuringConnect(t *testing.T) {
	port := backloggedAnd(t, "127.0.0.1", func(port string) error {
		_, err := backloggedOn(t, "::1", port)
		return err
	})
	loopback := netip.MustParseAddr("127.0.0.1")
	dns := nameserver(t, map[string]any{"both.test": []netip.Addr{loopback, netip.MustParseAddr("::1")}, "one.test": []netip.Addr{loopback, loopback}})
	for _, url := range []string{"http://127.0.0.1:" + port, "http://one.test:" + port, "http://both.test:" + port} {
		t.Run(url, func(t *testing.T) {
			ctx, cancel := contextWithCancel(t)
			time.AfterFunc(100*time.Millisecond, cancel)
			start := time.Now()
			resp, err := newClient(t, httpx.Options{Resolver: dns, Timeout: time.Minute}).Do(ctx, &httpx.Request{URL: url})
			if !errors.Is(err, errCancelled) || resp != nil {
				t.Errorf("got %+v, %v, want the cause of the cancel", resp, err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("returned %v after the start, want soon after the cancel", took)
			}
		})
	}
}

// Without file descriptors nothing is known about the service.
func TestClient_OutOfFileDescriptors(t *testing.T) {
	addr := listen(t, hang)
	client := newClient(t, httpx.Options{})
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) })
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(within(t, time.Second), &httpx.Request{URL: "http://" + addr})
	if err == nil || !strings.Contains(err.Error(), "too many open files") || resp != nil {
		t.Errorf("got %+v, %v, want an error about open files", resp, err)
	}
}

// One family that does not answer costs a moment, not the exchange, whichever the system prefers.
func TestClient_HappyEyeballs(t *testing.T) {
	for _, test := range []struct{ hole, open string }{{"127.0.0.1", "::1"}, {"::1", "127.0.0.1"}} {
		t.Run(test.hole, func(t *testing.T) {
			var config net.ListenConfig
			var listener net.Listener
			port := backloggedAnd(t, test.hole, func(port string) (err error) {
				listener, err = config.Listen(t.Context(), "tcp", net.JoinHostPort(test.open, port))
				return err
			})
			open := net.JoinHostPort(test.open, port)
			server := httptest.NewUnstartedServer(http.HandlerFunc(hello))
			_ = server.Listener.Close()
			server.Listener = listener
			server.Start()
			defer server.Close()
			dns := nameserver(t, map[string]any{"both.test": []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}})
			resp, err := newClient(t, httpx.Options{Resolver: dns}).Do(within(t, 10*time.Second), &httpx.Request{URL: "http://both.test:" + port})
			if err != nil {
				t.Fatal(err)
			}
			checkClocks(t, resp)
			if resp.Reason != "" || string(resp.Body) != "hello" || resp.Exchanges[0].Address != open {
				t.Errorf("got %q (%s) from %s, want an answer from %s", resp.Reason, resp.Detail, resp.Exchanges[0].Address, open)
			}
			if len(resp.Exchanges[0].Addresses) != 2 {
				t.Errorf("got addresses %v, want both", resp.Exchanges[0].Addresses)
			}
		})
	}
}
