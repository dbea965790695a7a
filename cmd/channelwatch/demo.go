package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/demo"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

func newDemo() *cobra.Command {
	var listen string
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a made-up shop with faults that come and go",
		Long: `Start a small made-up shop inside this process and probe it: desktop and mobile web,
an app API and push messages, with faults that come and go on a script. It needs
no internet and no other server. Everything that it shows is made up, and says so.`,
		Example: "  channelwatch demo",
		Args:    noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			options := demo.Options{Every: every, WebPush: time.Minute, Journeys: 30 * time.Second, Customers: true}
			noBrowser := chromium.Installed("")
			if noBrowser == nil {
				options.Visits = visitsEvery
			}
			shop, err := demo.Start(cmd.Context(), options)
			if err != nil {
				return err
			}
			all := kinds.All()
			load := func() (*config.Config, error) {
				cfg, err := config.Parse("demo", shop.Config(), all)
				if err == nil && listen != "" {
					cfg.Agent.Listen = listen
				}
				return cfg, err
			}
			err = serve(cmd, agentSettings{kinds: all, load: load, demo: true, started: func(address string) { welcome(cmd, address, noBrowser) }})
			if closeErr := shop.Close(); err == nil {
				err = closeErr
			}
			return err
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`address` to serve on (default 127.0.0.1:9977)")
	cmd.Flags().DurationVar(&every, "every", 0, "time between two probes of a touchpoint (default 5s)")
	return cmd
}

// visitsEvery is how often a browser visits the landing page of the demo.
const visitsEvery = time.Minute

// welcome says where to look, and what is left out without a browser.
func welcome(cmd *cobra.Command, address string, noBrowser error) {
	look := "A browser visits its landing page every minute."
	if noBrowser != nil {
		look = "Without a browser you do not see its landing page: " + noBrowser.Error() + "."
	}
	fmt.Fprintf(cmd.OutOrStdout(), `
  The demo shop is open. Everything in it is made up; its faults repeat every 15 minutes.
  %[2]s

  What customers get    http://%[1]s/
  Results as JSON       http://%[1]s/api/v1/results
  For Prometheus        http://%[1]s/metrics

  Stop with Ctrl-C.

`, address, look)
}
