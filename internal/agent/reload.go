package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
		cfg = own(cfg)
		err = a.fixed(cfg)
		if err != nil {
			cfg.Close()
		}
	}
	if err != nil {
		a.refuse(err)
		return err
	}
	a.apply(cfg)
	return nil
}

// refuse notes why a configuration was refused.
func (a *Agent) refuse(err error) {
	a.mu.Lock()
	a.refused = err.Error()
	if mistakes, ok := errors.AsType[config.Errors](err); ok { // mending any of their files must be seen
		a.watched = slices.Compact(slices.Sorted(slices.Values(append(mistakes.Files(), a.config.Files...))))
	}
	hash := a.config.Hash
	a.mu.Unlock()
	a.metrics.Reloaded(false, time.Now(), hash)
	a.log.Error("reload refused, the old configuration stays", "error", err.Error())
}

// reloadable reports whether a change of a setting takes effect by a reload; of the others only a restart is.
func reloadable(field string) bool {
	return field == "agent.recheck" || strings.HasPrefix(field, "agent.serves[") || strings.HasPrefix(field, "shard.")
}

// fixed refuses a configuration that changes what only a restart can change, and names every such setting.
func (a *Agent) fixed(cfg *config.Config) error {
	var mistakes config.Errors
	for _, change := range config.Diff(a.inForce().Settings(), cfg.Settings()) {
		for _, f := range change.Fields {
			field := change.Type + "." + f.Field
			if !reloadable(field) {
				mistakes = append(mistakes, cfg.Mistake(field, fmt.Sprintf("changed from %s to %s, which needs a restart", shown(f.Old), shown(f.New))))
			}
		}
	}
	if len(mistakes) > 0 {
		return mistakes
	}
	return nil
}

// shown is a value of a setting in an error; what is not set is nothing.
func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	return strconv.Quote(value)
}

// apply swaps the configuration. Everything that can fail has been done before.
func (a *Agent) apply(cfg *config.Config) {
	a.metrics.Apply(counted(cfg.Channels), cfg.Agent.Serves) // first, so that a new touchpoint finds its series
	effective := a.schedule.Apply(cfg.Touchpoints())
	old := a.inForce()
	cfg = cfg.InForce(withTouchpoints(cfg.Channels, effective), old)
	share(a.metrics, cfg)
	a.metrics.Apply(counted(cfg.Channels), cfg.Agent.Serves) // once more, so that it lets go of what the schedule has closed
	a.mu.Lock()
	a.config, a.refused, a.watched = cfg, "", cfg.Files
	a.mu.Unlock()
	kept := make(map[string]bool, len(effective))
	for _, probed := range effective {
		for _, tp := range everywhere(probed) {
			kept[tp.Key()] = true
		}
	}
	for _, probed := range old.Touchpoints() {
		for _, tp := range everywhere(probed) {
			if !kept[tp.Key()] {
				a.recent.Drop(tp.Key())
			}
		}
	}
	a.album.keepOnly(effective)
	a.metrics.Reloaded(true, time.Now(), cfg.Hash)
	a.log.Info("configuration reloaded", "channels", len(cfg.Channels), "touchpoints", len(effective), "hash", cfg.Hash)
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
