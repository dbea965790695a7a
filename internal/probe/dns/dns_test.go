package dns_test

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/dns"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a small zone.
func shop() records {
	return records{
		"shop.example.test. 300 IN A 192.0.2.11",
		"shop.example.test. 60 IN A 192.0.2.10",
		"shop.example.test. 300 IN AAAA 2001:db8::1",
		"shop.example.test. 300 IN MX 10 Mail.example.test.",
		`shop.example.test. 300 IN TXT "v=spf1 " "-all"`,
		`shop.example.test. 300 IN CAA 0 issue "ca.example.test"`,
		"www.example.test. 30 IN CNAME shop.example.test.",
		"gone.example.test. 300 IN CNAME nowhere.example.test.",
		"ring.example.test. 300 IN CNAME round.example.test.",
		"round.example.test. 300 IN CNAME ring.example.test.",
		"self.example.test. 300 IN CNAME self.example.test.",
		"10.2.0.192.in-addr.arpa. 300 IN PTR shop.example.test.",
	}
}

func TestConformance(t *testing.T) {
	start := func(handle func(testing.TB) mdns.HandlerFunc) func(testing.TB) probetest.Target {
		return func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{Resolver: serve(tb, "", handle(tb))}
		}
	}
	probetest.Run(t, probetest.Subject{
		Kind: dns.Kind(), Type: probe.DesktopWeb,
		With: func(t probetest.Target) map[string]any {
			return map[string]any{"name": "shop.example.test", "server": t.Resolver}
		},
	}, probetest.Fixture{
		Healthy: start(func(tb testing.TB) mdns.HandlerFunc { tb.Helper(); return zone(tb, shop(), nil) }),
		Silent:  start(func(tb testing.TB) mdns.HandlerFunc { tb.Helper(); return silent }), SilentWant: probe.DNSTimeout,
		ClosedPort: func(tb testing.TB) probetest.Target { tb.Helper(); return probetest.Target{Resolver: closed(tb)} },
		ClosedWant: probe.DNSFailed,
	})
}

// closed returns the address of a socket that takes datagrams from port 9 only: all others are refused.
func closed(tb testing.TB) string {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), "udp", "127.0.0.1:9")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// TestProbe_Server tells apart how a server can misbehave.
func TestProbe_Server(t *testing.T) {
	t.Parallel()
	const moment = 1500 * time.Millisecond
	good := zone(t, shop(), nil)
	cut := zone(t, shop(), func(m *mdns.Msg) { m.Truncated, m.Answer = true, nil })
	tests := map[string]struct {
		handle mdns.HandlerFunc
		want   string // checks
		detail string // part of it
	}{
		"good":              {good, "", "shop.example.test A: 192.0.2.10, 192.0.2.11"},
		"no such name":      {zone(t, nil, nil), "dns_not_found", "shop.example.test: no such name"},
		"no data":           {zone(t, records{"shop.example.test. 300 IN AAAA 2001:db8::1"}, nil), "dns_not_found", "no A record, aliases: none"},
		"SERVFAIL":          {code(mdns.RcodeServerFailure), "dns_failed", "answered SERVFAIL"},
		"REFUSED":           {code(mdns.RcodeRefused), "dns_failed", "answered REFUSED"},
		"FORMERR":           {code(mdns.RcodeFormatError), "dns_failed", "answered FORMERR"},
		"strange code":      {code(13), "dns_failed", "answered code 13"},
		"silent":            {silent, "dns_timeout", "no answer in time"},
		"cut off":           {overUDP(cut, good), "", "192.0.2.10, 192.0.2.11"},
		"cut off, no TCP":   {overUDP(cut, hangUp), "dns_failed", "answer does not fit by UDP, and by TCP: asking 127.0.0.1"},
		"cut off, TCP hang": {overUDP(cut, silent), "dns_timeout", "by TCP: asking"},
		"cut off, TCP odd":  {overUDP(cut, raw([]byte("what?"))), "dns_malformed", "shorter than its header"},
		"other id":          {zone(t, shop(), func(m *mdns.Msg) { m.Id++ }), "dns_malformed", "answer has id"},
		"other question": {
			zone(t, shop(), func(m *mdns.Msg) { m.Question[0].Name = "evil.example.test." }),
			"dns_malformed", "answer is to another question",
		},
		"other type":   {zone(t, shop(), func(m *mdns.Msg) { m.Question[0].Qtype = mdns.TypeMX }), "dns_malformed", "answer is to another question"},
		"no question":  {zone(t, shop(), func(m *mdns.Msg) { m.Question = nil }), "dns_malformed", "answer is to another question"},
		"a question":   {zone(t, shop(), func(m *mdns.Msg) { m.Response = false }), "dns_malformed", "message is a question"},
		"garbage":      {raw(bytes.Repeat([]byte{0xff}, 40)), "dns_malformed", "not a DNS message"},
		"short":        {raw([]byte("x")), "dns_malformed", "message is shorter than its header"},
		"letter case":  {zone(t, shop(), func(m *mdns.Msg) { m.Question[0].Name = "SHOP.example.TEST." }), "", "192.0.2.10"},
		"spoofed once": {spoofed(good), "", "192.0.2.10"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 10 * time.Second
			if strings.Contains(test.want, "timeout") || strings.Contains(test.want, "malformed") {
				timeout = moment
			}
			result := run(t, config(serve(t, "", test.handle), nil), timeout)
			checks, detail := outcome(&result)
			if checks != test.want || !strings.Contains(detail, test.detail) {
				t.Errorf("got %q: %s, want %q with %q", checks, detail, test.want, test.detail)
			}
			if sum := result.Phases.Sum(); sum != result.Duration || sum == 0 {
				t.Errorf("got the phases %+v of %v, want resolve alone", result.Phases, result.Duration)
			}
		})
	}
}

// spoofed returns a server before whose answer comes one that somebody else could have sent.
func spoofed(handle mdns.HandlerFunc) mdns.HandlerFunc {
	return func(w mdns.ResponseWriter, question *mdns.Msg) {
		forged := new(mdns.Msg).SetReply(question)
		forged.Id++
		_ = w.WriteMsg(forged)
		handle(w, question)
	}
}

// TestProbe_AsksAgain survives a packet that got lost.
func TestProbe_AsksAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	good := zone(t, shop(), nil)
	server := serve(t, "", func(w mdns.ResponseWriter, question *mdns.Msg) {
		if asked.Add(1) > 1 {
			good(w, question)
		}
	})
	result := run(t, config(server, nil), 10*time.Second)
	if checks, detail := outcome(&result); checks != "" || asked.Load() != 2 || result.Duration < time.Second {
		t.Errorf("got %q: %s after %d questions and %v, want an answer to the second, and the wait for it", checks, detail, asked.Load(), result.Duration)
	}
}

// TestProbe_Expect holds one answer against what is expected.
func TestProbe_Expect(t *testing.T) {
	t.Parallel()
	signed := func(m *mdns.Msg) { m.AuthenticatedData = true }
	tests := map[string]struct {
		kind, name string
		expect     dns.Expect
		maxTTL     time.Duration
		edit       func(*mdns.Msg)
		want       string
		detail     string
	}{
		"values in any order":  {expect: dns.Expect{Values: []string{"192.0.2.11", "192.0.2.10"}}},
		"one missing":          {expect: dns.Expect{Values: []string{"192.0.2.11", "192.0.2.10", "192.0.2.12"}}, want: "dns_unexpected_records", detail: "got 192.0.2.10, 192.0.2.11, want 192.0.2.10, 192.0.2.11, 192.0.2.12"},
		"one too many":         {expect: dns.Expect{Values: []string{"192.0.2.10"}}, want: "dns_unexpected_records", detail: "want 192.0.2.10"},
		"includes":             {expect: dns.Expect{Includes: []string{"192.0.2.10"}}},
		"includes another":     {expect: dns.Expect{Includes: []string{"192.0.2.99"}}, want: "dns_unexpected_records", detail: "want 192.0.2.99 among them"},
		"long spelling":        {kind: "AAAA", expect: dns.Expect{Values: []string{"2001:DB8:0:0::1"}}},
		"mail":                 {kind: "MX", expect: dns.Expect{Values: []string{"10 mail.example.test"}}},
		"text":                 {kind: "TXT", expect: dns.Expect{Values: []string{"v=spf1 -all"}}},
		"text, other case":     {kind: "TXT", expect: dns.Expect{Values: []string{"V=spf1 -all"}}, want: "dns_unexpected_records"},
		"authority":            {kind: "CAA", expect: dns.Expect{Values: []string{`0 issue "ca.example.test"`}}},
		"reverse":              {kind: "PTR", name: "192.0.2.10", expect: dns.Expect{Values: []string{"shop.example.test."}}},
		"alias":                {name: "www.example.test", expect: dns.Expect{Values: []string{"192.0.2.10", "192.0.2.11"}}},
		"alias itself":         {kind: "CNAME", name: "www.example.test", expect: dns.Expect{Values: []string{"SHOP.example.test."}}},
		"alias to nothing":     {name: "gone.example.test", want: "dns_not_found", detail: "no A record, aliases: nowhere.example.test."},
		"alias loop":           {name: "ring.example.test", want: "dns_alias_loop", detail: "ring.example.test leads to round.example.test., ring.example.test."},
		"alias of itself":      {name: "self.example.test", want: "dns_alias_loop", detail: "self.example.test leads to self.example.test."},
		"authenticated":        {expect: dns.Expect{Authenticated: true}, edit: signed},
		"not authenticated":    {expect: dns.Expect{Authenticated: true}, want: "dns_not_authenticated", detail: "did not set the AD flag"},
		"TTL":                  {maxTTL: time.Minute},
		"TTL too long":         {maxTTL: 59 * time.Second, want: "dns_long_ttl", detail: "may be kept for 1m0s, want at most 59s"},
		"TTL of the alias":     {name: "www.example.test", maxTTL: 30 * time.Second},
		"absent as it must be": {name: "no.example.test", expect: dns.Expect{Code: "NXDOMAIN"}, detail: "does not exist, as expected"},
		"there, must not be":   {expect: dns.Expect{Code: "NXDOMAIN"}, want: "dns_unexpected_records", detail: "shop.example.test exists, want NXDOMAIN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(serve(t, "", zone(t, shop(), test.edit)), func(c *dns.Config) {
				code := c.Expect.Code
				if c.Expect = test.expect; test.expect.Code == "" {
					c.Expect.Code = code
				}
				if test.kind != "" {
					c.Type = test.kind
				}
				if test.name != "" {
					c.Name = test.name
				}
				c.MaxTTL = test.maxTTL
			})
			result := run(t, c, 10*time.Second)
			if checks, detail := outcome(&result); checks != test.want || !strings.Contains(detail, test.detail) {
				t.Errorf("got %q: %s, want %q with %q", checks, detail, test.want, test.detail)
			}
		})
	}
}

// TestProbe_TTL measures the shortest time for which a record of the answer may be kept.
func TestProbe_TTL(t *testing.T) {
	t.Parallel()
	server := serve(t, "", zone(t, shop(), nil))
	for name, want := range map[string]float64{"shop.example.test": 60, "www.example.test": 30} {
		result := run(t, config(server, func(c *dns.Config) { c.Name = name }), 10*time.Second)
		if diff := cmp.Diff([]probe.Measurement{{Metric: "dns_ttl_seconds", Value: want}}, result.Measurements); diff != "" {
			t.Errorf("%s: measurements (-want +got):\n%s", name, diff)
		}
	}
}

// TestProbe_Evidence shows who said what, and how.
func TestProbe_Evidence(t *testing.T) {
	t.Parallel()
	good := zone(t, shop(), func(m *mdns.Msg) { m.AuthenticatedData = true })
	cut := zone(t, shop(), func(m *mdns.Msg) { m.Truncated = true })
	server := serve(t, "", overUDP(cut, good))
	result := run(t, config(server, func(c *dns.Config) { c.Name = "WWW.example.test" }), 10*time.Second)
	got := result.Evidence.Exchanges[0]
	want := probe.Exchange{
		Method: "QUERY A", URL: "dns://" + server + "/www.example.test.", Protocol: "tcp", Address: server, Phases: got.Phases,
		BodyStart: "NOERROR aa ad, aliases: shop.example.test., records: 192.0.2.10, 192.0.2.11",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(probe.Phases{})); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestBuild_Mistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(*dns.Config)
		want string
	}{
		"no name":          {func(c *dns.Config) { c.Name = "" }, "name: want a name such as shop.example.com"},
		"URL":              {func(c *dns.Config) { c.Name = "https://shop.example.com" }, "name: want a name such as shop.example.com"},
		"port":             {func(c *dns.Config) { c.Name = "shop.example.com:80" }, "name: want a name such as shop.example.com"},
		"long label":       {func(c *dns.Config) { c.Name = strings.Repeat("x", 64) + ".com" }, "name: want a name such as shop.example.com"},
		"server by name":   {func(c *dns.Config) { c.Server = "ns1.example.com" }, "server: want an address such as 192.0.2.53 or [2001:db8::53]:53"},
		"server port 0":    {func(c *dns.Config) { c.Server = "192.0.2.53:0" }, "server: want an address such as 192.0.2.53 or [2001:db8::53]:53"},
		"name server port": {func(c *dns.Config) { c.Port = 70000 }, "port: 70000, want 1 to 65535"},
		"TTL":              {func(c *dns.Config) { c.MaxTTL = -1 }, "max_ttl: -1ns, want more than 0"},
		"code":             {func(c *dns.Config) { c.Expect.Code = "REFUSED" }, `expect.code: "REFUSED", want NOERROR or NXDOMAIN`},
		"absent with values": {
			func(c *dns.Config) { c.Expect = dns.Expect{Code: "NXDOMAIN", Values: []string{"x"}} },
			"expect.code: a name that must not exist has no records, want no values and includes",
		},
		"values and includes": {
			func(c *dns.Config) { c.Expect.Values, c.Expect.Includes = []string{"a"}, []string{"b"} },
			"expect.includes: values says already what all the records are, want one of the two",
		},
		"many": {func(c *dns.Config) { c.Expect.Values = make([]string, 101) }, "expect: 101 records, want at most 100"},
		"authenticated by the zone": {
			func(c *dns.Config) { c.Expect.Authenticated, c.Authoritative = true, true },
			"expect.authenticated: is said by resolvers only (RFC 4035 section 3.1.6), want it without authoritative",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := build(config("", test.edit)); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestBuild_Profile names who is asked.
func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit    func(*dns.Config)
		target  string
		metrics []string
	}{
		"system":        {nil, "shop.example.test:53", []string{"dns_ttl_seconds"}},
		"server":        {func(c *dns.Config) { c.Server = "192.0.2.53" }, "192.0.2.53:53", []string{"dns_ttl_seconds"}},
		"server, port":  {func(c *dns.Config) { c.Server = "[2001:db8::53]:5353" }, "[2001:db8::53]:5353", []string{"dns_ttl_seconds"}},
		"authoritative": {func(c *dns.Config) { c.Server, c.Authoritative = "192.0.2.53", true }, "shop.example.test:53", []string{"dns_ttl_seconds", "dns_servers_failed"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, err := build(config("", test.edit))
			want := probe.Profile{
				Target: test.target, URL: "dns:shop.example.test.?type=A", Phases: []probe.Phase{probe.Resolve}, Metrics: test.metrics,
			}
			if diff := cmp.Diff(want, built.Profile); diff != "" || err != nil {
				t.Errorf("%v, profile (-want +got):\n%s", err, diff)
			}
		})
	}
}
