// Package querytest starts the servers that pages can read from, filled with the samples of a test: Prometheus and
// VictoriaMetrics as Debian ships them. Only tests import it.
package querytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// Prometheus starts a Prometheus that holds the series, and returns its address. The test fails without the program.
func Prometheus(tb testing.TB, series []query.Series) string {
	tb.Helper()
	dir := tb.TempDir()
	file := filepath.Join(dir, "samples")
	if err := os.WriteFile(file, write(series, 1000), 0o600); err != nil {
		tb.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	blocks := exec.CommandContext(tb.Context(), program(tb, "promtool", "prometheus"), //nolint:gosec // the test's own files
		"tsdb", "create-blocks-from", "openmetrics", file, data)
	if out, err := blocks.CombinedOutput(); err != nil {
		tb.Fatalf("promtool: %v\n%s", err, out)
	}
	config := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		tb.Fatal(err)
	}
	address := freeAddress(tb)
	start(tb, program(tb, "prometheus", "prometheus"), "--config.file="+config, "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=90d", "--web.listen-address="+address)
	await(tb, "http://"+address+"/-/ready")
	return "http://" + address
}

// VictoriaMetrics starts a VictoriaMetrics that holds the series, and returns its address. The test fails without the
// program.
func VictoriaMetrics(tb testing.TB, series []query.Series) string {
	tb.Helper()
	address := freeAddress(tb)
	start(tb, program(tb, "victoria-metrics", "victoria-metrics"), "-storageDataPath="+filepath.Join(tb.TempDir(), "data"),
		"-retentionPeriod=90d", "-httpListenAddr="+address, "-memory.allowedBytes=256MB")
	base := "http://" + address
	await(tb, base+"/health")
	post(tb, base+"/api/v1/import/prometheus", write(series, 1))
	get(tb, base+"/internal/force_flush")
	return base
}

// write writes samples as text; unit is how many milliseconds its timestamps count.
func write(series []query.Series, unit float64) []byte {
	var b bytes.Buffer
	for _, s := range series {
		name := s.Labels["__name__"]
		var labels []string
		for label, value := range s.Labels {
			if label != "__name__" {
				labels = append(labels, label+"="+strconv.Quote(value))
			}
		}
		slices.Sort(labels)
		head := name + "{" + strings.Join(labels, ",") + "} "
		for _, p := range s.Points {
			fmt.Fprintf(&b, "%s%s %s\n", head, number(p.Value), strconv.FormatFloat(float64(p.At)/unit, 'f', -1, 64))
		}
	}
	if unit != 1 {
		b.WriteString("# EOF\n") // OpenMetrics ends with it
	}
	return b.Bytes()
}

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return fmt.Sprintf("%+v", v)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// program returns the path of a program.
func program(tb testing.TB, name, debian string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		tb.Fatalf("%v: apt-get install -y %s", err, debian)
	}
	return path
}

// start runs a server until the test ends.
func start(tb testing.TB, path string, args ...string) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // a server that the test needs, with the test's own arguments
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was told to end
		if tb.Failed() {
			tb.Logf("%s said:\n%s", filepath.Base(path), out.Bytes()[max(0, out.Len()-4000):])
		}
	})
}

// freeAddress returns an address that nothing listens on: not every server tells which one it chose itself. Its host is
// that of this process alone, so that nobody else is given its port meanwhile.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	host := fmt.Sprintf("127.1.%d.%d", os.Getpid()>>8&255, os.Getpid()&255)
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", host+":0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // the server takes its place
	return listener.Addr().String()
}

// await waits until a server answers that it is well.
func await(tb testing.TB, address string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			tb.Fatal(err)
		}
		if response, err := client().Do(request); err == nil {
			_ = response.Body.Close() // only its status counts
			if response.StatusCode == http.StatusOK {
				tick.Stop()
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: not well after a minute", address)
		}
	}
}

func client() *http.Client { return &http.Client{Timeout: time.Minute} }

func get(tb testing.TB, address string) { tb.Helper(); send(tb, http.MethodGet, address, nil) }

func post(tb testing.TB, address string, body []byte) {
	tb.Helper()
	send(tb, http.MethodPost, address, body)
}

func send(tb testing.TB, method, address string, body []byte) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	response, err := client().Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil || response.StatusCode/100 != 2 {
		tb.Fatalf("%s %s: status %d, %v: %s", method, address, response.StatusCode, err, text)
	}
}
