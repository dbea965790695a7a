package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func newPlan() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what will be probed, when, and how many series that makes",
		Long: `Show what a configuration will do before it does it: every touchpoint with its target
and rhythm, the probes a second, and the exact number of series.

A touchpoint is probed when the clock shows a multiple of EVERY plus AT: every 30s at
12.5s is at 12.5 and 42.5 seconds of each minute. A new one, and each one after a
start, is probed at once beside that.

The series are those of a scrape once every touchpoint has been measured and none
was ever below good; each cause that strikes a touchpoint for the first time adds
one, up to the maximum shown. Native counts a histogram as one series, classic
counts each of its buckets. The readings of the host come on top: they are counted
on this machine, now.`,
		Example: "  channelwatch plan --config channelwatch.yaml",
		Args:    noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			defer cfg.Close()
			plan, err := newPlanOf(cfg)
			if err != nil {
				return err
			}
			plan.Host, err = agent.HostSeries(cmd.Context(), &cfg.Host)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(plan)
			}
			return plan.write(cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	return cmd
}

// plan is what a configuration will do.
type plan struct {
	Touchpoints     []plannedTouchpoint `json:"touchpoints"`
	ProbesPerSecond float64             `json:"probes_per_second"`
	Channels        series              `json:"series_of_channels"`
	Agent           series              `json:"series_of_agent"`
	Rest            series              `json:"series"`
	Most            series              `json:"series_at_most"`
	Host            int                 `json:"series_of_host"`  // beside all of these
	Parts           int                 `json:"series_of_parts"` // of the agent's history, messages, kinds and beacons at most, beside all of these
	Limit           int                 `json:"series_limit"`    // of those of channels, touchpoints and host, counted as classic
}

// series is metrics.Series with the names that it has in JSON.
type series struct {
	Native  int `json:"native"`
	Classic int `json:"classic"`
}

type plannedTouchpoint struct {
	Channel    string `json:"channel"`
	Touchpoint string `json:"touchpoint"`
	Kind       string `json:"kind"`
	Target     string `json:"target"`
	Every      string `json:"every"`
	At         string `json:"at"` // after each multiple of every on the clock
	Timeout    string `json:"timeout"`
	Rest       series `json:"series"`
	Most       series `json:"series_at_most"`
}

func newPlanOf(cfg *config.Config) (*plan, error) {
	all := kinds.All()
	catalogue, err := probe.NewCatalogue(all)
	if err != nil {
		return nil, err
	}
	m := metrics.New(metrics.Options{
		Catalogue: catalogue, Version: version, Revision: revision(), Location: cfg.Agent.Location,
	})
	prediction, err := agent.Predict(m, cfg)
	if err != nil {
		return nil, err
	}
	parts, err := agent.PartSeries(cfg, all)
	if err != nil {
		return nil, err
	}
	p := &plan{
		Channels: series(prediction.Channels), Agent: series(prediction.Agent),
		Rest: series(prediction.Rest), Most: series(prediction.Most), Parts: parts, Limit: cfg.Agent.SeriesLimit,
	}
	for _, t := range prediction.Touchpoints {
		tp := t.Touchpoint
		p.ProbesPerSecond += 1 / tp.Every.Seconds()
		p.Touchpoints = append(p.Touchpoints, plannedTouchpoint{
			Channel: tp.Channel, Touchpoint: tp.Name, Kind: tp.Kind, Target: tp.Profile.Target,
			Every:   config.FormatDuration(tp.Every),
			At:      config.FormatDuration(agent.Phase(tp).Truncate(time.Millisecond)),
			Timeout: config.FormatDuration(tp.Timeout),
			Rest:    series(t.Rest), Most: series(t.Most),
		})
	}
	return p, nil
}

func (p *plan) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "CHANNEL\tTOUCHPOINT\tKIND\tTARGET\tEVERY\tAT\tTIMEOUT\tSERIES native\tclassic\tat most")
	for _, t := range p.Touchpoints {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\n",
			t.Channel, t.Touchpoint, t.Kind, t.Target, t.Every, t.At, t.Timeout, t.Rest.Native, t.Rest.Classic, t.Most.Classic)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	over := p.overLimit()
	if over != "" {
		over = "agent.series_limit: " + over + "\n"
	}
	_, err := fmt.Fprintf(w, `
%d touchpoints, %.2f probes a second
series: %d native or %d classic, of which %d classic are the channels' own and %d the agent's own;
at most %d classic when every cause has struck; %d more of this host now, and at most %d of its history, messages,
browsers and beacons
%s`, len(p.Touchpoints), p.ProbesPerSecond, p.Rest.Native, p.Rest.Classic, p.Channels.Classic, p.Agent.Classic, p.Most.Classic,
		p.Host, p.Parts, over)
	return err
}

// overLimit says what the agent would not export because of its limit of series; "" when nothing. The agent takes the
// touchpoints in this order, and each only as a whole.
func (p *plan) overLimit() string {
	used, wanted := p.Channels.Classic, p.Channels.Classic
	var missing []string
	for _, t := range p.Touchpoints {
		wanted += t.Rest.Classic
		if used+t.Rest.Classic > p.Limit {
			missing = append(missing, t.Channel+"/"+t.Touchpoint)
			continue
		}
		used += t.Rest.Classic
	}
	switch {
	case len(missing) > 0:
		return fmt.Sprintf("got %d, want at least %d: %s would not be exported, the first is %s",
			p.Limit, wanted+p.Host+p.Parts, count(len(missing), "touchpoint"), missing[0])
	case wanted+p.Host+p.Parts > p.Limit:
		return fmt.Sprintf("got %d, want at least %d: %d series of channels and host would not be exported",
			p.Limit, wanted+p.Host+p.Parts, wanted+p.Host+p.Parts-p.Limit)
	}
	return ""
}
