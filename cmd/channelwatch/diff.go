package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/channelwatch/channelwatch/internal/config"
)

// maxView bounds what is read of a running agent.
const maxView = 64 << 20

// printDiff prints what would change if the agent at an address reloaded cfg.
func printDiff(cmd *cobra.Command, cfg *config.Config, agent, caFile string) error {
	running, err := fetchView(cmd.Context(), agent, caFile)
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
func fetchView(ctx context.Context, agent, caFile string) (view config.View, err error) {
	const asking = "asking the running agent"
	if err := checkAgentURL("--diff", agent); err != nil {
		return view, err
	}
	client, err := diffClient(caFile)
	if err != nil {
		return view, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(agent, "/")+"/api/v1/config", http.NoBody)
	if err != nil {
		return view, err
	}
	response, err := client.Do(request)
	if err != nil {
		err = fmt.Errorf("%s: %w", asking, withoutURL(err))
		if _, private := errors.AsType[x509.UnknownAuthorityError](err); private {
			return view, &hintError{err, "name the authority of its certificate with --ca-file FILE"}
		}
		return view, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		err := fmt.Errorf("%s: status code %d, want 200: %s", asking, response.StatusCode, firstLine(response.Body))
		if response.StatusCode == http.StatusBadRequest && request.URL.Scheme == "http" {
			return view, &hintError{err, "where the agent has a certificate, ask with --diff https://" + request.URL.Host}
		}
		return view, err
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxView)).Decode(&view); err != nil {
		return view, fmt.Errorf("%s: reading its configuration: %w", asking, err)
	}
	return view, nil
}

// diffClient returns a client that trusts the authorities in caFile, or those of the system when it is empty.
func diffClient(caFile string) (*http.Client, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file: %s holds no certificate, want PEM", caFile)
		}
	}
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: settings,
	}}, nil
}

// firstLine returns what an answer begins with, fit for a terminal.
func firstLine(body io.Reader) string {
	line, _ := bufio.NewReader(io.LimitReader(body, 300)).ReadString('\n') // what there is will do
	return strings.Map(printable, strings.TrimSpace(line))
}

// withoutURL removes the address from an error of a client: it may hold a password.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// checkAgentURL refuses what cannot be the URL of an agent.
func checkAgentURL(flag, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &usageError{fmt.Errorf("%s: want the URL of an agent, such as http://127.0.0.1:9977", flag)}
	}
	return nil
}
