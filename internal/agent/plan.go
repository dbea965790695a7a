package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/history"
	"github.com/channelwatch/channelwatch/internal/host"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/rum"
	"github.com/channelwatch/channelwatch/internal/schedule"
	"github.com/channelwatch/channelwatch/internal/web"
)

// Checks returns what the parts of an agent can say of a configuration before they are built from it.
func Checks() []config.Check {
	return []config.Check{
		{Field: "agent.web_config_file", Wrong: func(c *config.Config) error { return web.ValidateConfig(c.Agent.WebConfigFile) }},
		{Field: "browser", Wrong: checkLines},
		{Field: "rum", Wrong: checkRUM},
		{Field: "receipts", Wrong: checkReceipts},
		{Field: "public.web_config_file", Wrong: func(c *config.Config) error { return web.ValidateConfig(c.Public.WebConfigFile) }},
		{Field: "alerting", Wrong: func(c *config.Config) error { return checkBlock(c.Alerting, history.CheckAlerting) }},
		{Field: "remote_write", Wrong: func(c *config.Config) error { return checkBlock(c.RemoteWrite, history.CheckRemoteWrite) }},
		{Field: "notify", Wrong: func(c *config.Config) error {
			_, err := newNotifier(c, "", "", slog.New(slog.DiscardHandler))
			return err
		}},
	}
}

// checkBlock checks a block and names the lines of the file.
func checkBlock(raw config.Raw, check func(history.Block) error) error {
	if raw.IsZero() {
		return nil
	}
	err := check(block(raw))
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for i, err := range errs {
		if wrong, ok := errors.AsType[*history.BlockError](err); ok {
			errs[i] = &config.LineError{Line: wrong.Line, Text: wrong.Text}
		}
	}
	return errors.Join(errs...)
}

// Phase returns when an agent probes a touchpoint: whenever the wall clock shows a multiple of its interval and this
// much more, which is from 0 up to, not including, the interval.
func Phase(tp *probe.Touchpoint) time.Duration { return schedule.Phase(tp.Key(), tp.Every) }

// Predict returns how many series an agent exports that probes its part of a configuration. m must have no channels yet.
func Predict(m *metrics.Metrics, cfg *config.Config) (metrics.Prediction, error) {
	share(m, cfg)
	return m.Predict(counted(shardOf(cfg).Own(cfg.Channels)), cfg.Agent.Serves)
}

// PartSeries returns how many series an agent exports of its history, its messages, its beacons and what its kinds tell of
// themselves, with those that come with the first values. Those of pictures come when the first one was taken.
func PartSeries(cfg *config.Config, kinds []probe.Kind) (int, error) {
	a := &Agent{log: slog.New(slog.DiscardHandler)}
	p, err := a.newPast(cfg, "")
	n := 0
	if p.store != nil {
		n += p.store.Series()
	}
	if p.notifier != nil {
		n += len(p.notifier.Readings())
	}
	for _, readings := range kindParts(kinds, cfg.Touchpoints()) {
		n += len(readings)
	}
	if cfg.Receipts.Listen != "" {
		n += len(ledger.New().Readings())
	}
	if opts, wrong := rumOptions(&cfg.RUM); wrong == nil && cfg.RUM.Listen != "" {
		if server, wrong := rum.New(opts); wrong == nil {
			n += server.Series()
		}
	}
	return n, err
}

// HostSeries returns how many series an agent on this host exports of it now, itself as an observer included.
func HostSeries(ctx context.Context, cfg *config.Host) (int, error) {
	reader, err := newHost(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	return len(collect(ctx, host.NewObserver(host.ObserverOptions{}), reader)), nil
}
