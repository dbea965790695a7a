package probetest

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// name is a host that only the DNS servers of this package know.
const name = "shop.example.test"

// reply is what a DNS server says to a question.
type reply struct {
	code    dnsmessage.RCode
	address [4]byte // in answers for A, when not zero
	cut     bool    // the answer says that it does not fit
	silent  bool    // there is no answer
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
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA && r.address != [4]byte{} {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60},
			Body:   &dnsmessage.AResource{A: r.address},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}
