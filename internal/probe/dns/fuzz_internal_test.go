package dns

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// FuzzAnswer hands the bytes of a server to everything that reads them.
func FuzzAnswer(f *testing.F) {
	question := new(dns.Msg).SetQuestion("shop.example.test.", dns.TypeA)
	question.Id = 7
	for _, lines := range [][]string{
		nil,
		{"shop.example.test. 60 IN A 192.0.2.1"},
		{"shop.example.test. 60 IN CNAME a.example.test.", "a.example.test. 30 IN A 192.0.2.1"},
		{"shop.example.test. 60 IN CNAME a.example.test.", "a.example.test. 30 IN CNAME shop.example.test."},
	} {
		m := new(dns.Msg).SetReply(question)
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err != nil {
				f.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		data, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)-3])
	}
	s := &settings{question: question.Question[0], timeout: time.Second, expectation: expectation{values: []string{"192.0.2.1"}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(data, question)
		if err != nil {
			return
		}
		a := read(m, s.question)
		if !slices.IsSorted(a.values) || a.ttl < 0 || len(a.aliases) > len(m.Answer) {
			t.Errorf("got %+v, want sorted values, a TTL, and no more aliases than records", a)
		}
		for _, zone := range []bool{false, true} {
			r := &reply{server: "ns", address: "192.0.2.53:53", protocol: "udp", message: m}
			checkVerdict(t, &verdict{settings: s, result: probe.Result{Evidence: new(probe.Evidence)}}, r, zone)
		}
	})
}

func checkVerdict(t *testing.T, v *verdict, r *reply, zone bool) {
	t.Helper()
	if zone {
		v.fromZone(authorities{zone: "example.test."}, []*reply{r})
	} else {
		v.fromResolver(r)
	}
	texts := []string{v.result.Detail}
	for _, finding := range v.result.Findings {
		texts = append(texts, finding.Detail)
	}
	for _, text := range texts {
		if text == "" || len(text) > 2<<10 || strings.ContainsRune(text, '\n') {
			t.Errorf("detail %q, want one line of at most 2 KiB", text)
		}
	}
}
