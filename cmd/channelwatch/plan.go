package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

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
		Short: "Show what will be probed, how often, and how many series that makes",
		Long: `Show what a configuration will do before it does it: every touchpoint with its target
and rhythm, the probes a second, and the exact number of series.

The series are those of a scrape once every touchpoint has been measured and none
was ever below good; each cause that strikes a touchpoint for the first time adds
one, up to the maximum shown. Native counts a histogram as one series, classic
counts each of its buckets. The readings of the host come on top.`,
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
	Timeout    string `json:"timeout"`
	Rest       series `json:"series"`
	Most       series `json:"series_at_most"`
}

func newPlanOf(cfg *config.Config) (*plan, error) {
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		return nil, err
	}
	m := metrics.New(metrics.Options{
		Catalogue: catalogue, Version: version, Revision: revision(), Location: cfg.Agent.Location,
	})
	prediction, err := m.Predict(cfg.Channels, cfg.Agent.Serves)
	if err != nil {
		return nil, err
	}
	p := &plan{
		Channels: series(prediction.Channels), Agent: series(prediction.Agent),
		Rest: series(prediction.Rest), Most: series(prediction.Most),
	}
	for _, t := range prediction.Touchpoints {
		tp := t.Touchpoint
		p.ProbesPerSecond += 1 / tp.Every.Seconds()
		p.Touchpoints = append(p.Touchpoints, plannedTouchpoint{
			Channel: tp.Channel, Touchpoint: tp.Name, Kind: tp.Kind, Target: tp.Profile.Target,
			Every: config.FormatDuration(tp.Every), Timeout: config.FormatDuration(tp.Timeout),
			Rest: series(t.Rest), Most: series(t.Most),
		})
	}
	return p, nil
}

func (p *plan) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "CHANNEL\tTOUCHPOINT\tKIND\tTARGET\tEVERY\tTIMEOUT\tSERIES native\tclassic\tat most")
	for _, t := range p.Touchpoints {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\n",
			t.Channel, t.Touchpoint, t.Kind, t.Target, t.Every, t.Timeout, t.Rest.Native, t.Rest.Classic, t.Most.Classic)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
%d touchpoints, %.2f probes a second
series: %d native or %d classic, of which %d classic are the channels' own and %d the agent's own;
at most %d classic when every cause has struck
`, len(p.Touchpoints), p.ProbesPerSecond, p.Rest.Native, p.Rest.Classic, p.Channels.Classic, p.Agent.Classic, p.Most.Classic)
	return err
}
