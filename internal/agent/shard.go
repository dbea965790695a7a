package agent

import (
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/shard"
)

// shardOf returns the part of an agent in its fleet.
func shardOf(cfg *config.Config) *shard.Shard {
	return &shard.Shard{Name: cfg.Shard.Name, Peers: cfg.Shard.Peers, Replicas: cfg.Shard.Replicas}
}

// own returns the configuration with the channels that this agent probes.
func own(cfg *config.Config) *config.Config {
	if s := shardOf(cfg); !s.Alone() {
		return cfg.Own(s.Mine)
	}
	return cfg
}

// share exports which channels are configured, whoever probes them, and who the peers are.
func share(m *metrics.Metrics, cfg *config.Config) {
	var of *metrics.Shard
	if s := shardOf(cfg); !s.Alone() {
		of = &metrics.Shard{Name: s.Name, PeersHash: shard.Hash(s.Peers), Replicas: s.Replicas}
	}
	m.SetShard(cfg.Configured(), of)
}
