package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

func newCheck() *cobra.Command {
	var path, diff, caFile string
	var schema bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Report every mistake in a configuration, or compare it with a running agent",
		Long: `Read a configuration as the agent would, with all that it includes, and report every
mistake at once with file, line and column. Nothing is probed.

With --diff URL, show what would change if the agent at that address reloaded this
configuration; where its certificate comes from an authority of your own, name that
with --ca-file. With --schema, print the JSON Schema of the configuration for
editors, and read no file.`,
		Example: `  channelwatch check --config channelwatch.yaml
  channelwatch check --config channelwatch.yaml --diff http://127.0.0.1:9977
  channelwatch check --schema > channelwatch.schema.json`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema && diff != "" {
				return &usageError{errors.New("--schema and --diff: want one of them")}
			}
			if caFile != "" && diff == "" {
				return &usageError{errors.New("--ca-file: want --diff beside it")}
			}
			if schema {
				return printSchema(cmd.OutOrStdout())
			}
			cfg, err := readConfig(path)
			if err != nil {
				return checkError(cmd.ErrOrStderr(), err)
			}
			defer cfg.Close()
			if diff != "" {
				return printDiff(cmd, cfg, diff, caFile)
			}
			if err := checkSeries(cfg); err != nil {
				return checkError(cmd.ErrOrStderr(), err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s with %s, no mistakes\n",
				path, count(len(cfg.Channels), "channel"), count(len(cfg.Touchpoints()), "touchpoint"))
			return err
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&diff, "diff", "", "compare with the running agent at this `URL`")
	cmd.Flags().StringVar(&caFile, "ca-file", "", "with --diff, PEM `file` with the authorities that may sign the agent's certificate")
	_ = cmd.MarkFlagFilename("ca-file", "pem", "crt")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the configuration")
	return cmd
}

// checkError prints all mistakes, one a line, and returns how many there are.
func checkError(w io.Writer, err error) error {
	mistakes, ok := errors.AsType[config.Errors](err)
	if !ok {
		return withHint(err, "check")
	}
	for _, mistake := range mistakes {
		fmt.Fprintln(w, mistake)
	}
	return fmt.Errorf("%s in the configuration", count(len(mistakes), "mistake"))
}

// checkSeries refuses a configuration with more series than the agent may export: at run time they would be missing.
func checkSeries(cfg *config.Config) error {
	plan, err := newPlanOf(cfg)
	if err != nil {
		return err
	}
	if over := plan.overLimit(); over != "" {
		return config.Errors{cfg.Mistake("agent.series_limit", over)}
	}
	return nil
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
