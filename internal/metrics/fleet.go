package metrics

import (
	"slices"
	"strconv"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Shard is how an agent shares channels with others.
type Shard struct {
	Name      string // of the agent
	PeersHash string // of the list of all agents: the same on those that divide the channels alike
	Replicas  int    // agents that probe each channel
}

// fleet is what an agent knows beyond the channels that it probes. It is immutable.
type fleet struct {
	configured []*probe.Channel // sorted by name
	shard      *Shard           // nil for an agent that shares nothing
}

// SetShard says which channels are configured, whoever probes them, and how the agent shares them; nil when it does not.
// Rules find by it channels that nobody probes, and agents that divide the channels differently. Apply is given those
// that this agent probes.
func (m *Metrics) SetShard(configured []*probe.Channel, of *Shard) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.set.Load()
	next := *old
	next.fleet = fleet{slices.Clone(configured), of}
	slices.SortFunc(next.fleet.configured, byName)
	m.budget.take(m.channelSeries(&next) - m.channelSeries(old))
	m.set.Store(&next)
}

func byName(a, b *probe.Channel) int { return strings.Compare(a.Name, b.Name) }

// channelConfigured names title and owners, so that an alert about a channel that nobody probes can tell them.
func (m *Metrics) channelConfigured() family {
	return family{
		Family{
			Name: prefix + "channel_configured", Type: Gauge, Labels: []string{channelLabel, "owner_it", "owner_marketing", "title"},
			Help: "Channels of the configuration, whichever agent probes them; always 1.",
		},
		func(out sink, s *set) {
			for _, c := range s.fleet.configured {
				m.row(out, 1, label{channelLabel, c.Name}, label{"owner_it", c.OwnerIT}, label{"owner_marketing", c.OwnerMkt}, label{"title", c.Title})
			}
		},
	}
}

func (m *Metrics) shardInfo() family {
	return family{
		Family{
			Name: prefix + "shard_info", Type: Gauge, Labels: []string{"name", "peers_hash", "replicas"},
			Help: "How the agent shares the channels with others: peers_hash is the same on all that divide them alike; always 1.",
		},
		func(out sink, s *set) {
			if of := s.fleet.shard; of != nil {
				m.row(out, 1, label{"name", of.Name}, label{"peers_hash", of.PeersHash}, label{"replicas", strconv.Itoa(of.Replicas)})
			}
		},
	}
}
