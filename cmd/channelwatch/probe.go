package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/record"
)

func newProbe() *cobra.Command {
	var path string
	var asJSON bool
	var files visitFiles
	cmd := &cobra.Command{
		Use:   "probe TOUCHPOINT",
		Short: "Probe one touchpoint now and show everything that was seen",
		Long: `Probe one touchpoint of a configuration now, without a running agent: the phases as
a waterfall, the findings as sentences for marketing and for IT, and the evidence. Of a
page in a browser that is its vitals, its weight, its slowest requests and its console;
--har writes all of its requests, and --screenshot what it looked like, as a .png or .jpg.

TOUCHPOINT is its name, or CHANNEL/NAME where two channels have the same name.
Exit code 1 when the result is poor or could not be measured.`,
		Example: `  channelwatch probe home --config channelwatch.yaml
  channelwatch probe mobile-web/home --json
  channelwatch probe mobile-web/shop --har shop.har --screenshot shop.png`,
		Args: arguments(1, 1, "touchpoint"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return completeTouchpoints(path)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			receipts := ledger.New()
			cfg, err := loadConfigWith(path, kinds.Sharing(receipts))
			if err != nil {
				return err
			}
			defer cfg.Close()
			tp, err := findTouchpoint(cfg, args[0])
			if err != nil {
				return err
			}
			stop, err := awaitReceipts(cfg, tp, receipts)
			if err != nil {
				return err
			}
			return errors.Join(probeOnce(cmd, tp, asJSON, files), stop(cmd.Context()))
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the record as JSON")
	cmd.Flags().StringVar(&files.har, "har", "", "write the requests of a page in a browser to this `file` (HAR 1.2)")
	cmd.Flags().StringVar(&files.screenshot, "screenshot", "", "write what a page in a browser looked like to this `file`")
	return cmd
}

func completeTouchpoints(path string) ([]string, cobra.ShellCompDirective) {
	cfg, err := readConfig(path)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer cfg.Close()
	var keys []string
	for _, tp := range cfg.Touchpoints() {
		keys = append(keys, tp.Key())
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}

// findTouchpoint finds a touchpoint by its key, or by its name where that is unique.
func findTouchpoint(cfg *config.Config, name string) (*probe.Touchpoint, error) {
	var found []*probe.Touchpoint
	var keys []string
	for _, tp := range cfg.Touchpoints() {
		if tp.Key() == name {
			return tp, nil
		}
		if tp.Name == name {
			found = append(found, tp)
		}
		keys = append(keys, tp.Key())
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, &usageError{fmt.Errorf("touchpoint %q: not in the configuration, want one of %s",
			name, strings.Join(keys, ", "))}
	}
	return nil, &usageError{fmt.Errorf("touchpoint %q: in %d channels, want CHANNEL/NAME", name, len(found))}
}

// probeOnce probes, prints the record, writes the files, and fails when the result is poor or unknown.
func probeOnce(cmd *cobra.Command, tp *probe.Touchpoint, asJSON bool, files visitFiles) error {
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), tp.Timeout)
	defer cancel()
	result, probeErr := tp.Prober.Probe(ctx)
	verdict, errText := quality.NotMeasured(probe.NotMeasured), ""
	if probeErr == nil {
		verdict = quality.Rate(catalogue, tp.Limits, &result)
	} else {
		errText = probeErr.Error()
	}
	rec := record.New(catalogue, tp, &result, verdict, errText)
	if asJSON {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		err = encoder.Encode(rec)
	} else {
		err = writeRecord(cmd.OutOrStdout(), &rec, tp.Limits)
	}
	written := files.write(rec.Evidence)
	switch {
	case err != nil:
		return err
	case probeErr != nil:
		return fmt.Errorf("%s: not measured: %w", tp.Key(), probeErr)
	case written != nil:
		return fmt.Errorf("%s: %w", tp.Key(), written)
	case verdict.Rating <= probe.Poor:
		return errors.New(tp.Key() + " is " + verdict.Rating.String())
	}
	return nil
}
