package egress_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// connect asks for a tunnel and returns the status and why there is none.
func connect(t *testing.T, p *egress.Proxy, authority string) (int, string) {
	t.Helper()
	conn, in := dial(t, p, "CONNECT "+authority+" HTTP/1.1\r\nHost: "+authority+"\r\n\r\n")
	defer conn.Close() //nolint:errcheck // nothing was written
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatalf("%s: %v", authority, err)
	}
	_, why, _ := strings.Cut(resp.Header.Get("Proxy-Status"), "channelwatch; error=")
	return resp.StatusCode, why
}

// ask makes a plain request and returns whether there was an answer.
func ask(t *testing.T, p *egress.Proxy, authority string) bool {
	t.Helper()
	_, in := dial(t, p, "GET http://"+authority+"/ HTTP/1.1\r\nHost: "+authority+"\r\n\r\n")
	_, err := in.ReadByte()
	if err != nil && err != io.EOF {
		t.Errorf("%s: got %v, want an answer or the end", authority, err)
	}
	return err == nil
}

func TestPolicy_Addresses(t *testing.T) {
	t.Parallel()
	dns := nameserver(t, func(name string) any {
		return map[string]any{
			"loopback.test": []string{"127.0.0.1"},
			"metadata.test": []string{"169.254.169.254"},
		}[name]
	})
	hello := plain(t, func(http.ResponseWriter, *http.Request) {})
	_, port := hostPort(t, hello.URL)
	const private, loopback, local, special = "private", "loopback", "link-local or metadata", "special"
	tests := []struct {
		host, address string
		scope         string
		never         bool // not even where private ones are allowed
	}{
		{"127.0.0.1", "127.0.0.1", loopback, false},
		{"127.1", "127.0.0.1", loopback, false},
		{"2130706433", "127.0.0.1", loopback, false},
		{"0x7f.0.0.1", "127.0.0.1", loopback, false},
		{"0x7F000001", "127.0.0.1", loopback, false},
		{"0177.0.0.01", "127.0.0.1", loopback, false},
		{"127.0.0.1.", "127.0.0.1", loopback, false},
		{"[::ffff:127.0.0.1]", "127.0.0.1", loopback, false},
		{"localhost", "127.0.0.1", loopback, false},
		{"LOCALHOST.", "127.0.0.1", loopback, false},
		{"a.localhost", "127.0.0.1", loopback, false},
		{"loopback.test", "127.0.0.1", loopback, false},
		{"169.254.169.254", "169.254.169.254", local, true},
		{"0xa9fea9fe", "169.254.169.254", local, true},
		{"[::ffff:a9fe:a9fe]", "169.254.169.254", local, true},
		{"[64:ff9b::a9fe:a9fe]", "64:ff9b::a9fe:a9fe", local, true},
		{"[fd00:ec2::254]", "fd00:ec2::254", local, true},
		{"[fe80::1%25lo]", "", local, true},
		{"metadata.test", "169.254.169.254", local, true},
		{"0.0.0.0", "0.0.0.0", special, true},
		{"0", "0.0.0.0", special, true},
		{"224.0.0.1", "224.0.0.1", special, true},
		{"[ff02::1]", "ff02::1", special, true},
		{"255.255.255.255", "255.255.255.255", special, true},
		{"10.255.255.254", "10.255.255.254", private, true /* nobody is there */},
	}
	for _, test := range tests {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			if test.address == "" {
				status, _ := connect(t, open(t, egress.Options{AllowPrivate: true}), test.host+":80")
				if status != http.StatusBadRequest {
					t.Errorf("got status %d, want %d: no browser writes that", status, http.StatusBadRequest)
				}
				return
			}
			p := open(t, egress.Options{Resolver: httpx.Resolver{Server: dns}})
			status, why := connect(t, p, test.host+":"+port)
			if status != http.StatusForbidden || why != "destination_ip_prohibited" {
				t.Errorf("got status %d (%s), want %d", status, why, http.StatusForbidden)
			}
			if ask(t, p, test.host+":"+port) {
				t.Error("a plain request was answered")
			}
			report := p.Report()
			if len(report.Refused) != 2 || len(report.Conns) != 0 {
				t.Fatalf("got %+v, want both refused", report)
			}
			for _, got := range report.Refused {
				if got.Address != netip.AddrPortFrom(netip.MustParseAddr(test.address), got.Port).String() || got.Reason != probe.AddressForbidden || !strings.HasSuffix(got.Detail, test.scope) {
					t.Errorf("got %+v, want %s, which is %s", got, test.address, test.scope)
				}
			}
			if reason, _ := report.Failure(test.host, report.Refused[0].Port); reason != probe.AddressForbidden {
				t.Errorf("got failure %q, want %q", reason, probe.AddressForbidden)
			}
			if test.scope == private {
				return
			}
			allowing := open(t, egress.Options{AllowPrivate: true, Resolver: httpx.Resolver{Server: dns}})
			if status, _ := connect(t, allowing, test.host+":"+port); (status == http.StatusOK) == test.never {
				t.Errorf("where private ones are allowed: got status %d, want refused: %v", status, test.never)
			}
		})
	}
	t.Run("some of several", func(t *testing.T) {
		t.Parallel()
		mixed := nameserver(t, func(string) any { return []string{"169.254.169.254", "127.0.0.9", "127.0.0.1"} })
		p := open(t, egress.Options{Resolver: httpx.Resolver{Server: mixed}, AllowPrivate: true})
		if !ask(t, p, "mixed.test:"+port) {
			t.Error("no answer, want one from the address that is allowed and alive")
		}
		if got := p.Report(); len(got.Conns) != 1 || got.Conns[0].Address != "127.0.0.1:"+port || len(got.Refused) != 0 {
			t.Errorf("got %+v, want one connection to 127.0.0.1", got)
		}
	})
}

// Of many addresses, the first ones are tried.
func TestPolicy_ManyAddresses(t *testing.T) {
	t.Parallel()
	_, port := hostPort(t, plain(t, func(http.ResponseWriter, *http.Request) {}).URL)
	for dead, want := range map[int]probe.Reason{19: "", 20: probe.ConnectRefused} {
		addrs := make([]string, dead)
		for i := range addrs {
			addrs[i] = fmt.Sprintf("127.0.1.%d", i+1)
		}
		dns := nameserver(t, func(string) any { return append(addrs, "127.0.0.1") })
		p := open(t, egress.Options{AllowPrivate: true, Resolver: httpx.Resolver{Server: dns}})
		connect(t, p, "many.test:"+port)
		report := p.Report()
		if conn := report.Conns[0]; conn.Error != want {
			t.Errorf("after %d dead addresses: got %q (%s), want %q", dead, conn.Error, conn.Detail, want)
		}
	}
}

// An answer that changes between judging and connecting changes nothing.
func TestPolicy_Rebinding(t *testing.T) {
	t.Parallel()
	_, port := hostPort(t, plain(t, func(http.ResponseWriter, *http.Request) {}).URL)
	answers := []string{"192.0.2.1", "127.0.0.1"}
	dns := nameserver(t, func(string) any {
		answer := answers[0]
		answers = append(answers[1:], answer)
		return []string{answer}
	})
	p := open(t, egress.Options{Resolver: httpx.Resolver{Server: dns}})
	for range 4 {
		if status, _ := connect(t, p, "rebind.test:"+port); status != http.StatusForbidden {
			t.Errorf("got status %d, want %d", status, http.StatusForbidden)
		}
	}
	if got := p.Report(); len(got.Conns) != 0 || len(got.Refused) != 4 || got.Refused[3].Address != "192.0.2.1:"+port {
		t.Errorf("got %+v, want the first answer refused each time", got)
	}
}

func TestPolicy_NotToItself(t *testing.T) {
	t.Parallel()
	p := open(t, egress.Options{AllowPrivate: true})
	for _, host := range []string{p.Address(), strings.Replace(p.Address(), "127.0.0.1", "localhost", 1), strings.Replace(p.Address(), "127.0.0.1", "127.0.0.2", 1)} {
		if status, _ := connect(t, p, host); status == http.StatusOK {
			t.Errorf("%s: got a tunnel from the proxy to itself", host)
		}
	}
	for _, refused := range p.Report().Refused {
		if !strings.Contains(refused.Detail, "proxy's own") {
			t.Errorf("got detail %q, want that it is the proxy's own", refused.Detail)
		}
	}
}

func TestPolicy_KnownHosts(t *testing.T) {
	t.Parallel()
	name := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }
	}
	a, _ := hostPort(t, plain(t, name("a")).URL)
	b, _ := hostPort(t, plain(t, name("b")).URL)
	p := open(t, egress.Options{Hosts: map[string]string{"Shop.test": a, "shop.test:8080": b}})
	c := browser(t, p)
	for url, want := range map[string]string{"http://shop.test/": "a", "http://SHOP.test:81/": "a", "http://shop.test:8080/": "b"} {
		if got := get(t, c, url); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	if _, err := egress.Open(egress.Options{Hosts: map[string]string{"shop.test": "localhost:80"}}); err == nil {
		t.Error("a host with a name for an address was taken, want an error")
	}
}

// Why there is no connection has one word each, in the report and for the browser.
func TestPolicy_Reasons(t *testing.T) {
	t.Parallel()
	dns := nameserver(t, func(name string) any {
		return map[string]any{
			"none.test":    dnsmessage.RCodeNameError,
			"empty.test":   []string{},
			"broken.test":  dnsmessage.RCodeServerFailure,
			"refused.test": []string{"127.0.0.1"},
		}[name]
	})
	tests := []struct {
		host   string
		reason probe.Reason
		status int
		why    string
	}{
		{"none.test", probe.DNSNotFound, http.StatusBadGateway, "dns_error"},
		{"empty.test", probe.DNSNotFound, http.StatusBadGateway, "dns_error"},
		{"broken.test", probe.DNSFailed, http.StatusBadGateway, "dns_error"},
		{"refused.test", probe.ConnectRefused, http.StatusBadGateway, "connection_refused"},
		{"127.0.0.1", probe.ConnectRefused, http.StatusBadGateway, "connection_refused"},
	}
	p := open(t, egress.Options{AllowPrivate: true, Resolver: httpx.Resolver{Server: dns}})
	for _, test := range tests {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			if status, why := connect(t, p, test.host+":1"); status != test.status || why != test.why {
				t.Errorf("got status %d (%s), want %d (%s)", status, why, test.status, test.why)
			}
			if ask(t, p, test.host+":1") {
				t.Error("a plain request was answered")
			}
			report := p.Report()
			reason, detail := report.Failure(test.host, 1)
			if reason != test.reason || detail == "" {
				t.Errorf("got %q (%s), want %q", reason, detail, test.reason)
			}
			if reason, _ := report.Failure(test.host, 2); reason != "" {
				t.Errorf("got %q for a port that nobody asked for", reason)
			}
		})
	}
}

// The end of a visit says what was being waited for.
func TestPolicy_CutWhileOpening(t *testing.T) {
	t.Parallel()
	dns := nameserver(t, func(name string) any {
		if name == "silent.test" {
			return nil
		}
		return []string{"127.0.0.1"}
	})
	_, port, err := net.SplitHostPort(backlogged(t))
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, egress.Options{AllowPrivate: true, Resolver: httpx.Resolver{Server: dns}})
	for _, authority := range []string{"silent.test:80", "hole.test:" + port} {
		dial(t, p, "CONNECT "+authority+" HTTP/1.1\r\n\r\n")
		dial(t, p, "GET http://"+authority+"/ HTTP/1.1\r\n\r\n")
	}
	eventually(t, "four attempts, two of them with an address", func() bool {
		var waiting, resolved int
		for _, conn := range p.Report().Conns {
			if waiting++; conn.Resolve > 0 {
				resolved++
			}
		}
		return waiting == 4 && resolved == 2
	})
	start := time.Now()
	p.Close()
	if took := time.Since(start); took > patience/2 {
		t.Errorf("close took %v", took)
	}
	for _, conn := range p.Report().Conns {
		want := probe.ConnectTimeout
		if conn.Host == "silent.test" {
			want = probe.DNSTimeout
		}
		if conn.Error != want || !conn.Cut || conn.Address != "" {
			t.Errorf("got %+v, want cut with %q", conn, want)
		}
	}
}

// backlogged returns the address of a socket whose accept queue is full: the kernel drops what comes.
func backlogged(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for range 3 {
		dialer := net.Dialer{Timeout: 100 * time.Millisecond}
		if conn, err := dialer.DialContext(t.Context(), "tcp", addr); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
	return addr
}

func TestBlock(t *testing.T) {
	t.Parallel()
	hello := plain(t, func(http.ResponseWriter, *http.Request) {})
	host, _ := hostPort(t, hello.URL)
	hosts := map[string]string{"shop.test": host, "ads.test": host, "x.ads.test": host, "tag.test": host, "a.tag.test": host}
	p := open(t, egress.Options{Hosts: hosts, Block: []string{"*.ADS.test", "Tag.test."}})
	var answered []string
	for name := range hosts {
		status, _ := connect(t, p, name+":443")
		resp, err := browser(t, p).Get("http://" + name + "/")
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
		if (resp.StatusCode == http.StatusForbidden) != (status == http.StatusForbidden) || (status == http.StatusForbidden) != p.Blocks(name) {
			t.Errorf("%s: a tunnel got %d, a request %d, blocked %v", name, status, resp.StatusCode, p.Blocks(name))
		}
		if resp.StatusCode == http.StatusOK {
			answered = append(answered, name)
		} else if got := resp.Header.Get("Proxy-Status"); got != "channelwatch; error=http_request_denied" {
			t.Errorf("%s: got proxy status %q", name, got)
		}
	}
	slices.Sort(answered)
	if want := []string{"a.tag.test", "ads.test", "shop.test"}; !slices.Equal(answered, want) {
		t.Errorf("got answers from %v, want %v", answered, want)
	}
	if got := p.Report(); got.Blocked != 4 || len(got.Refused) != 0 || len(got.Conns) != 6 {
		t.Errorf("got %+v, want 4 blocked, none refused", got)
	}
	for _, pattern := range []string{"", "*", "*.", "a b", "*.*.test", "http://a", "a:80", "[::1]"} {
		if err := egress.CheckPattern(pattern); err == nil {
			t.Errorf("pattern %q was taken", pattern)
		}
		if _, err := egress.Open(egress.Options{Block: []string{pattern}}); err == nil {
			t.Errorf("a proxy with pattern %q was opened", pattern)
		}
	}
}

// Requests that no browser makes are refused, before anything is connected to.
func TestProxy_Malformed(t *testing.T) {
	t.Parallel()
	p := open(t, egress.Options{AllowPrivate: true})
	tests := []struct {
		name, request string
		status        int
	}{
		{"origin form", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"https", "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"user", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"no host", "GET http:///x HTTP/1.1\r\n\r\n", 400},
		{"port 0", "GET http://a:0/ HTTP/1.1\r\n\r\n", 400},
		{"port too large", "CONNECT a:65536 HTTP/1.1\r\n\r\n", 400},
		{"no port", "CONNECT a HTTP/1.1\r\n\r\n", 400},
		{"other host", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
		{"two hosts", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"other version", "GET http://a/ HTTP/2.0\r\n\r\n", 400},
		{"fragment", "GET http://a/#x HTTP/1.1\r\n\r\n", 400},
		{"spaces", "GET  http://a/ HTTP/1.1\r\n\r\n", 400},
		{"line feeds", "GET http://a/ HTTP/1.1\nHost: a\n\n", 400},
		{"folded", "GET http://a/ HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 400},
		{"space before colon", "GET http://a/ HTTP/1.1\r\nContent-Length : 5\r\n\r\n", 400},
		{"two lengths", "POST http://a/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
		{"length and chunks", "POST http://a/ HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"other coding", "POST http://a/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400},
		{"length with sign", "POST http://a/ HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 400},
		{"not HTTP", "\x16\x03\x01\r\n\r\n", 400},
		{"head too large", "GET http://a/ HTTP/1.1\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n", 431},
		{"endless line", strings.Repeat("x", 300<<10), 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, in := dial(t, p, test.request)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if drain(t, resp); resp.StatusCode != test.status || !resp.Close {
				t.Errorf("got status %d, close %v, want %d", resp.StatusCode, resp.Close, test.status)
			}
		})
	}
	t.Cleanup(func() {
		if got := p.Report(); len(got.Conns) != 0 {
			t.Errorf("got connections %+v, want none", got.Conns)
		}
	})
}
