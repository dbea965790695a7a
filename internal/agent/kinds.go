package agent

import (
	"errors"
	"fmt"
	"slices"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// lines returns how many probes of each kind with a line of its own run at once.
func lines(kinds []probe.Kind, cfg *config.Config) map[string]int {
	all := make(map[string]int)
	for _, kind := range kinds {
		if kind.Line {
			all[kind.Name] = cfg.Browser.Concurrency
		}
	}
	return all
}

// visiting reports whether touchpoints of a kind with a line of its own are probed.
func visiting(kinds []probe.Kind, cfg *config.Config) bool {
	all := lines(kinds, cfg)
	return slices.ContainsFunc(cfg.Touchpoints(), func(tp *probe.Touchpoint) bool { return all[tp.Kind] > 0 })
}

// most is the share of the time of a line that its probes may take: beyond it they come late whenever one is slow.
const most = 0.7

// checkLines refuses a configuration whose touchpoints of a kind would wait for each other all the time. Touchpoints of
// other agents do not count.
func checkLines(cfg *config.Config) error {
	use := make(map[string]float64)
	for _, channel := range shardOf(cfg).Own(cfg.Channels) {
		for _, tp := range channel.Touchpoints {
			if tp.Profile.Takes > 0 {
				use[tp.Kind] += tp.Profile.Takes.Seconds() / tp.Every.Seconds()
			}
		}
	}
	var errs []error
	for kind, share := range use {
		if places := cfg.Browser.Concurrency; share > most*float64(places) {
			errs = append(errs, fmt.Errorf(
				"touchpoints of the kind %s take %.0f %% of the time of browser.concurrency %d, want at most %.0f %%: probe less often, with fewer runs or with more concurrency",
				kind, 100*share/float64(places), places, 100*most))
		}
	}
	return errors.Join(errs...)
}

// kindParts returns what the kinds in use tell of themselves, as parts of the agent's own series. A kind out of use has
// none, so that its part goes.
func kindParts(kinds []probe.Kind, touchpoints []*probe.Touchpoint) map[string][]metrics.Reading {
	parts := make(map[string][]metrics.Reading)
	for _, kind := range kinds {
		if kind.State == nil {
			continue
		}
		var out []metrics.Reading
		if slices.ContainsFunc(touchpoints, func(tp *probe.Touchpoint) bool { return tp.Kind == kind.Name }) {
			out = kindReadings(kind.State())
		}
		parts["kind "+kind.Name] = out
	}
	return parts
}

// kindReadings translates what a kind tells.
func kindReadings(all []probe.Reading) []metrics.Reading {
	out := make([]metrics.Reading, len(all))
	for i, r := range all {
		out[i] = metrics.Reading{Name: r.Metric, Help: r.Help, Type: metrics.Gauge, Value: r.Value}
		if r.Type == probe.Counter {
			out[i].Type = metrics.Counter
		}
		for _, l := range r.Labels {
			out[i].Labels = append(out[i].Labels, metrics.Label(l))
		}
	}
	return out
}
