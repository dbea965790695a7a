package dns

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// verdict turns replies into a result.
type verdict struct {
	*settings
	result probe.Result
	found  time.Duration // how long it took to find the name servers of the zone
	waited time.Duration // until the slowest of those that answer had; 0: until the end
}

func (v *verdict) fail(reason probe.Reason, format string, args ...any) {
	v.result.Reason, v.result.Detail = reason, fmt.Sprintf(format, args...)
}

func (v *verdict) add(check probe.CheckID, format string, args ...any) {
	v.result.Findings = append(v.result.Findings, *probe.Findingf(check, format, args...))
}

// keep adds a reply to the evidence.
func (v *verdict) keep(r *reply) {
	kind := dns.TypeToString[v.question.Qtype]
	exchange := probe.Exchange{
		Method: "QUERY " + kind, URL: "dns://" + r.address + "/" + v.question.Name, Protocol: r.protocol, Address: r.address,
		Phases: phases(r), BodyStart: r.detail,
	}
	if m := r.message; m != nil {
		a := read(m, v.question)
		exchange.BodyStart = fmt.Sprintf("%s%s, aliases: %s, records: %s", codeOf(m), flags(m), shown(a.aliases), shown(a.values))
	}
	v.result.Evidence.Exchanges = append(v.result.Evidence.Exchanges, exchange)
}

func phases(r *reply) (p probe.Phases) {
	p.Add(probe.Resolve, r.took)
	return p
}

// flags names those of the header that matter.
func flags(m *dns.Msg) string {
	text := ""
	if m.Authoritative {
		text += " aa"
	}
	if m.AuthenticatedData {
		text += " ad"
	}
	return text
}

func codeOf(m *dns.Msg) string {
	if code, ok := dns.RcodeToString[m.Rcode]; ok {
		return code
	}
	return fmt.Sprintf("code %d", m.Rcode)
}

// failed turns a reply whose code is a failure into one without an answer.
func failed(r *reply) *reply {
	lost := *r
	lost.message, lost.reason, lost.detail = nil, probe.DNSFailed, r.address+" answered "+codeOf(r.message)
	return &lost
}

// fromResolver judges the reply of a resolver.
func (v *verdict) fromResolver(r *reply) {
	v.keep(r)
	if m := r.message; m != nil && m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		r = failed(r)
	}
	if r.message == nil {
		v.fail(r.reason, "%s", r.detail)
		return
	}
	if v.judge(r.message, true) && v.authenticated && !r.message.AuthenticatedData {
		v.add(unauthenticated, "%s did not set the AD flag, want it", r.address)
	}
}

// judge holds an answer against what is expected and reports whether there is one. A resolver follows aliases to their
// end, a name server to that of its zone.
func (v *verdict) judge(m *dns.Msg, toTheEnd bool) bool {
	name, kind := strings.TrimSuffix(v.question.Name, "."), dns.TypeToString[v.question.Qtype]
	a := read(m, v.question)
	gone := m.Rcode == dns.RcodeNameError
	switch {
	case a.looped:
		v.fail(aliasLoop, "%s leads to %s", name, shown(a.aliases))
	case gone && v.gone:
		v.result.Detail = name + " does not exist, as expected"
	case gone:
		v.fail(probe.DNSNotFound, "%s: no such name", name)
	case v.gone:
		v.add(unexpected, "%s exists, want %s", name, codeGone)
	case len(a.values) == 0 && (toTheEnd || len(a.aliases) == 0):
		v.fail(probe.DNSNotFound, "%s: no %s record, aliases: %s", name, kind, shown(a.aliases))
	default:
		v.result.Detail = fmt.Sprintf("%s %s: %s", name, kind, shown(slices.Concat(a.aliases, a.values)))
		v.hold(&a)
		return true
	}
	return false
}

// hold holds records against the expected ones.
func (v *verdict) hold(a *answer) {
	v.result.Measurements = append(v.result.Measurements, probe.Measurement{Metric: ttlSeconds, Value: a.ttl.Seconds()})
	if wrong := v.wrong(a); wrong != "" {
		v.add(unexpected, "%s", wrong)
	}
	if v.maxTTL > 0 && a.ttl > v.maxTTL {
		v.add(longLived, "answer may be kept for %v, want at most %v", a.ttl, v.maxTTL)
	}
}

// wrong says what is wrong with the records; nothing when they are as expected.
func (e *expectation) wrong(a *answer) string {
	want := slices.Clone(e.values)
	slices.Sort(want)
	if len(want) > 0 && !slices.Equal(slices.Compact(want), slices.Compact(slices.Clone(a.values))) {
		return fmt.Sprintf("got %s, want %s", shown(a.values), shown(want))
	}
	for _, value := range e.includes {
		if !slices.Contains(a.values, value) {
			return fmt.Sprintf("got %s, want %s among them", shown(a.values), value)
		}
	}
	return ""
}

// fromZone judges the replies of all name servers of a zone.
func (v *verdict) fromZone(found authorities, replies []*reply) {
	var good []*reply
	lost := found.lost
	for _, r := range replies {
		v.keep(r)
		if why := unfit(r); why != "" {
			lost = append(lost, r.server+": "+why)
			continue
		}
		good = append(good, r)
		// Who is not answered by one name server is by another: nobody waits for those that are lost.
		v.waited = max(v.waited, v.found+r.took)
	}
	v.result.Measurements = append(v.result.Measurements, probe.Measurement{Metric: serversFailed, Value: float64(len(lost))})
	switch {
	case found.zone == "":
		v.fail(probe.DNSNotFound, "%s is in no zone that has name servers", strings.TrimSuffix(v.question.Name, "."))
		return
	case len(good) == 0:
		reason := probe.DNSFailed
		if len(replies) > 0 && !slices.ContainsFunc(replies, func(r *reply) bool { return r.reason != probe.DNSTimeout }) {
			reason = probe.DNSTimeout
		}
		v.fail(reason, "no name server of %s answers for it: %s", found.zone, list(lost))
		return
	case len(lost) > 0:
		v.add(lame, "%d of %d name servers of %s: %s", len(lost), len(lost)+len(good), found.zone, list(lost))
	}
	v.compare(good)
}

// unfit says why a reply is not one of a name server of the zone.
func unfit(r *reply) string {
	switch m := r.message; {
	case m == nil:
		return r.detail
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return "answered " + codeOf(m)
	case !m.Authoritative:
		return "does not answer for the zone (no AA flag)"
	}
	return ""
}

// compare judges the answer of the first name server, or of the first that gives the expected one, and says when others
// give another.
func (v *verdict) compare(good []*reply) {
	groups := make(map[string][]string)
	var order []string
	chosen := good[0]
	for i, r := range good {
		a := read(r.message, v.question)
		said := codeOf(r.message) + " " + strings.Join(slices.Concat(a.aliases, a.values), ", ")
		if groups[said] == nil {
			order = append(order, said)
		}
		groups[said] = append(groups[said], r.server)
		if i > 0 && v.wanted(r) && !v.wanted(chosen) {
			chosen = r
		}
	}
	if len(order) > 1 {
		var views []string
		for _, said := range order {
			views = append(views, strings.Join(groups[said], " and ")+": "+probe.Clip(said, maxRecord))
		}
		v.add(disagree, "%s", list(views))
	}
	v.judge(chosen.message, false)
}

// wanted reports whether a reply is as expected.
func (v *verdict) wanted(r *reply) bool {
	a := read(r.message, v.question)
	return (r.message.Rcode == dns.RcodeNameError) == v.gone && (v.gone || len(a.values)+len(a.aliases) > 0) && v.wrong(&a) == ""
}

// list joins lines for people into one.
func list(lines []string) string { return probe.Clip(strings.Join(lines, "; "), maxShown) }
