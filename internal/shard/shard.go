// Package shard divides channels among agents that know the same list of names and never talk to each other.
//
// Every agent has the same configuration, the same list of peers and its own name. A channel belongs to the peers with
// the highest hash of peer and channel (rendezvous hashing, also known as highest random weight: Thaler and Ravishankar,
// "A Name-Based Mapping Scheme for Rendezvous", 1996). A peer that is added takes an equal part from each of the others and
// nothing else moves; one that is removed gives its part to all of them. There is no election and no gossip: agents whose
// lists differ for a while probe some channels twice or not at all, which alerts tell of (ShardMismatch, ChannelOrphan).
//
// It imports the domain only. It neither reads the configuration nor applies it.
package shard

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Shard is what an agent knows of the fleet that it belongs to. Without peers it stands alone: every channel is its own.
type Shard struct {
	Name     string   // of this agent, one of Peers
	Peers    []string // all agents, in any order
	Replicas int      // agents that probe each channel, 1 to the number of peers
}

// Alone reports whether the agent belongs to no fleet.
func (s *Shard) Alone() bool { return len(s.Peers) == 0 }

// Mine reports whether the agent probes a channel.
func (s *Shard) Mine(channel string) bool {
	return s.Alone() || slices.Contains(Owners(s.Peers, channel, s.Replicas), s.Name)
}

// Own returns those of channels that the agent probes, in their order.
func (s *Shard) Own(channels []*probe.Channel) []*probe.Channel {
	if s.Alone() {
		return channels
	}
	var own []*probe.Channel
	for _, c := range channels {
		if s.Mine(c.Name) {
			own = append(own, c)
		}
	}
	return own
}

// Owners returns the peers that probe a channel, as many as replicas says but no more than there are, the first choice
// first. It depends on nothing but the names: not on the order of peers, the version of this program or the machine.
func Owners(peers []string, channel string, replicas int) []string {
	candidates := make([]candidate, 0, len(peers))
	for _, peer := range unique(peers) {
		candidates = append(candidates, candidate{peer, weigh(peer, channel)})
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(bytes.Compare(b.weight[:], a.weight[:]), strings.Compare(a.peer, b.peer))
	})
	owners := make([]string, 0, replicas)
	for i := range min(replicas, len(candidates)) {
		owners = append(owners, candidates[i].peer)
	}
	return owners
}

// candidate is a peer with its weight for one channel.
type candidate struct {
	peer   string
	weight [sha256.Size]byte
}

// weigh returns the weight of a peer for a channel. SHA-256, because it is in the standard library, the same everywhere
// and for ever, and mixes well: with FNV-1a, one of ten numbered peers gets up to four times the part of another. The
// separator, which no name holds, keeps ("ab", "c") and ("a", "bc") apart.
func weigh(peer, channel string) [sha256.Size]byte {
	return sha256.Sum256([]byte(peer + "\x00" + channel))
}

// Hash identifies a list of peers, whatever its order: agents with different ones divide the channels differently.
func Hash(peers []string) string {
	sum := sha256.Sum256([]byte(strings.Join(unique(peers), "\x00")))
	return hex.EncodeToString(sum[:8]) // 64 bits: two lists of one fleet do not collide by chance
}

// unique returns the peers sorted, each once.
func unique(peers []string) []string { return slices.Compact(slices.Sorted(slices.Values(peers))) }
