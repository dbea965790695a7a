package dns

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The codes that can be expected, as users write them.
const (
	codeOK   = "NOERROR"
	codeGone = "NXDOMAIN"
)

const (
	dnsPort   = 53
	maxValues = 100 // expected records; more are not compared by eye either
)

// settings is a validated Config. It is immutable.
type settings struct {
	question      dns.Question
	server        string // address:port; empty: the first of the system's
	authoritative bool
	port          uint16 // of the name servers of the zone
	gate          *httpx.Gate
	timeout       time.Duration
	expectation
}

// expectation is what an answer is held against.
type expectation struct {
	gone             bool     // the name must not exist
	values, includes []string // in their normal form
	authenticated    bool
	maxTTL           time.Duration // 0: any
}

// build reports all mistakes at once.
func build(c Config, setup probe.Setup) (probe.Built, error) {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, probe.Fieldf(field, format, args...)) }
	s := settings{
		authoritative: c.Authoritative, port: uint16(c.Port), gate: httpx.NewGate(c.AllowPrivate), timeout: setup.Timeout,
		expectation: expectation{gone: c.Expect.Code == codeGone, authenticated: c.Expect.Authenticated, maxTTL: c.MaxTTL},
	}
	var err error
	if s.question, err = ask(c.Name, c.Type); err != nil {
		wrong("name", "%w", err)
	}
	if s.server, err = parseServer(c.Server); err != nil {
		wrong("server", "%w", err)
	}
	if c.Port < 1 || c.Port > 1<<16-1 {
		wrong("port", "%d, want 1 to 65535", c.Port)
	}
	if c.MaxTTL < 0 {
		wrong("max_ttl", "%v, want more than 0", c.MaxTTL)
	}
	errs = append(errs, c.Expect.check(c.Authoritative)...)
	for _, value := range c.Expect.Values {
		s.values = append(s.values, normal(s.question.Qtype, value))
	}
	for _, value := range c.Expect.Includes {
		s.includes = append(s.includes, normal(s.question.Qtype, value))
	}
	if err := errors.Join(errs...); err != nil {
		return probe.Built{}, err
	}
	return probe.Built{Prober: &prober{s}, Profile: s.profile()}, nil
}

func (e *Expect) check(authoritative bool) []error {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, probe.Fieldf(field, format, args...)) }
	if e.Code != codeOK && e.Code != codeGone {
		wrong("expect.code", "%q, want %s or %s", e.Code, codeOK, codeGone)
	}
	if e.Code == codeGone && len(e.Values)+len(e.Includes) > 0 {
		wrong("expect.code", "a name that must not exist has no records, want no values and includes")
	}
	if len(e.Values) > 0 && len(e.Includes) > 0 {
		wrong("expect.includes", "values says already what all the records are, want one of the two")
	}
	if n := len(e.Values) + len(e.Includes); n > maxValues {
		wrong("expect", "%d records, want at most %d", n, maxValues)
	}
	if e.Authenticated && authoritative {
		wrong("expect.authenticated", "is said by resolvers only (RFC 4035 section 3.1.6), want it without authoritative")
	}
	return errs
}

// ask returns the question for a name, or for the name of an address.
func ask(name, kind string) (dns.Question, error) {
	q := dns.Question{Qtype: dns.StringToType[kind], Qclass: dns.ClassINET}
	if addr, err := netip.ParseAddr(name); err == nil && q.Qtype == dns.TypePTR {
		q.Name, err = dns.ReverseAddr(addr.String())
		return q, err
	}
	to, err := httpx.ParseEndpoint(name, dnsPort)
	if err != nil || to.Port != dnsPort {
		return q, errors.New("want a name such as shop.example.com")
	}
	q.Name = dns.CanonicalName(to.Host)
	if _, ok := dns.IsDomainName(q.Name); !ok || q.Name == "." {
		return q, errors.New("want a name such as shop.example.com")
	}
	return q, nil
}

// parseServer reads an address with or without a port: a name would need a server to look it up.
func parseServer(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return net.JoinHostPort(addr.String(), strconv.Itoa(dnsPort)), nil
	}
	server, err := netip.ParseAddrPort(text)
	if err != nil || server.Port() == 0 {
		return "", errors.New("want an address such as 192.0.2.53 or [2001:db8::53]:53")
	}
	return server.String(), nil
}

func (s *settings) profile() probe.Profile {
	kind, name := dns.TypeToString[s.question.Qtype], s.question.Name
	p := probe.Profile{
		Target: s.server, URL: "dns:" + name + "?type=" + kind, Phases: []probe.Phase{probe.Resolve}, Metrics: []string{ttlSeconds},
	}
	if s.server == "" || s.authoritative {
		p.Target = net.JoinHostPort(name[:len(name)-1], strconv.Itoa(dnsPort))
	}
	if s.authoritative {
		p.Metrics = append(p.Metrics, serversFailed)
	}
	return p
}
