package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// newHealthcheck is for images that hold nothing but this binary. It asks only the agent beside it whether it lives,
// so that neither its certificate nor credentials matter: an answer that demands a password or a certificate is one.
func newHealthcheck() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the agent on this machine whether it lives, for container health checks",
		Long: `Ask the agent on this machine whether it lives, and answer with the exit code: for
container images, which hold no other client. Neither the certificate of the agent
nor a password matters, and an agent that serves TLS is found by http:// as well.`,
		Example: "  channelwatch healthcheck --url http://127.0.0.1:9977",
		Args:    noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAgentURL("--url", url); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
			defer cancel()
			status, err := askHealth(ctx, url)
			if rest, plain := strings.CutPrefix(url, "http://"); plain && status == http.StatusBadRequest {
				status, err = askHealth(ctx, "https://"+rest) // what a server says that expects TLS
			}
			switch {
			case err != nil:
				return err
			case status != http.StatusOK && status != http.StatusUnauthorized:
				return fmt.Errorf("status code %d, want 200", status)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:9977", "`URL` of the agent")
	return cmd
}

// askHealth returns the status of the agent's answer. That of one which wants to see a certificate is 401.
func askHealth(ctx context.Context, url string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/-/healthy", http.NoBody)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}}
	response, err := client.Do(request)
	if err != nil {
		if refused, ok := errors.AsType[*net.OpError](err); ok && refused.Op == "remote error" { // a TLS alert of the agent
			return http.StatusUnauthorized, nil
		}
		return 0, withoutURL(err)
	}
	return response.StatusCode, response.Body.Close()
}
