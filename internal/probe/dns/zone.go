package dns

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

const (
	maxServers   = 16 // name servers of a zone that are asked; few have more than four
	maxAddresses = 4  // of one name server
)

// nameServer is one address of a name server of a zone.
type nameServer struct {
	name string
	addr netip.Addr
}

func (n nameServer) String() string {
	return strings.TrimSuffix(n.name, ".") + " (" + n.addr.String() + ")"
}

// authorities is what is known of those who answer for a zone.
type authorities struct {
	zone    string
	servers []nameServer
	lost    []string // why servers cannot be asked, for people
}

// find asks a resolver for the name servers of the zone that a name is in: those of the longest name above it that has
// any. Without an answer from the resolver it returns its reply.
func (s *settings) find(ctx context.Context, resolver string) (authorities, *reply, error) {
	var found authorities
	labels := dns.SplitDomainName(s.question.Name)
	for i := range labels {
		zone := dns.Fqdn(strings.Join(labels[i:], "."))
		q := dns.Question{Name: zone, Qtype: dns.TypeNS, Qclass: dns.ClassINET}
		r, err := query(ctx, resolver, q, true)
		if err != nil || r.message == nil {
			return found, r, err
		}
		if r.message.Rcode != dns.RcodeSuccess && r.message.Rcode != dns.RcodeNameError {
			return found, failed(r), nil
		}
		names := namesIn(r.message, zone)
		if len(names) == 0 {
			continue
		}
		found.zone = zone
		err = s.locate(ctx, resolver, names, &found)
		return found, nil, err
	}
	return found, nil, nil
}

// namesIn returns the name servers of a zone that a message lists. An alias is no zone.
func namesIn(m *dns.Msg, zone string) []string {
	var names []string
	for _, rr := range m.Answer {
		if ns, ok := rr.(*dns.NS); ok && dns.CanonicalName(ns.Hdr.Name) == zone && len(names) < maxServers {
			names = append(names, dns.CanonicalName(ns.Ns))
		}
	}
	return names
}

// locate looks up the addresses of name servers. Whatever a zone says is not the operator's word: where it may not lead,
// nobody is asked.
func (s *settings) locate(ctx context.Context, resolver string, names []string, found *authorities) error {
	for _, name := range names {
		addrs, err := httpx.Resolver{Server: resolver}.Lookup(ctx, name)
		if err != nil {
			if ctx.Err() == context.Canceled {
				return context.Cause(ctx)
			}
			_, detail := httpx.ResolveReason(strings.TrimSuffix(name, "."), err)
			found.lost = append(found.lost, detail)
			continue
		}
		for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
			server := nameServer{name, addr}
			if reach := s.gate.Forbids(addr); reach != "" {
				found.lost = append(found.lost, server.String()+": address is "+reach+", want a global one")
				continue
			}
			found.servers = append(found.servers, server)
		}
	}
	return nil
}

func (s *settings) addressOf(n nameServer) string {
	return net.JoinHostPort(n.addr.String(), strconv.Itoa(int(s.port)))
}
