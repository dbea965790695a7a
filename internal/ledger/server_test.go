package ledger_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

// service is a server that runs until its test ends.
type service struct {
	*ledger.Ledger
	t      testing.TB
	url    string
	client *http.Client
}

func serve(tb testing.TB, opts ledger.Options) *service {
	tb.Helper()
	if opts.Ledger == nil {
		opts.Ledger = ledger.New()
	}
	server, err := ledger.NewServer(opts)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	transport := &http.Transport{}
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := server.Stop(ctx); err != nil {
			tb.Errorf("stopping: %v", err)
		}
		if err := <-ended; err != nil {
			tb.Errorf("serving: %v", err)
		}
	})
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	return &service{Ledger: opts.Ledger, t: tb, url: "http://" + listener.Addr().String(), client: client}
}

// send sends a request; headers are name and value in turn.
func (s *service) send(method, path, body string, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got, err := io.ReadAll(response.Body); err != nil || len(got) > 0 {
		s.t.Errorf("%s %s is answered with the body %q, %v, want none", method, path, got, err)
	}
	return response
}

// count returns how many outcomes of the word there were.
func (s *service) count(word string) float64 {
	for _, r := range s.Readings() {
		if r.Labels[0].Value == word {
			return r.Value
		}
	}
	s.t.Fatalf("no reading has the label %q", word)
	return 0
}
