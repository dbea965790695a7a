package agent_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	messageTouchpoints = 1000
	messageEvery       = 30 * time.Second
	messageWindow      = 4 * messageEvery
)

// BenchmarkAgentMessages is the steady state of 1,000 touchpoints that send a message through a real broker every 30 s
// and wait for it, on 2,000 held connections: what a minute of it costs, and what the agent keeps in memory.
func BenchmarkAgentMessages(b *testing.B) {
	for _, version := range []string{"5", "3.1.1"} {
		b.Run("version="+version, func(b *testing.B) {
			var cost, resident, over, skipped []float64
			for b.Loop() {
				r := roundMessages(b, version)
				cost, resident = append(cost, r.cost), append(resident, r.resident)
				over, skipped = append(over, r.perConnection), append(skipped, r.skipped)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(cost), "cpu-s/min")
			b.ReportMetric(median(cost)*1000*messageEvery.Seconds()/60/messageTouchpoints, "cpu-ms/probe")
			b.ReportMetric(median(resident), "resident-MB")
			b.ReportMetric(median(over), "KiB/connection")
			b.ReportMetric(median(skipped), "skipped")
		})
	}
}

// messageRound is what one round of BenchmarkAgentMessages showed.
type messageRound struct {
	cost          float64 // CPU seconds of the agent in a minute, its scrapes included
	resident      float64 // megabytes, at the end
	perConnection float64 // KiB of memory that came with the connections, series and results of a touchpoint, for each of two
	skipped       float64 // ticks without a probe, by the agent's own word
}

func roundMessages(b *testing.B, version string) (r messageRound) {
	b.Helper()
	address := startBroker(b)
	path := filepath.Join(b.TempDir(), "channelwatch.yaml")
	if err := os.WriteFile(path, messageYAML(address, version), 0o600); err != nil {
		b.Fatal(err)
	}
	var page string
	agent := startProcess(b, agentRole, &job{Config: path}, &page)
	defer agent.stop()
	empty := agent.resident("VmRSS")
	scrapes(b, page, messageEvery*5/2) // until everybody has connected
	before, _ := get(b, http.MethodGet, "http://"+page+"/metrics")
	used := agent.cpu()
	scrapes(b, page, messageWindow)
	used = agent.cpu() - used
	after, _ := get(b, http.MethodGet, "http://"+page+"/metrics")
	grown := func(series, part string) float64 {
		return sum(after, "channelwatch_"+series, part) - sum(before, "channelwatch_"+series, part)
	}
	size := agent.resident("VmRSS")
	r.cost = used.Seconds() / messageWindow.Minutes()
	r.resident, r.perConnection = float64(size)/1e6, float64(size-empty)/1024/2/messageTouchpoints
	r.skipped = grown("agent_schedule_skipped_total", "")
	delivered, sent := grown("push_messages_total", `outcome="delivered"`), grown("push_messages_total", "")
	fmt.Fprintf(os.Stderr, "agent  MQTT %s, %d touchpoints @%s over %s: %.0f messages, %.0f delivered, %.0f reconnects, %.0f excellent, %.0f skipped, "+
		"%.2f CPU s a minute, %.1f MB resident (%.1f MB before the first probe), %.1f MB a scrape\n",
		version, messageTouchpoints, messageEvery, messageWindow, sent, delivered, grown("push_receiver_reconnects_total", ""),
		grown("experience_total", `rating="excellent"`), r.skipped, r.cost, r.resident, float64(empty)/1e6, float64(len(after))/1e6)
	if delivered == 0 || delivered != sent {
		b.Errorf("%.0f of %.0f messages were delivered, want all", delivered, sent)
	}
	return r
}

func messageYAML(broker, version string) []byte {
	const channels = 10
	var text bytes.Buffer
	text.WriteString("agent: {listen: \"127.0.0.1:0\", location: bench}\ncontrol: {targets: [\"127.0.0.1:1\"]}\nhistory: {enabled: false}\nchannels:\n")
	for c := range channels {
		fmt.Fprintf(&text, "  - name: channel-%d\n    type: push\n    owners: {it: it@shop.example, marketing: brand@shop.example}\n    touchpoints:\n", c)
		for i := c; i < messageTouchpoints; i += channels {
			fmt.Fprintf(&text, "      - {name: touchpoint-%05d, kind: mqtt, every: %s, with: {url: \"mqtt://%s\", topic: bench/%d, version: %q}}\n",
				i, messageEvery, broker, i, version)
		}
	}
	return text.Bytes()
}

// startBroker starts a mosquitto on a loopback port and waits until it listens.
func startBroker(b *testing.B) (address string) {
	b.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		b.Fatal("mosquitto is missing: apt-get install -y mosquitto")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address = listener.Addr().String()
	_ = listener.Close()
	_, port, _ := strings.Cut(address, ":")
	path := filepath.Join(b.TempDir(), "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_type none\npersistence false\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(b.Context(), "mosquitto", "-c", path)
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // reports the signal
	})
	give := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			return address
		}
		select {
		case <-tick.C:
		case <-give:
			b.Fatalf("the broker does not listen: %v", err)
		}
	}
}
