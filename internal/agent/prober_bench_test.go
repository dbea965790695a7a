package agent_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

// playAgent is a whole agent, as the command starts it.
func playAgent(j *job) error {
	load := func() (*config.Config, error) { return config.Load(j.Config, kinds.All()) }
	cfg, err := load()
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{
		Config: cfg, Load: load, Kinds: kinds.All(), Log: slog.New(slog.DiscardHandler), Version: "bench",
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	err = answer(a.Addr(), func(string) any { return cpuTime() })
	stop()
	return errors.Join(err, <-ended)
}

// yardstick makes probes and nothing else: it rates, counts and remembers nothing.
type yardstick struct {
	every time.Duration
	tls   *tls.Config // nil for plain HTTP
	probe func(*url.URL) (took time.Duration, header http.Header, err error)

	failed atomic.Pointer[error] // the first failure
	mu     sync.Mutex
	over   []time.Duration // how much more than the server each probe said that it took; only when asked for
	asked  bool
}

// playYardstick probes each touchpoint from a goroutine of its own, spread evenly.
func playYardstick(role string, j *job) error {
	y := &yardstick{every: j.Every}
	if j.CertFile != "" {
		pem, err := os.ReadFile(j.CertFile)
		if err != nil {
			return err
		}
		y.tls = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
		y.tls.RootCAs.AppendCertsFromPEM(pem)
	}
	y.probe = y.direct
	if role == netHTTPRole {
		y.probe = y.netHTTP(&http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: y.tls}})
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i, raw := range j.URLs {
		u, err := url.Parse(raw)
		if err != nil {
			stop()
			return err
		}
		phase := j.Every * time.Duration(i) / time.Duration(len(j.URLs))
		running.Go(func() { y.run(ctx, u, phase) })
	}
	err := answer("", func(question string) any {
		if question == "cpu" {
			return cpuTime()
		}
		y.mu.Lock()
		defer y.mu.Unlock()
		y.asked = true
		return y.over
	})
	stop()
	running.Wait()
	if failed := y.failed.Load(); failed != nil {
		err = errors.Join(err, *failed)
	}
	return err
}

func (y *yardstick) run(ctx context.Context, u *url.URL, phase time.Duration) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(phase):
	}
	tick := time.NewTicker(y.every)
	defer tick.Stop()
	for {
		took, header, err := y.probe(u)
		if err != nil {
			y.failed.CompareAndSwap(nil, &err)
		} else {
			y.note(took, header)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (y *yardstick) note(took time.Duration, header http.Header) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if !y.asked {
		return
	}
	if served, err := serverTime(header.Get("Server-Timing")); err == nil {
		y.over = append(y.over, took-served)
	}
}

// direct dials, writes the request and reads the response, with deadlines on the socket.
func (y *yardstick) direct(u *url.URL) (time.Duration, http.Header, error) {
	start := time.Now()
	dialer := net.Dialer{Timeout: y.every}
	conn, err := dialer.Dial("tcp", u.Host)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close() //nolint:errcheck // a yardstick
	if err := conn.SetDeadline(start.Add(y.every)); err != nil {
		return 0, nil, err
	}
	if y.tls != nil {
		config := y.tls.Clone()
		config.ServerName = u.Hostname()
		conn = tls.Client(conn, config)
	}
	if _, err := io.WriteString(conn, "GET "+u.Path+" HTTP/1.1\r\nHost: "+u.Host+"\r\nUser-Agent: x\r\nConnection: close\r\n\r\n"); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, err
	}
	err = readAll(response)
	return time.Since(start), response.Header, err
}

// netHTTP uses http.Transport and takes the time of each phase.
func (y *yardstick) netHTTP(client *http.Client) func(*url.URL) (time.Duration, http.Header, error) {
	return func(u *url.URL) (time.Duration, http.Header, error) {
		ctx, cancel := context.WithTimeout(context.Background(), y.every)
		defer cancel()
		start := time.Now()
		var marks [8]time.Time
		mark := func(i int) { marks[i] = time.Now() }
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			DNSStart:             func(httptrace.DNSStartInfo) { mark(0) },
			DNSDone:              func(httptrace.DNSDoneInfo) { mark(1) },
			ConnectStart:         func(string, string) { mark(2) },
			ConnectDone:          func(string, string, error) { mark(3) },
			TLSHandshakeStart:    func() { mark(4) },
			TLSHandshakeDone:     func(tls.ConnectionState, error) { mark(5) },
			WroteRequest:         func(httptrace.WroteRequestInfo) { mark(6) },
			GotFirstResponseByte: func() { mark(7) },
		})
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
		if err != nil {
			return 0, nil, err
		}
		response, err := client.Do(request)
		if err != nil {
			return 0, nil, err
		}
		err = readAll(response)
		return time.Since(start), response.Header, err
	}
}

// readAll reads the body of a response and closes it.
func readAll(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err == nil && len(body) != 1024 {
		err = fmt.Errorf("got %d bytes, want 1024", len(body))
	}
	return errors.Join(err, response.Body.Close())
}
