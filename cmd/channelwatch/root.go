package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

const (
	exitOK    = 0
	exitFail  = 1
	exitUsage = 2
)

// hintError is an error with a command to try next.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// usageError is a call that cannot be understood.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// execute runs one command line and returns its exit code. Errors go to stderr: what is wrong, then hints.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot() //nolint:contextcheck // cobra hands the context to the command that runs
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "channelwatch: error: %v\n", err)
	if hinted, ok := errors.AsType[*hintError](err); ok {
		fmt.Fprintf(stderr, "channelwatch: hint: %s\n", hinted.hint)
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(stderr, "channelwatch: hint: %s --help\n", command.CommandPath())
		return exitUsage
	}
	return exitFail
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "channelwatch",
		Short: "Rate what customers get on every digital channel",
		Long: `Channelwatch probes your digital channels (web, mobile web, app APIs, push) and the
host it runs on, rates each result excellent, good, fair or poor with the reason,
and exports it to Prometheus.

New here? Try these three, in order:

  channelwatch demo                      a made-up shop with faults that come and go
  channelwatch check --config my.yaml    every mistake in a configuration at once
  channelwatch run --config my.yaml      probe it

Exit codes: 0 all went well, 1 the work failed, 2 the call was wrong.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(newRun(), newDemo(), newCheck(), newPlan(), newProbe(), newKinds(), newHealthcheck(), newVersion())
	root.SetHelpCommand(newHelp())
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		if command.HasSubCommands() {
			holder(command)
		}
	}
	holder(root)
	return root
}

// holder makes a command that only holds others print its help, and refuse what is none of them: cobra by itself
// answers a misspelt command with the help and exit code 0.
func holder(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return unknownCommand(cmd, args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// unknownCommand says that a command holds none of a name, and which one may be meant.
func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	meant := ""
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		meant = fmt.Sprintf(" (did you mean %q?)", similar[0])
	}
	return &usageError{fmt.Errorf("unknown command %q%s", name, meant)}
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Explain a command",
		Example: "  channelwatch help run",
		RunE: func(cmd *cobra.Command, args []string) error {
			explained, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &usageError{err}
			}
			if len(rest) > 0 {
				return unknownCommand(explained, rest[0])
			}
			explained.InitDefaultHelpFlag() // cobra adds it when it runs a command, which this one is not
			return explained.Help()
		},
	}
}

// arguments checks how many arguments a command is given. what names one of them.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return &usageError{fmt.Errorf("no %s given", what)}
		case len(args) > most:
			return &usageError{fmt.Errorf("unexpected argument %q", args[most])}
		}
		return nil
	}
}

// noArguments refuses arguments.
func noArguments() cobra.PositionalArgs { return arguments(0, 0, "") }

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go release",
		Example: "  channelwatch version",
		Args:    noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "channelwatch %s (commit %s, %s, %s/%s)\n",
				version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// revision returns the commit that the binary was built from, as far as the build knew it.
func revision() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return "unknown"
}
