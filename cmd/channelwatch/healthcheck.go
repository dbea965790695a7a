package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// newHealthcheck is for images that hold nothing but this binary. It asks only the agent beside it whether it lives,
// so that neither its certificate nor credentials matter: an answer that demands a password is an answer.
func newHealthcheck() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the agent on this machine whether it lives, for container health checks",
		Long: `Ask the agent on this machine whether it lives, and answer with the exit code: for
container images, which hold no other client. Neither the certificate of the agent
nor a password matters.`,
		Example: "  channelwatch healthcheck --url http://127.0.0.1:9977",
		Args:    noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := checkAgentURL("--url", url); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/-/healthy", http.NoBody)
			if err != nil {
				return err
			}
			client := &http.Client{Transport: &http.Transport{
				DisableKeepAlives: true,
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
			}}
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, response.Body.Close()) }()
			if s := response.StatusCode; s != http.StatusOK && s != http.StatusUnauthorized {
				return fmt.Errorf("status code %d, want 200", s)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:9977", "`URL` of the agent")
	return cmd
}
