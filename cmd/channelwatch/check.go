package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

func newCheck() *cobra.Command {
	var path, diff string
	var schema bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Report every mistake in a configuration, or compare it with a running agent",
		Long: `Read a configuration as the agent would, with all that it includes, and report every
mistake at once with file, line and column. Nothing is probed.

With --diff ADDRESS, show what would change if the agent at that address reloaded
this configuration. With --schema, print the JSON Schema of the configuration for
editors, and read no file.`,
		Example: `  channelwatch check --config channelwatch.yaml
  channelwatch check --config channelwatch.yaml --diff http://127.0.0.1:9977
  channelwatch check --schema > channelwatch.schema.json`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				return printSchema(cmd.OutOrStdout())
			}
			cfg, err := config.Load(path, kinds.All())
			if err != nil {
				return checkError(cmd.ErrOrStderr(), err)
			}
			defer cfg.Close()
			if diff != "" {
				return printDiff(cmd, cfg, diff)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d channels with %d touchpoints, no mistakes\n",
				path, len(cfg.Channels), len(cfg.Touchpoints()))
			return err
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&diff, "diff", "", "compare with the running agent at this `URL`")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the configuration")
	cmd.MarkFlagsMutuallyExclusive("diff", "schema")
	return cmd
}

// checkError prints all mistakes, one a line, and returns how many there are.
func checkError(w io.Writer, err error) error {
	mistakes, ok := errors.AsType[config.Errors](err)
	if !ok {
		return err
	}
	for _, mistake := range mistakes {
		fmt.Fprintln(w, mistake)
	}
	if len(mistakes) == 1 {
		return errors.New("1 mistake in the configuration")
	}
	return fmt.Errorf("%d mistakes in the configuration", len(mistakes))
}

func printSchema(w io.Writer) error {
	schema, err := config.Schema(kinds.All())
	if err != nil {
		return err
	}
	_, err = w.Write(schema)
	return err
}

// maxView bounds what is read of a running agent.
const maxView = 64 << 20

func printDiff(cmd *cobra.Command, cfg *config.Config, agent string) error {
	running, err := fetchView(cmd.Context(), agent)
	if err != nil {
		return err
	}
	changes := config.Diff(running, cfg.View())
	for _, change := range changes {
		fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(change.What+" "+change.Type+" "+change.Name))
		for _, f := range change.Fields {
			fmt.Fprintf(cmd.OutOrStdout(), "  %s: %q -> %q\n", f.Field, f.Old, f.New)
		}
	}
	if len(changes) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "nothing would change")
	}
	return nil
}

// fetchView asks a running agent for the configuration in force. It is a plain client of the agent's own API: probing
// has a client of its own.
func fetchView(ctx context.Context, agent string) (view config.View, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, agent+"/api/v1/config", http.NoBody)
	if err != nil {
		return view, &usageError{fmt.Errorf("--diff: want the URL of an agent, such as http://127.0.0.1:9977: %w", err)}
	}
	client := &http.Client{}
	response, err := client.Do(request)
	if err != nil {
		return view, fmt.Errorf("asking the running agent: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return view, fmt.Errorf("asking the running agent: status code %d, want 200", response.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxView)).Decode(&view); err != nil {
		return view, fmt.Errorf("asking the running agent: reading its configuration: %w", err)
	}
	return view, nil
}
