package httpx_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// The benchmarks compare what a probe costs in CPU time with two yardsticks, interleaved in one run:
//
//	direct    dial, write the request, http.ReadResponse, deadlines on the socket
//	nethttp   http.Transport without keep-alive, httptrace
//
// 20 probes are always on the way; the target answers after 20 ms with 1 KB. Ratios are medians over the rounds.
//
//	go test ./internal/httpx -run '^$' -bench Probe -benchtime 20x
const (
	benchWorkers = 20
	benchRound   = 500
	benchTimeout = 10 * time.Second
)

type variant struct {
	name  string
	probe func() error
}

func BenchmarkProbePlain(b *testing.B) {
	addr := startTarget(b, targetEnv+"=plain")
	benchmark(b, "http://"+addr, addr, nil, httpx.TLSOptions{})
}

func BenchmarkProbeTLS(b *testing.B) {
	var none *authority
	root := none.issue(b, ca(template("Root")))
	leaf := root.issue(b, template("target", "127.0.0.1"))
	addr := startTarget(b, targetEnv+"=tls", targetCertEnv+"="+leaf.file(b), targetKeyEnv+"="+leaf.keyFile(b))
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	config := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	benchmark(b, "https://"+addr, addr, config, httpx.TLSOptions{CAFile: root.file(b)})
}

func benchmark(b *testing.B, url, addr string, config *tls.Config, options httpx.TLSOptions) {
	b.Helper()
	client, err := httpx.New(httpx.Options{TLS: options})
	if err != nil {
		b.Fatal(err)
	}
	variants := []variant{
		{"direct", func() error { return direct(addr, config) }},
		{"nethttp", netHTTP(url, config)},
		{"httpx", func() error {
			ctx, cancel := context.WithTimeout(b.Context(), benchTimeout)
			defer cancel()
			resp, err := client.Do(ctx, &httpx.Request{URL: url})
			if err == nil && (resp.Reason != "" || len(resp.Body) != 1024) {
				err = fmt.Errorf("got %s (%s), %d bytes", resp.Reason, resp.Detail, len(resp.Body))
			}
			return err
		}},
	}
	cost := make([][]float64, len(variants))
	for _, v := range variants {
		measure(b, v.probe) // warm
	}
	for b.Loop() {
		for i, v := range variants {
			cost[i] = append(cost[i], measure(b, v.probe))
		}
	}
	var toDirect, toNetHTTP []float64
	for round := range cost[0] {
		toDirect = append(toDirect, cost[2][round]/cost[0][round])
		toNetHTTP = append(toNetHTTP, cost[2][round]/cost[1][round])
	}
	for i, v := range variants {
		b.ReportMetric(median(cost[i]), v.name+"-cpu-ms/probe")
	}
	b.ReportMetric(median(toDirect), "×direct")
	b.ReportMetric(median(toNetHTTP), "×nethttp")
}

// measure makes a round of probes and returns the CPU time of one in milliseconds.
func measure(b *testing.B, probe func() error) float64 {
	b.Helper()
	runtime.GC()
	before := cpu(b)
	var workers sync.WaitGroup
	for range benchWorkers {
		workers.Go(func() {
			for range benchRound / benchWorkers {
				if err := probe(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	return (cpu(b) - before).Seconds() * 1000 / benchRound
}

// cpu returns the user and system time of this process.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

func direct(addr string, config *tls.Config) error {
	dialer := net.Dialer{Timeout: benchTimeout}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return err
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	defer conn.Close() //nolint:errcheck // a yardstick
	if err := conn.SetDeadline(time.Now().Add(benchTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+addr+"\r\nUser-Agent: x\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && len(body) != 1024 {
		err = fmt.Errorf("got %d bytes", len(body))
	}
	return err
}

func netHTTP(url string, config *tls.Config) func() error {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}
	client := &http.Client{Transport: transport}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), benchTimeout)
		defer cancel()
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
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		if err == nil && len(body) != 1024 {
			err = fmt.Errorf("got %d bytes", len(body))
		}
		_ = resp.Body.Close()
		return err
	}
}

// BenchmarkLatency reports how much the duration of a probe is over what the server's own clock says, at 1,000 probes a
// second, each started at its own time whatever the others do.
//
//	go test ./internal/httpx -run '^$' -bench Latency -benchtime 5000x
func BenchmarkLatency(b *testing.B) {
	addr := startTarget(b, targetEnv+"=plain")
	client, err := httpx.New(httpx.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var over []float64
	var running sync.WaitGroup
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for b.Loop() {
		<-tick.C
		running.Go(func() {
			resp, err := client.Do(b.Context(), &httpx.Request{URL: "http://" + addr})
			if err != nil || resp.Reason != "" {
				b.Error(err, resp)
				return
			}
			served, err := strconv.ParseInt(resp.Header.Get(servedHeader), 10, 64)
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			over = append(over, (resp.Duration-time.Duration(served)).Seconds()*1000)
		})
	}
	running.Wait()
	slices.Sort(over)
	b.ReportMetric(over[len(over)/2], "p50-over-ms")
	b.ReportMetric(over[len(over)*99/100], "p99-over-ms")
}
