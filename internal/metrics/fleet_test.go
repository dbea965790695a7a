package metrics_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestSetShard(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: "berlin-1"})
	empty := samples(t, m)
	m.Apply([]*probe.Channel{channelOf("shop", page("shop", "home"))}, nil)
	before := samples(t, m)
	m.SetShard([]*probe.Channel{channelOf("shop"), channelOf("app")}, &metrics.Shard{Name: "a", PeersHash: "cafe", Replicas: 2})
	const owners = `location="berlin-1",owner_it="it@example.com",owner_marketing="brand@example.com",`
	configured := map[string]float64{
		`channel_configured{channel="app",` + owners + `title="Channel app"}`:   1,
		`channel_configured{channel="shop",` + owners + `title="Channel shop"}`: 1,
	}
	got := samples(t, m)
	want(t, like(got, "channel_configured"), configured)
	want(t, like(got, "shard_info"), map[string]float64{`shard_info{location="berlin-1",name="a",peers_hash="cafe",replicas="2"}`: 1})
	if n := got["agent_series{}"] - before["agent_series{}"]; n != 3 {
		t.Errorf("%v series are counted, want 3", n)
	}

	m.Apply(nil, nil) // which channels the agent probes is another matter
	want(t, like(samples(t, m), "channel_configured"), configured)
	m.SetShard([]*probe.Channel{channelOf("shop")}, nil)
	got = samples(t, m)
	want(t, like(got, "shard_info"), map[string]float64{})
	want(t, like(got, "channel_configured"), map[string]float64{`channel_configured{channel="shop",` + owners + `title="Channel shop"}`: 1})
	m.SetShard(nil, nil)
	want(t, samples(t, m), empty)
}
