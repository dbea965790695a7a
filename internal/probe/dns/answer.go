package dns

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of what is shown of an answer, which servers choose.
const (
	maxRecord  = 300 // bytes of one record
	maxRecords = 20  // records in a detail
)

// answer is what a message says of a name.
type answer struct {
	values  []string      // records of the type at the end of the aliases, in their normal form, sorted
	aliases []string      // names that the name stands for, one after the other
	ttl     time.Duration // the shortest on the way to the values
	looped  bool          // the aliases lead back
}

// read follows a name through the aliases of a message to the records of the type.
func read(m *dns.Msg, q dns.Question) answer {
	var a answer
	at := dns.CanonicalName(q.Name)
	seen := map[string]bool{}
	first := true
	note := func(rr dns.RR) {
		if ttl := time.Duration(rr.Header().Ttl) * time.Second; first || ttl < a.ttl {
			a.ttl, first = ttl, false
		}
	}
	for q.Qtype != dns.TypeCNAME {
		seen[at] = true
		alias := aliasOf(m, at)
		if alias == nil {
			break
		}
		note(alias)
		at = dns.CanonicalName(alias.Target)
		a.aliases = append(a.aliases, at)
		if seen[at] {
			a.looped = true
			return a
		}
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == q.Qtype && dns.CanonicalName(rr.Header().Name) == at {
			note(rr)
			a.values = append(a.values, normal(q.Qtype, valueOf(rr)))
		}
	}
	slices.Sort(a.values)
	return a
}

func aliasOf(m *dns.Msg, name string) *dns.CNAME {
	for _, rr := range m.Answer {
		if alias, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(alias.Hdr.Name) == name {
			return alias
		}
	}
	return nil
}

// valueOf returns the data of a record as in a zone file; of TXT its text.
func valueOf(rr dns.RR) string {
	if txt, ok := rr.(*dns.TXT); ok {
		return strings.Join(txt.Txt, "")
	}
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}

// normal spells a value in one way: names in lower case and without the dot at their end, addresses as netip does.
func normal(kind uint16, value string) string {
	switch kind {
	case dns.TypeTXT, dns.TypeCAA:
		return value
	case dns.TypeA, dns.TypeAAAA:
		if addr, err := netip.ParseAddr(value); err == nil {
			return addr.String()
		}
	}
	words := strings.Fields(strings.ToLower(value))
	for i, word := range words {
		if len(word) > 1 {
			words[i] = strings.TrimSuffix(word, ".")
		}
	}
	return strings.Join(words, " ")
}

// shown lists records for people.
func shown(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	short := make([]string, 0, maxRecords)
	for _, value := range values[:min(len(values), maxRecords)] {
		short = append(short, probe.Clip(strings.ToValidUTF8(value, "?"), maxRecord))
	}
	text := strings.Join(short, ", ")
	if len(values) > maxRecords {
		text += ", …"
	}
	return probe.Clip(text, maxShown)
}

// maxShown bounds a list of records in a detail, in bytes.
const maxShown = 600
