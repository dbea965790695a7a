// Package dns is the kind that looks up a name: whether it leads where it should, how long an answer may be kept, whether
// it is authenticated, and whether all name servers of its zone say the same. Marketers care because a name that leads
// astray takes the whole channel with it, for some customers only, and for as long as caches remember.
//
// It imports packages probe and httpx, and is the only importer of miekg/dns. It is no resolver: it asks one server, or
// the servers of one zone, follows aliases only as far as an answer does, and validates no signatures itself.
package dns

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a dns touchpoint is told below "with".
type Config struct {
	Name          string        `yaml:"name" required:"true" doc:"Name to look up; for PTR an address will do."`
	Type          string        `yaml:"type" enum:"A,AAAA,CAA,CNAME,MX,NS,PTR,SOA,SRV,TXT" doc:"Type of the records."`
	Server        string        `yaml:"server" doc:"Address of the DNS server to ask, with :port unless that is 53. Default: the first of the system's."`
	Authoritative bool          `yaml:"authoritative" doc:"Ask every name server of the zone, found by way of the server, and compare their answers."`
	Port          int           `yaml:"port" min:"1" max:"65535" doc:"Port of the name servers of the zone."`
	AllowPrivate  bool          `yaml:"allow_private" doc:"Ask name servers of the zone at private and loopback addresses, too. Default: no."`
	MaxTTL        time.Duration `yaml:"max_ttl" doc:"Longest time for which an answer may be kept. Default: any."`
	Expect        Expect        `yaml:"expect" doc:"What the answer must be like."`
}

// Expect says what an answer must be like.
type Expect struct {
	Code          string   `yaml:"code" enum:"NOERROR,NXDOMAIN" doc:"Response code: NXDOMAIN for a name that must not exist."`
	Values        []string `yaml:"values" doc:"The records, exactly these, in any order, as in a zone file but for the text of TXT, which is without quotes."`
	Includes      []string `yaml:"includes" doc:"Records that must be among others."`
	Authenticated bool     `yaml:"authenticated" doc:"The resolver must say that it has verified the signatures (DNSSEC, the AD flag)."`
}

// The kind's own metrics.
const (
	ttlSeconds    = "dns_ttl_seconds"
	serversFailed = "dns_servers_failed"
)

// Kind returns the kind.
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "dns",
		Summary: "Looks up a name: whether it leads customers where it should, and whether all name servers of its zone agree.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: []probe.Metric{
			{Name: ttlSeconds, Help: "Shortest time for which a record of the answer may be kept, in seconds.", Type: probe.Gauge, Momentary: true},
			{Name: serversFailed, Help: "Name servers of the zone that did not answer, or not as one of the zone.", Type: probe.Gauge, Momentary: true},
		},
		// Answers are cached for longer than that, and name servers of others limit how often one client may ask.
		Floor:   10 * time.Second,
		Every:   time.Minute,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, func(probe.ChannelType) Config {
		return Config{Type: "A", Port: dnsPort, Expect: Expect{Code: codeOK}}
	}, build)
}

// limits are for what is asked before everything else, whoever waits: 100 ms are a round trip across a continent with an
// answer at hand, 300 ms around the world or a few questions more. After a second browsers ask again: what takes longer
// has lost packets.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 100 * time.Millisecond, Good: 300 * time.Millisecond, Fair: time.Second}
}
