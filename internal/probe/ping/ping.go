// Package ping is the kind that sends ICMP echoes and measures the way to a host: whether it is there, how long a packet
// takes to it and back, how much that varies, and how many are lost. Marketers care because everything that customers
// wait for crosses that way several times.
//
// It imports packages probe and httpx, and is the only importer of pro-bing. It needs no privilege where the host lets
// its group send echoes (net.ipv4.ping_group_range), else CAP_NET_RAW; with neither it says so and measures nothing.
package ping

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a ping touchpoint is told below "with".
type Config struct {
	Host     string        `yaml:"host" required:"true" doc:"Name or address to send echoes to."`
	Count    int           `yaml:"count" min:"1" max:"50" doc:"Echoes of one probe."`
	Interval time.Duration `yaml:"interval" min:"200ms" max:"10s" doc:"Time between two echoes."`
	Resolver string        `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
}

// The kind's own metrics and the values of the label of the first.
const (
	roundTrip = "ping_round_trip_seconds"
	lossRatio = "ping_loss_ratio"

	statMin, statAvg, statMax, statJitter = "min", "avg", "max", "jitter"
)

// The kind's own checks; those of names and routes are shared.
const (
	unanswered probe.CheckID = "ping_unanswered"
	heavyLoss  probe.CheckID = "ping_heavy_loss"
	someLoss   probe.CheckID = "ping_loss"
)

func checks() []probe.Check {
	return []probe.Check{
		{
			ID: unanswered, Dimension: probe.Reachable, Cap: probe.Poor, Title: "no echo",
			Marketing: "The computer behind this service cannot be reached.",
			IT:        "No echo came back; check the host, the route, and firewalls that drop ICMP: a host can be well and not answer.",
		},
		{
			ID: heavyLoss, Dimension: probe.Reachable, Cap: probe.Fair, Title: "many packets lost",
			Marketing: "The way to this service loses so much that customers wait again and again.",
			IT:        "A quarter of the echoes or more is lost; check links, duplex, queues and limits on ICMP on the way.",
		},
		{
			ID: someLoss, Dimension: probe.Reachable, Cap: probe.Good, Title: "packets lost",
			Marketing: "The way to this service loses a little; customers hardly notice.",
			IT:        "Some echoes are lost; compare with other hosts, and check limits on ICMP before links and queues.",
		},
	}
}

// Kind returns the kind.
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "ping",
		Summary: "Sends echoes and measures the way to a host: how long it is, how much it varies, and how much gets lost for customers.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: []probe.Metric{
			{
				Name: roundTrip, Help: "Round trips of the last probe; jitter is the mean difference between neighbours.", Type: probe.Gauge,
				Label: "stat", Values: []string{statMin, statAvg, statMax, statJitter}, Momentary: true,
			},
			{Name: lossRatio, Help: "Share of the echoes of the last probe that did not come back, 0 to 1.", Type: probe.Gauge, Momentary: true},
		},
		// Hosts limit how many echoes they answer, and take more for an attack.
		Floor:   5 * time.Second,
		Every:   time.Minute,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, func(probe.ChannelType) Config { return Config{Count: 5, Interval: minInterval} }, build)
}

// limits are for one round trip, whoever waits: 100 ms reach across a continent, 300 ms around the world by fibre. After
// a second TCP takes a packet for lost (RFC 6298 section 2.1).
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 100 * time.Millisecond, Good: 300 * time.Millisecond, Fair: time.Second}
}
