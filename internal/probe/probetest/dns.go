package probetest

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Name is a host that only the DNS servers of this package know.
const Name = "shop.example.test"

// ServeName starts a DNS server that knows these addresses of Name, and returns where it is.
func ServeName(tb testing.TB, addresses ...netip.Addr) (resolver string) {
	tb.Helper()
	return serveDNS(tb, reply{addresses: addresses})
}

// reply is what a DNS server says to a question.
type reply struct {
	code      dnsmessage.RCode
	addresses []netip.Addr  // in answers for A and AAAA
	delay     time.Duration // of the answer
	cut       bool          // the answer says that it does not fit
	silent    bool          // there is no answer
}

// serveDNS answers every question with the same reply, over UDP on loopback, until the test ends.
func serveDNS(tb testing.TB, r reply) (address string) {
	tb.Helper()
	return serveUDP(tb, r.to)
}

// to returns the message that answers a question, or nil.
func (r reply) to(question []byte) []byte {
	var m dnsmessage.Message
	if r.silent || m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.RecursionAvailable = true, true
	m.RCode, m.Truncated = r.code, r.cut
	m.Additionals = nil
	q := m.Questions[0]
	for _, addr := range r.addresses {
		var body dnsmessage.ResourceBody
		switch {
		case q.Type == dnsmessage.TypeA && addr.Is4():
			body = &dnsmessage.AResource{A: addr.As4()}
		case q.Type == dnsmessage.TypeAAAA && addr.Is6():
			body = &dnsmessage.AAAAResource{AAAA: addr.As16()}
		default:
			continue
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}, Body: body,
		})
	}
	if r.delay > 0 && q.Type == dnsmessage.TypeA { // both questions are asked at once
		<-time.After(r.delay)
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}
