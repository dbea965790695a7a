package dns_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/dns"
)

// delegated starts a resolver that knows who the name servers of a zone are, and the name servers, all on one port of
// loopback addresses of their own. A nil handler is a server that is not there.
func delegated(t *testing.T, handlers ...mdns.HandlerFunc) (config dns.Config) {
	t.Helper()
	resolver := records{"example.test. 300 IN SOA ns1.example.test. admin.example.test. 1 2 3 4 5"}
	first := netip.MustParseAddrPort(serve(t, "", handlers[0]))
	for i, handle := range handlers {
		name, address := "ns"+strconv.Itoa(i+1)+".example.test.", netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)})
		resolver = append(resolver, "example.test. 300 IN NS "+name, name+" 300 IN A "+address.String())
		if i > 0 && handle != nil {
			serve(t, netip.AddrPortFrom(address, first.Port()).String(), handle)
		}
	}
	return ask(serve(t, "", zone(t, resolver, nil)), int(first.Port()))
}

func ask(resolver string, port int) dns.Config {
	return config(resolver, func(c *dns.Config) { c.Authoritative, c.AllowPrivate, c.Port = true, true, port })
}

// TestProbe_Zone asks all name servers of a zone.
func TestProbe_Zone(t *testing.T) {
	t.Parallel()
	good := zone(t, shop(), nil)
	stale := zone(t, records{"shop.example.test. 300 IN A 192.0.2.99"}, nil)
	unaware := zone(t, shop(), func(m *mdns.Msg) { m.Authoritative = false })
	outside := zone(t, records{"shop.example.test. 300 IN CNAME shop.cdn.example.net."}, nil)
	expect := []string{"192.0.2.10", "192.0.2.11"}
	tests := map[string]struct {
		servers []mdns.HandlerFunc
		values  []string // expected
		want    string   // checks
		detail  string   // part of it
		failed  float64
	}{
		"agree":                  {servers: []mdns.HandlerFunc{good, good}, values: expect, detail: "shop.example.test A: 192.0.2.10, 192.0.2.11"},
		"disagree":               {servers: []mdns.HandlerFunc{good, stale}, want: "dns_servers_disagree", detail: "ns1.example.test (127.0.0.1): NOERROR 192.0.2.10, 192.0.2.11; ns2.example.test (127.0.0.2): NOERROR 192.0.2.99"},
		"first is stale":         {servers: []mdns.HandlerFunc{stale, good}, values: expect, want: "dns_servers_disagree", detail: "192.0.2.99"},
		"one lacks the name":     {servers: []mdns.HandlerFunc{zone(t, nil, nil), good}, want: "dns_servers_disagree", detail: "(127.0.0.1): NXDOMAIN"},
		"all are stale":          {servers: []mdns.HandlerFunc{stale, stale}, values: expect, want: "dns_unexpected_records", detail: "got 192.0.2.99"},
		"lame":                   {servers: []mdns.HandlerFunc{good, unaware}, want: "dns_server_lame", detail: "1 of 2 name servers of example.test.: ns2.example.test (127.0.0.2): does not answer for the zone (no AA flag)", failed: 1},
		"one refuses":            {servers: []mdns.HandlerFunc{code(mdns.RcodeRefused), good}, want: "dns_server_lame", detail: "answered REFUSED", failed: 1},
		"one is gone":            {servers: []mdns.HandlerFunc{good, nil}, want: "dns_server_lame", detail: "nothing answers at this port", failed: 1},
		"all are lame":           {servers: []mdns.HandlerFunc{unaware, code(mdns.RcodeServerFailure)}, want: "dns_failed", detail: "no name server of example.test. answers for it", failed: 2},
		"no such name":           {servers: []mdns.HandlerFunc{zone(t, nil, nil), zone(t, nil, nil)}, want: "dns_not_found", detail: "no such name"},
		"alias out of the zone":  {servers: []mdns.HandlerFunc{outside, outside}, detail: "shop.example.test A: shop.cdn.example.net."},
		"two aliases":            {servers: []mdns.HandlerFunc{outside, good}, want: "dns_servers_disagree", detail: "shop.cdn.example.net."},
		"one misunderstands all": {servers: []mdns.HandlerFunc{good, zone(t, shop(), func(m *mdns.Msg) { m.Answer = nil })}, want: "dns_servers_disagree"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := delegated(t, test.servers...)
			c.Expect.Values = test.values
			result := run(t, c, 10*time.Second)
			if checks, detail := outcome(&result); checks != test.want || !strings.Contains(detail, test.detail) {
				t.Errorf("got %q: %s, want %q with %q", checks, detail, test.want, test.detail)
			}
			if got := result.Measurements[0]; got != (probe.Measurement{Metric: "dns_servers_failed", Value: test.failed}) {
				t.Errorf("got %+v, want %v servers failed", got, test.failed)
			}
			if n := len(result.Evidence.Exchanges); n != len(test.servers) {
				t.Errorf("evidence has %d replies, want %d", n, len(test.servers))
			}
		})
	}
}

// TestProbe_ZoneSilence does not count the time that one dead server takes as what customers wait, but has it in the end
// when all are dead.
func TestProbe_ZoneSilence(t *testing.T) {
	t.Parallel()
	const patience = 3 * time.Second
	result := run(t, delegated(t, zone(t, shop(), nil), silent), patience)
	if checks, detail := outcome(&result); checks != "dns_server_lame" || result.Duration >= patience/2 {
		t.Errorf("got %q in %v: %s, want one lame server and the time of the other", checks, result.Duration, detail)
	}
	result = run(t, delegated(t, silent, silent), patience)
	if checks, detail := outcome(&result); checks != "dns_timeout" || result.Duration < patience {
		t.Errorf("got %q in %v: %s, want a timeout and all of the time", checks, result.Duration, detail)
	}
}

// TestProbe_ZoneNotFound says what was wrong on the way to the name servers.
func TestProbe_ZoneNotFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		resolver mdns.HandlerFunc
		private  bool
		want     string
		detail   string
	}{
		"resolver fails": {code(mdns.RcodeServerFailure), true, "dns_failed", "answered SERVFAIL"},
		"no zone":        {zone(t, nil, nil), true, "dns_not_found", "shop.example.test is in no zone that has name servers"},
		"lost server":    {zone(t, records{"example.test. 300 IN NS ns1.example.test."}, nil), true, "dns_failed", "resolving ns1.example.test: no such name or no address"},
		"private server": {
			zone(t, records{"example.test. 300 IN NS ns1.example.test.", "ns1.example.test. 300 IN A 10.1.2.3"}, nil), false,
			"dns_failed", "ns1.example.test (10.1.2.3): address is private, want a global one",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := ask(serve(t, "", test.resolver), 53)
			c.AllowPrivate = test.private
			result := run(t, c, 5*time.Second)
			if checks, detail := outcome(&result); checks != test.want || !strings.Contains(detail, test.detail) {
				t.Errorf("got %q: %s, want %q with %q", checks, detail, test.want, test.detail)
			}
		})
	}
}

// TestProbe_ZoneAsks asks name servers without recursion, and the resolver with it.
func TestProbe_ZoneAsks(t *testing.T) {
	t.Parallel()
	type flags struct{ Recursion, Authenticated bool }
	asked := make(chan flags, 1)
	good := zone(t, shop(), nil)
	record := func(w mdns.ResponseWriter, question *mdns.Msg) {
		asked <- flags{question.RecursionDesired, question.AuthenticatedData}
		good(w, question)
	}
	run(t, delegated(t, record), 10*time.Second)
	if diff := cmp.Diff(flags{}, <-asked); diff != "" {
		t.Errorf("question to a name server (-want +got):\n%s", diff)
	}
	run(t, config(serve(t, "", record), nil), 10*time.Second)
	if diff := cmp.Diff(flags{true, true}, <-asked); diff != "" {
		t.Errorf("question to a resolver (-want +got):\n%s", diff)
	}
}
