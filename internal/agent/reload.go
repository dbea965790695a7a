package agent

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Reload reads the configuration again and puts it into force: unchanged touchpoints go on undisturbed. A configuration
// with mistakes is refused: the old one stays, and the error, the log, a metric and the page say why.
func (a *Agent) Reload() error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	cfg, err := a.opts.Load()
	if err == nil {
		err = a.fixed(cfg)
		if err != nil {
			cfg.Close()
		}
	}
	if err != nil {
		a.mu.Lock()
		a.refused = err.Error()
		if mistakes, ok := errors.AsType[config.Errors](err); ok {
			a.watched = append(slices.Clone(a.config.Files), mistakes.Files()...) // mending any of them must be seen
		}
		hash := a.config.Hash
		a.mu.Unlock()
		a.metrics.Reloaded(false, time.Now(), hash)
		a.log.Error("reload refused, the old configuration stays", "error", err.Error())
		return err
	}
	a.apply(cfg)
	return nil
}

// fixed refuses a configuration that changes what only a restart can change.
func (a *Agent) fixed(cfg *config.Config) error {
	old, now := a.opts.Config, cfg
	for _, s := range []struct {
		name     string
		old, now any
	}{
		{"agent.listen", old.Agent.Listen, now.Agent.Listen},
		{"agent.location", old.Agent.Location, now.Agent.Location},
		{"agent.web_config_file", old.Agent.WebConfigFile, now.Agent.WebConfigFile},
		{"agent.max_concurrent", old.Agent.MaxConcurrent, now.Agent.MaxConcurrent},
		{"agent.per_host", old.Agent.PerHost, now.Agent.PerHost},
		{"agent.series_limit", old.Agent.SeriesLimit, now.Agent.SeriesLimit},
		{"agent.recent_bytes", old.Agent.RecentBytes, now.Agent.RecentBytes},
		{"agent.pprof", old.Agent.Pprof, now.Agent.Pprof},
		{"agent.log", old.Agent.Log, now.Agent.Log},
		{"host", old.Host, now.Host},
		{"control", old.Control, now.Control},
	} {
		if !reflect.DeepEqual(s.old, s.now) {
			return fmt.Errorf("%s: changed from %v to %v, which needs a restart", s.name, s.old, s.now)
		}
	}
	return nil
}

// apply swaps the configuration. Everything that can fail has been done before.
func (a *Agent) apply(cfg *config.Config) {
	a.metrics.Apply(cfg.Channels, cfg.Agent.Serves) // first, so that a new touchpoint finds its series
	effective := a.schedule.Apply(cfg.Touchpoints())
	channels := withTouchpoints(cfg.Channels, effective)
	a.mu.Lock()
	old := a.channels
	a.config, a.channels, a.refused, a.watched = cfg, channels, "", cfg.Files
	a.mu.Unlock()
	kept := make(map[string]bool, len(effective))
	for _, tp := range effective {
		kept[tp.Key()] = true
	}
	for _, channel := range old {
		for _, tp := range channel.Touchpoints {
			if !kept[tp.Key()] {
				a.recent.Drop(tp.Key())
			}
		}
	}
	a.metrics.Reloaded(true, time.Now(), cfg.Hash)
	a.log.Info("configuration reloaded", "channels", len(channels), "touchpoints", len(effective), "hash", cfg.Hash)
}

// withTouchpoints returns copies of the channels that hold the touchpoints in effect, which come in the same order.
func withTouchpoints(channels []*probe.Channel, effective []*probe.Touchpoint) []*probe.Channel {
	copies := make([]*probe.Channel, len(channels))
	for i, channel := range channels {
		c := *channel
		n := len(c.Touchpoints)
		c.Touchpoints, effective = effective[:n:n], effective[n:]
		copies[i] = &c
	}
	return copies
}

// watchFiles reloads when a file changes, until ctx ends.
func (a *Agent) watchFiles(ctx context.Context) {
	reload := func() { //nolint:contextcheck // probes belong to the schedule, not to this call
		_ = a.Reload() // logs and exports its error: there is nobody to return it to
	}
	err := config.Watch(ctx, a.files, reload)
	if err != nil {
		a.log.Error("files are not watched, reload by SIGHUP or POST /-/reload", "error", err.Error())
	}
}

func (a *Agent) files() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.watched
}
