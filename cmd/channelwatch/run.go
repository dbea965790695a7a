package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const defaultConfig = "channelwatch.yaml"

// configFlag adds --config.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", defaultConfig, "configuration `file`")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
}

// readConfig reads a configuration as an agent would.
func readConfig(path string) (*config.Config, error) {
	return config.Load(path, kinds.All(), agent.Checks()...)
}

// loadConfig reads a configuration, once, and says which command explains mistakes.
func loadConfig(path string) (*config.Config, error) { return loadConfigWith(path, kinds.All()) }

// loadConfigWith is loadConfig for those who load again: what a kind holds for its touchpoints is kept over reloads.
func loadConfigWith(path string, all []probe.Kind) (*config.Config, error) {
	cfg, err := config.Load(path, all, agent.Checks()...)
	if _, mistakes := errors.AsType[config.Errors](err); mistakes {
		return nil, &hintError{err, "channelwatch check --config " + path}
	}
	return cfg, withHint(err, "run")
}

// withHint adds to an error what to call instead, where that is known.
func withHint(err error, command string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &hintError{err, "channelwatch " + command + " --config FILE names another; channelwatch demo needs none"}
	case errors.Is(err, syscall.EADDRINUSE):
		return &hintError{err, "channelwatch " + command + " --listen HOST:PORT serves on another address"}
	}
	return err
}

func newRun() *cobra.Command {
	var path, listen string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Probe the channels of a configuration until stopped",
		Long: `Probe every touchpoint of a configuration and serve the page, the API and /metrics.

The configuration is read again on SIGHUP, on POST /-/reload and when a file
changes. Unchanged touchpoints go on undisturbed; a configuration with mistakes
is refused and the old one stays. SIGINT or SIGTERM stops: probes that run have 5
seconds to finish, then they are cancelled; after that, what waits for receivers of
alerts, samples and messages has a few seconds more. A second signal ends at once.`,
		Example: "  channelwatch run --config channelwatch.yaml",
		Args:    noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			receipts := ledger.New()
			all := kinds.Sharing(receipts)
			load := func() (*config.Config, error) {
				cfg, err := loadConfigWith(path, all)
				if err == nil && listen != "" {
					cfg.Agent.Listen = listen
				}
				return cfg, err
			}
			return serve(cmd, agentSettings{kinds: all, receipts: receipts, load: load, watch: true})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&listen, "listen", "", "`address` to serve on, instead of the one in the configuration")
	return cmd
}

// agentSettings are what the commands that run an agent differ in.
type agentSettings struct {
	kinds    []probe.Kind
	receipts *ledger.Ledger // that kinds were made with
	load     func() (*config.Config, error)
	watch    bool                 // whether files are watched
	demo     bool                 // whether everything is made up
	started  func(address string) // told the address when not nil
}

// serve runs an agent until the command's context ends. SIGHUP reloads.
func serve(cmd *cobra.Command, settings agentSettings) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // first of all: a signal that nobody waits for would end the process
	defer signal.Stop(hup)
	cfg, err := settings.load()
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{
		Config: cfg, Load: settings.load, Watch: settings.watch, Demo: settings.demo, Kinds: settings.kinds,
		Receipts: settings.receipts,
		Log:      newLogger(cmd, cfg.Agent.Log), Version: version, Revision: revision(),
	})
	if err != nil {
		return withHint(err, cmd.Name())
	}
	if settings.started != nil {
		settings.started(a.Addr())
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	reloads := make(chan struct{})
	go func() {
		defer close(reloads)
		for {
			select {
			case <-hup:
				_ = a.Reload() //nolint:contextcheck // logs its error; probes belong to the schedule, not to this call
			case <-ctx.Done():
				return
			}
		}
	}()
	err = a.Run(ctx)
	cancel()
	<-reloads
	return err
}

func newLogger(cmd *cobra.Command, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked; only the empty level of a test comes here
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), options))
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), options))
}

func newKinds() *cobra.Command {
	return &cobra.Command{
		Use:   "kinds [kind]",
		Short: "List the kinds of probes, or print a commented sample of one",
		Long: `List the kinds of probes that this agent has, each with what it watches and why that
matters. With the name of a kind, print a commented touchpoint of it, ready to be
put under "touchpoints" of a configuration and changed.`,
		Example: `  channelwatch kinds
  channelwatch kinds page`,
		Args: arguments(0, 1, "kind"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, kind := range kinds.All() {
				names = append(names, kind.Name+"\t"+kind.Summary)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var names []string
			for _, kind := range kinds.All() {
				names = append(names, kind.Name)
				if len(args) == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "%-8s %s\n", kind.Name, kind.Summary)
					continue
				}
				if kind.Name == args[0] {
					fmt.Fprint(cmd.OutOrStdout(), kind.Sample)
					return nil
				}
			}
			if len(args) == 0 {
				return nil
			}
			return &usageError{fmt.Errorf("kind %q: want one of %s", args[0], strings.Join(names, ", "))}
		},
	}
}
