package shard_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/shard"
)

// names returns n names with a prefix, as a StatefulSet has them.
func names(prefix string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", prefix, i))
	}
	return all
}

// TestOwners_Golden holds the hash where it is: agents of different versions must divide the channels alike.
func TestOwners_Golden(t *testing.T) {
	peers := names("channelwatch", 3)
	got := make(map[string]string)
	for _, channel := range []string{"desktop-web", "mobile-web", "mobile-app", "push", "newsletter", ""} {
		got[channel] = strings.Join(shard.Owners(peers, channel, 3), " ")
	}
	want := map[string]string{
		"desktop-web": "channelwatch-1 channelwatch-0 channelwatch-2",
		"mobile-web":  "channelwatch-2 channelwatch-0 channelwatch-1",
		"mobile-app":  "channelwatch-2 channelwatch-1 channelwatch-0",
		"push":        "channelwatch-0 channelwatch-2 channelwatch-1",
		"newsletter":  "channelwatch-0 channelwatch-2 channelwatch-1",
		"":            "channelwatch-0 channelwatch-2 channelwatch-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	if got, want := shard.Hash(peers), "273d65d2767ed3a5"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestOwners_NumberAndOrder(t *testing.T) {
	peers := names("agent", 5)
	for _, test := range []struct {
		name     string
		peers    []string
		replicas int
		want     int
	}{
		{"one", peers, 1, 1},
		{"two", peers, 2, 2},
		{"all", peers, 5, 5},
		{"more than there are", peers, 9, 5},
		{"a peer named twice", []string{"a", "b", "a"}, 3, 2},
		{"no peers", nil, 1, 0},
		{"none wanted", peers, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, channel := range names("channel", 50) {
				got := shard.Owners(test.peers, channel, test.replicas)
				if len(got) != test.want || len(got) != len(slices.Compact(slices.Sorted(slices.Values(got)))) {
					t.Fatalf("owners of %s: %q, want %d different ones", channel, got, test.want)
				}
				// The second owner takes over when the first goes: a larger number only adds to the end.
				if all := shard.Owners(test.peers, channel, len(test.peers)); !slices.Equal(all[:test.want], got) {
					t.Fatalf("owners of %s: %q are not the first of %q", channel, got, all)
				}
			}
		})
	}
}

func TestOwners_DoNotDependOnOrder(t *testing.T) {
	peers := names("agent", 7)
	random := rand.New(rand.NewPCG(3, 9))
	for _, channel := range names("channel", 100) {
		want := shard.Owners(peers, channel, 2)
		shuffled := slices.Clone(peers)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		before := slices.Clone(shuffled)
		if got := shard.Owners(shuffled, channel, 2); !slices.Equal(got, want) {
			t.Fatalf("owners of %s by %q: %q, want %q", channel, shuffled, got, want)
		}
		if !slices.Equal(before, shuffled) {
			t.Fatal("the list of peers was changed")
		}
		if shard.Hash(shuffled) != shard.Hash(peers) {
			t.Fatalf("hash of %q differs from that of %q", shuffled, peers)
		}
	}
}

func TestOwners_SharesAreBalanced(t *testing.T) {
	const channels = 20_000
	for _, test := range []struct{ peers, replicas int }{{2, 1}, {3, 1}, {3, 2}, {10, 1}, {10, 3}, {50, 2}} {
		t.Run(fmt.Sprintf("%d peers, %d replicas", test.peers, test.replicas), func(t *testing.T) {
			shares := make(map[string]int)
			for _, channel := range names("channel", channels) {
				for _, peer := range shard.Owners(names("agent", test.peers), channel, test.replicas) {
					shares[peer]++
				}
			}
			p := float64(test.replicas) / float64(test.peers)
			mean := channels * p
			deviation := math.Sqrt(channels * p * (1 - p)) // of a binomial distribution
			for _, peer := range names("agent", test.peers) {
				if off := math.Abs(float64(shares[peer]) - mean); off > 5*deviation {
					t.Errorf("%s has %d channels, want %.0f ± %.0f", peer, shares[peer], mean, 5*deviation)
				}
			}
		})
	}
}

// A new peer takes its part from the others, and nothing moves between these.
func TestOwners_AddingAPeerMovesItsPartOnly(t *testing.T) {
	const channels, before = 10_000, 9
	old, grown := names("agent", before), names("agent", before+1)
	added := grown[before]
	for _, replicas := range []int{1, 2} {
		moved := 0
		for _, channel := range names("channel", channels) {
			was, is := shard.Owners(old, channel, replicas), shard.Owners(grown, channel, replicas)
			if slices.Equal(was, is) {
				continue
			}
			moved++
			if !slices.Contains(is, added) {
				t.Fatalf("%s moved from %q to %q without the new peer %s", channel, was, is, added)
			}
			kept := slices.DeleteFunc(slices.Clone(is), func(p string) bool { return p == added })
			if !slices.Equal(kept, was[:replicas-1]) {
				t.Fatalf("%s moved from %q to %q, want only the last one replaced", channel, was, is)
			}
		}
		want := channels * float64(replicas) / (before + 1)
		if off := math.Abs(float64(moved) - want); off > 5*math.Sqrt(want) {
			t.Errorf("%d channels moved with %d replicas, want about %.0f", moved, replicas, want)
		}
	}
}

func TestHash(t *testing.T) {
	same := shard.Hash([]string{"a", "b"})
	if got := shard.Hash([]string{"b", "a", "b"}); got != same {
		t.Errorf("%s for the same peers in another order, want %s", got, same)
	}
	for _, other := range [][]string{nil, {"a"}, {"ab"}, {"a", "c"}, {"a", "b", "c"}} {
		if shard.Hash(other) == same {
			t.Errorf("%q has the hash of a and b", other)
		}
	}
}

func TestShard_EveryChannelHasItsReplicas(t *testing.T) {
	peers := names("agent", 4)
	var channels []*probe.Channel
	for _, name := range names("channel", 200) {
		channels = append(channels, &probe.Channel{Name: name})
	}
	for _, replicas := range []int{1, 2, 4} {
		owners := make(map[string]int)
		for _, peer := range peers {
			s := shard.Shard{Name: peer, Peers: peers, Replicas: replicas}
			own := s.Own(channels)
			for _, c := range own {
				owners[c.Name]++
				if !s.Mine(c.Name) {
					t.Errorf("%s owns %s, which is not its own", peer, c.Name)
				}
			}
			if !slices.IsSortedFunc(own, func(a, b *probe.Channel) int {
				return slices.Index(channels, a) - slices.Index(channels, b)
			}) {
				t.Errorf("the channels of %s changed their order", peer)
			}
		}
		for _, c := range channels {
			if owners[c.Name] != replicas {
				t.Errorf("%s is probed by %d agents, want %d", c.Name, owners[c.Name], replicas)
			}
		}
	}
}

func TestShard_Alone(t *testing.T) {
	var s shard.Shard
	channels := []*probe.Channel{{Name: "a"}, {Name: "b"}}
	if !s.Alone() || !s.Mine("a") || !slices.Equal(s.Own(channels), channels) {
		t.Error("an agent without peers does not own every channel")
	}
}

func BenchmarkOwners(b *testing.B) {
	peers := names("agent", 20)
	b.ReportAllocs()
	for b.Loop() {
		shard.Owners(peers, "desktop-web", 2)
	}
}
