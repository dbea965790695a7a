package agent_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkAgentScale probes 10,000 pages every 10 s: ticks that were missed, how late and how evenly probes start, what
// a touchpoint keeps in memory, and how long a scrape takes.
func BenchmarkAgentScale(b *testing.B) {
	target, urls := startTarget(b, scaleTouchpoints, &job{})
	defer target.stop()
	var missed, skipped float64
	var late, bunched, cost, resident, took []float64
	for b.Loop() {
		r := roundScale(b, target, urls)
		missed, skipped = missed+r.missed, skipped+r.skipped
		late, bunched, cost = append(late, r.late), append(bunched, r.bunched), append(cost, r.cost)
		resident, took = append(resident, r.resident), append(took, r.scrapes...)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(missed, "missed")
	b.ReportMetric(skipped, "skipped")
	b.ReportMetric(median(late), "%-late-by-10ms")
	b.ReportMetric(median(bunched), "×even-in-10ms")
	b.ReportMetric(median(cost), "cpu-ms/probe")
	b.ReportMetric(median(resident), "resident-MB")
	b.ReportMetric((median(resident)-30)*1e3/scaleTouchpoints, "KB/touchpoint-over-30MB")
	b.ReportMetric(median(took), "scrape-ms")
	b.ReportMetric(quantile(took, 1), "slowest-scrape-ms")
}

const (
	scaleTouchpoints = 10_000
	scaleEvery       = 10 * time.Second
	scaleWindow      = 4 * scaleEvery
)

// scaleRound is what one round of BenchmarkAgentScale showed.
type scaleRound struct {
	missed   float64   // ticks without a probe, by the log of the target
	skipped  float64   // ticks without a probe, by the agent's own word
	late     float64   // percentage of probes that started more than 10 ms late
	bunched  float64   // most starts within 10 ms, as a multiple of an even spread
	cost     float64   // CPU time of a probe in milliseconds
	resident float64   // megabytes, at the end
	scrapes  []float64 // how long each took in milliseconds
}

func roundScale(b *testing.B, target *process, urls []string) (r scaleRound) {
	b.Helper()
	agent, address := startProber(b, agentRole, &job{URLs: urls, Every: scaleEvery}, "")
	defer agent.stop()
	scrapes(b, address, scaleEvery*5/2) // until everybody follows the grid
	before, _ := get(b, http.MethodGet, "http://"+address+"/metrics")
	seen, used := target.count(), agent.cpu()
	r.scrapes = scrapes(b, address, scaleWindow)
	used = agent.cpu() - used
	log := target.seen(seen)
	after, _ := get(b, http.MethodGet, "http://"+address+"/metrics")
	r.resident = float64(agent.resident("VmRSS")) / 1e6

	grown := func(series, part string) float64 {
		return sum(after, "channelwatch_"+series, part) - sum(before, "channelwatch_"+series, part)
	}
	missed, double := log.missed(scaleEvery)
	started := grown("agent_schedule_lateness_seconds_count", "")
	r.missed, r.skipped = float64(missed), grown("agent_schedule_skipped_total", "")
	r.late = 100 * (1 - grown("agent_schedule_lateness_seconds_bucket", `le="0.01"`)/started)
	even := scaleTouchpoints / scaleEvery.Seconds() / 100
	r.bunched = float64(log.mostWithin(10*time.Millisecond)) / even
	r.cost = used.Seconds() * 1000 / float64(len(log.ID))
	fmt.Fprintf(os.Stderr, "agent  %d touchpoints @%s over %s: %d probes, %d missed, %d double, %.0f skipped, %.0f results, %.0f excellent, "+
		"%.3f %% late by 10 ms, most in 10 ms %.1f × even, %.1f MB resident, %.1f MB a scrape\n",
		scaleTouchpoints, scaleEvery, scaleWindow, len(log.ID), missed, double, r.skipped, grown("experience_total", ""),
		grown("experience_total", `rating="excellent"`), r.late, r.bunched, r.resident, float64(len(after))/1e6)
	if results := grown("experience_total", ""); results < float64(len(log.ID)) {
		b.Errorf("%.0f results for %d probes", results, len(log.ID))
	}
	return r
}

// BenchmarkAgentLatency compares what 1,000 probes a second say that they took with the clock of the server, beside
// net/http's word on the same. Percentiles are medians over the rounds. A page whose body takes 300 ms shows that the
// body counts.
func BenchmarkAgentLatency(b *testing.B) {
	target, urls := startTarget(b, 1000, &job{})
	defer target.stop()
	var p50, p99, theirP50, theirP99, slow []float64
	for b.Loop() {
		over := netHTTPLatency(b, urls)
		theirP50, theirP99 = append(theirP50, median(over)), append(theirP99, quantile(over, 0.99))
		over, body := agentLatency(b, urls)
		p50, p99 = append(p50, median(over)), append(p99, quantile(over, 0.99))
		slow = append(slow, body...)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(p50), "p50-over-ms")
	b.ReportMetric(median(p99), "p99-over-ms")
	b.ReportMetric(median(theirP50), "net/http-p50-over-ms")
	b.ReportMetric(median(theirP99), "net/http-p99-over-ms")
	b.ReportMetric(quantile(slow, 0), "shortest-300ms-body-ms")
	b.ReportMetric(median(slow), "300ms-body-ms")
}

// netHTTPLatency returns how much longer net/http took than by the clock of the server, in milliseconds.
func netHTTPLatency(b *testing.B, urls []string) (over []float64) {
	b.Helper()
	prober, _ := startProber(b, netHTTPRole, &job{URLs: urls, Every: time.Second}, "")
	defer prober.stop()
	<-time.After(benchWarm)
	var all []time.Duration
	prober.ask("latency", &all)
	<-time.After(benchRound)
	prober.ask("latency", &all)
	for _, d := range all {
		over = append(over, d.Seconds()*1000)
	}
	return over
}

// agentLatency is the same of the agent, with one slow page among the others.
func agentLatency(b *testing.B, urls []string) (over, slow []float64) {
	b.Helper()
	const look = 3 * time.Second // reading all results takes processor time of its own
	base, _, _ := strings.Cut(urls[0], "/t/")
	agent, address := startProber(b, agentRole, &job{URLs: append(slices.Clone(urls[1:]), base+slowPath), Every: time.Second}, "")
	defer agent.stop()
	<-time.After(benchWarm)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for range int(benchRound / look) {
		<-tick.C
		more, body := reported(b, address)
		over, slow = append(over, more...), append(slow, body...)
	}
	return over, slow
}

// reported returns how much longer than by the clock of the server the last results of an agent took, in milliseconds:
// until the end of the answer, and of slow pages until their header.
func reported(b *testing.B, address string) (over, slow []float64) {
	b.Helper()
	var page struct {
		Results []struct {
			URL      string
			Duration float64 `json:"duration_seconds"`
			Evidence struct {
				Exchanges []struct {
					Header []struct{ Name, Value string }
				}
			}
		}
	}
	text, _ := get(b, http.MethodGet, "http://"+address+"/api/v1/results")
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		b.Fatal(err)
	}
	for _, result := range page.Results {
		for _, exchange := range result.Evidence.Exchanges {
			for _, h := range exchange.Header {
				if h.Name != "Server-Timing" {
					continue
				}
				served, err := serverTime(h.Value)
				if err != nil {
					b.Fatal(err)
				}
				ms := (result.Duration - served.Seconds()) * 1000
				if strings.HasSuffix(result.URL, slowPath) {
					slow = append(slow, ms)
				} else {
					over = append(over, ms)
				}
			}
		}
	}
	return over, slow
}

// BenchmarkAgentReload changes one of 1,000 touchpoints again and again: the others must miss nothing.
func BenchmarkAgentReload(b *testing.B) {
	const every = time.Second
	target, urls := startTarget(b, 1000, &job{})
	defer target.stop()
	path := benchConfig(b, urls, every, "")
	var address string
	agent := startProcess(b, agentRole, &job{Config: path}, &address)
	defer agent.stop()
	<-time.After(benchWarm)
	seen := target.count()
	var took []float64
	tick := time.NewTicker(every * 5 / 4)
	defer tick.Stop()
	for b.Loop() {
		<-tick.C
		changed := append([]string{fmt.Sprintf("%s?%d", urls[0], len(took))}, urls[1:]...)
		if err := os.WriteFile(path, benchYAML(changed, every, ""), 0o600); err != nil {
			b.Fatal(err)
		}
		_, d := get(b, http.MethodPost, "http://"+address+"/-/reload")
		took = append(took, d.Seconds()*1000)
	}
	<-time.After(2 * every)
	log := target.seen(seen)
	missed, double := log.missedBut(0, every)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(missed), "missed")
	b.ReportMetric(float64(double), "double")
	b.ReportMetric(median(took), "reload-ms")
}

// missedBut is missed without one touchpoint.
func (a *arrivals) missedBut(except int, every time.Duration) (missed, double int) {
	var rest arrivals
	for i, id := range a.ID {
		if id != except {
			rest.ID, rest.At = append(rest.ID, id), append(rest.At, a.At[i])
		}
	}
	return rest.missed(every)
}

// BenchmarkAgentStart builds the command and times it from its start on 10,000 touchpoints to the first result in its
// metrics.
func BenchmarkAgentStart(b *testing.B) {
	target, urls := startTarget(b, scaleTouchpoints, &job{})
	defer target.stop()
	binary := filepath.Join(b.TempDir(), "channelwatch")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "../../cmd/channelwatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	path := benchConfig(b, urls, scaleEvery, "")
	var took []float64
	for b.Loop() {
		took = append(took, firstResult(b, target, binary, path))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took), "first-result-ms")
	b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
}

// firstResult starts the command and returns the milliseconds until there is a result in its metrics.
func firstResult(b *testing.B, target *process, binary, config string) float64 {
	b.Helper()
	seen, start := target.count(), time.Now()
	command := exec.CommandContext(b.Context(), binary, "run", "--config", config)
	stderr, err := command.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	address := ""
	for address == "" && lines.Scan() {
		_, rest, _ := strings.Cut(lines.Text(), "address=")
		address, _, _ = strings.Cut(rest, " ")
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // so that the command is never held up
		}
	}()
	for target.count() == seen { // a scrape would take processor time from it
		<-time.After(time.Millisecond)
	}
	for done := false; !done; {
		page, _ := get(b, http.MethodGet, "http://"+address+"/metrics")
		done = sum(page, "channelwatch_experience_total", "") > 0
	}
	took := time.Since(start).Seconds() * 1000
	if err := command.Process.Signal(os.Interrupt); err != nil {
		b.Error(err)
	}
	<-drained
	if err := command.Wait(); err != nil {
		b.Errorf("the command: %v", err)
	}
	return took
}
