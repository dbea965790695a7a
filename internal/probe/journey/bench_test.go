package journey_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
)

// targetEnv makes a process of this test the target of benchmarks, so that its CPU time is not ours.
const targetEnv = "TEST_JOURNEY_TARGET"

func TestMain(m *testing.M) {
	if os.Getenv(targetEnv) != "" {
		serveTarget()
		return
	}
	goleak.VerifyTestMain(m)
}

// serveTarget says where it listens and answers until its input ends.
func serveTarget() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	body := `{"token":"tok-1234567","items":[` + strings.TrimSuffix(strings.Repeat(`{"id":1,"name":"Trail runner"},`, 30), ",") + `]}`
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	})}
	go func() { _ = server.Serve(listener) }()
	fmt.Fprintln(os.Stdout, listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startTarget returns the URL of a target in a process of its own.
func startTarget(b *testing.B) string {
	b.Helper()
	target := exec.CommandContext(b.Context(), os.Args[0]) //nolint:gosec // this very test
	target.Env = append(os.Environ(), targetEnv+"=1")
	input, errIn := target.StdinPipe()
	output, errOut := target.StdoutPipe()
	if errIn != nil || errOut != nil {
		b.Fatal(errIn, errOut)
	}
	if err := target.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = input.Close()
		_ = target.Wait()
	})
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address)
}

// BenchmarkJourney compares the CPU time of a journey of 10 steps with that of 10 probes of the kind api that ask and
// expect the same, interleaved in one run. The ratios are medians over the rounds; "fixed" sends the same in each run,
// "values" takes a token out of the first answer and sends it in all others, where the single probes have it as a secret.
//
//	go test ./internal/probe/journey -run '^$' -bench Journey -benchtime 20x
func BenchmarkJourney(b *testing.B) {
	const steps = 10
	target := startTarget(b)
	b.Setenv("TEST_JOURNEY_AUTHORIZATION", "Bearer tok-1234567")
	var single, secret []probe.Prober
	fixed, values := "url: "+target+"\nsteps:\n", "url: "+target+"\nsteps:\n"
	for i := range steps {
		const expect = "expect: {json: [{path: \"$.items[0].id\", equals: 1}]}"
		fixed += fmt.Sprintf("  - {name: s%d, title: Step, url: /v1/%d, %s}\n", i, i, expect)
		if i == 0 {
			values += "  - {name: s0, title: Step, url: /v1/0, " + expect + ", extract: [{name: token, jsonpath: $.token}]}\n"
		} else {
			values += fmt.Sprintf("  - {name: s%d, title: Step, url: \"/v1/%d?t={{token}}\", headers: {Authorization: \"Bearer {{token}}\"}, %s}\n", i, i, expect)
		}
		single = append(single, newSingle(b, fmt.Sprintf("%s/v1/%d", target, i), nil))
		secret = append(secret, newSingle(b, fmt.Sprintf("%s/v1/%d?t=tok-1234567", target, i), map[string]probe.Secret{
			"Authorization": {Env: "TEST_JOURNEY_AUTHORIZATION"},
		}))
	}
	variants := [][]probe.Prober{single, newJourney(b, fixed), secret, newJourney(b, values)}
	cost := make([][]float64, len(variants))
	for b.Loop() {
		for i, probers := range variants {
			cost[i] = append(cost[i], measure(b, probers))
		}
	}
	var ofFixed, ofValues []float64
	for round := range cost[0] {
		ofFixed = append(ofFixed, cost[1][round]/cost[0][round])
		ofValues = append(ofValues, cost[3][round]/cost[2][round])
	}
	b.ReportMetric(median(cost[0]), "singles-cpu-ms")
	b.ReportMetric(median(cost[1]), "journey-cpu-ms")
	b.ReportMetric(median(ofFixed), "×fixed")
	b.ReportMetric(median(ofValues), "×values")
}

func newSingle(b *testing.B, url string, secrets map[string]probe.Secret) probe.Prober {
	b.Helper()
	kind := api.Kind()
	config := kind.NewConfig(probe.DesktopWeb).(*api.Config)
	config.URL, config.SecretHeaders = url, secrets
	config.Expect.JSON = []assert.JSONRule{{Path: "$.items[0].id", Equals: 1}}
	built, err := kind.Build(config, probe.Setup{Type: probe.DesktopWeb, Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	return built.Prober
}

func newJourney(b *testing.B, with string) []probe.Prober {
	b.Helper()
	built, err := build(b, with)
	if err != nil {
		b.Fatal(err)
	}
	return []probe.Prober{built.Prober}
}

// measure probes with all probers in turn, many times, and returns the CPU time of one turn in milliseconds.
func measure(b *testing.B, probers []probe.Prober) float64 {
	b.Helper()
	const turns = 50
	runtime.GC()
	before := cpu(b)
	for range turns {
		for _, prober := range probers {
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
			result, err := prober.Probe(ctx)
			cancel()
			if err != nil || result.Reason != "" || len(result.Findings) > 0 {
				b.Fatal(err, result.Detail, result.Findings)
			}
		}
	}
	return (cpu(b) - before).Seconds() * 1000 / turns
}

// cpu returns the user and system time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
