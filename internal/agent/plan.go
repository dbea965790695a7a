package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/host"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
	"github.com/channelwatch/channelwatch/internal/web"
)

// Checks returns what the parts of an agent can say of a configuration before they are built from it.
func Checks() []config.Check {
	return []config.Check{{
		Field: "agent.web_config_file",
		Wrong: func(c *config.Config) error { return web.ValidateConfig(c.Agent.WebConfigFile) },
	}}
}

// Phase returns when an agent probes a touchpoint: whenever the wall clock shows a multiple of its interval and this
// much more, which is from 0 up to, not including, the interval.
func Phase(tp *probe.Touchpoint) time.Duration { return schedule.Phase(tp.Key(), tp.Every) }

// HostSeries returns how many series an agent on this host exports of it now, itself as an observer included.
func HostSeries(ctx context.Context, cfg *config.Host) (int, error) {
	reader, err := newHost(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	return len(collect(ctx, host.NewObserver(host.ObserverOptions{}), reader)), nil
}
