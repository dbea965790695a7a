package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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

With --diff URL, show what would change if the agent at that address reloaded this
configuration. With --schema, print the JSON Schema of the configuration for
editors, and read no file.`,
		Example: `  channelwatch check --config channelwatch.yaml
  channelwatch check --config channelwatch.yaml --diff http://127.0.0.1:9977
  channelwatch check --schema > channelwatch.schema.json`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema && diff != "" {
				return &usageError{errors.New("--schema and --diff: want one of them")}
			}
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
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s with %s, no mistakes\n",
				path, count(len(cfg.Channels), "channel"), count(len(cfg.Touchpoints()), "touchpoint"))
			return err
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&diff, "diff", "", "compare with the running agent at this `URL`")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the configuration")
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
	return fmt.Errorf("%s in the configuration", count(len(mistakes), "mistake"))
}

// count returns a number of things in words.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
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
	if err := checkAgentURL("--diff", agent); err != nil {
		return view, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(agent, "/")+"/api/v1/config", http.NoBody)
	if err != nil {
		return view, err
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

// checkAgentURL refuses what cannot be the URL of an agent.
func checkAgentURL(flag, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &usageError{fmt.Errorf("%s: want the URL of an agent, such as http://127.0.0.1:9977", flag)}
	}
	return nil
}
