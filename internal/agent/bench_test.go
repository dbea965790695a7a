package agent_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The benchmarks run the whole agent in a process of its own, all metrics on and scraped, beside two yardsticks that
// make probes and nothing else (see playYardstick). CPU time is that of the prober's process alone, divided by the
// probes that the target saw. Absolute figures move with the machine: compare the ratios of one run. They need a few
// minutes and two processors that do nothing else.
//
//	go test ./internal/agent -run '^$' -bench Agent -benchtime 3x -timeout 30m
const (
	benchWarm   = 4 * time.Second
	benchRound  = 15 * time.Second
	benchScrape = 5 * time.Second
)

func BenchmarkAgentPlain(b *testing.B) {
	target, urls := startTarget(b, 1000, &job{})
	defer target.stop()
	compareCPU(b, target, &job{URLs: urls, Every: time.Second}, "")
}

func BenchmarkAgentTLS(b *testing.B) {
	certFile, keyFile := selfSigned(b)
	target, urls := startTarget(b, 200, &job{CertFile: certFile, KeyFile: keyFile})
	defer target.stop()
	compareCPU(b, target, &job{CertFile: certFile, URLs: urls, Every: time.Second}, ", tls: {ca_file: "+certFile+"}")
}

// compareCPU runs the yardsticks and the agent in turns. Ratios are those of the medians over the rounds.
func compareCPU(b *testing.B, target *process, j *job, with string) {
	b.Helper()
	roles := []string{directRole, netHTTPRole, agentRole}
	cost := make(map[string][]float64)
	for b.Loop() {
		for _, role := range roles {
			cost[role] = append(cost[role], roundCPU(b, target, role, j, with))
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, role := range roles {
		b.ReportMetric(median(cost[role]), role+"-cpu-ms/probe")
	}
	b.ReportMetric(median(cost[agentRole])/median(cost[directRole]), "×direct")
	b.ReportMetric(median(cost[agentRole])/median(cost[netHTTPRole]), "×net/http")
}

// roundCPU runs a prober and returns the CPU time of a probe in milliseconds.
func roundCPU(b *testing.B, target *process, role string, j *job, with string) float64 {
	b.Helper()
	prober, address := startProber(b, role, j, with)
	defer prober.stop()
	<-time.After(benchWarm)
	used, probes := prober.cpu(), target.count()
	if role == agentRole {
		scrapes(b, address, benchRound)
	} else {
		<-time.After(benchRound)
	}
	used, probes = prober.cpu()-used, target.count()-probes
	want := int(benchRound/j.Every) * len(j.URLs)
	if probes < want*99/100 {
		b.Errorf("%s: target saw %d probes, want %d", role, probes, want)
	}
	perProbe := used.Seconds() * 1000 / float64(probes)
	fmt.Fprintf(os.Stderr, "%-8s  %4d touchpoints @%s  %6d probes  %.4f ms CPU a probe\n", role, len(j.URLs), j.Every, probes, perProbe)
	return perProbe
}

// startProber starts a prober and, when it is an agent, returns the address of its endpoint.
func startProber(b *testing.B, role string, j *job, with string) (prober *process, address string) {
	b.Helper()
	if role == agentRole {
		j = &job{Config: benchConfig(b, j.URLs, j.Every, with)}
	}
	prober = startProcess(b, role, j, &address)
	return prober, address
}

// benchConfig writes a configuration with a page for each URL, in ten channels, and returns its path.
func benchConfig(b *testing.B, urls []string, every time.Duration, with string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "channelwatch.yaml")
	if err := os.WriteFile(path, benchYAML(urls, every, with), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func benchYAML(urls []string, every time.Duration, with string) []byte {
	const channels = 10
	var text bytes.Buffer
	text.WriteString("agent: {listen: \"127.0.0.1:0\", location: bench, pprof: true}\ncontrol: {targets: [\"127.0.0.1:1\"]}\nhistory: {enabled: false}\nchannels:\n")
	for c := range channels {
		fmt.Fprintf(&text, "  - name: channel-%d\n    type: desktop_web\n    owners: {it: it@shop.example, marketing: brand@shop.example}\n"+
			"    touchpoints:\n", c)
		for i := c; i < len(urls); i += channels {
			fmt.Fprintf(&text, "      - {name: touchpoint-%05d, kind: page, every: %s, timeout: %s, with: {url: %q%s}}\n", i, every, every, urls[i], with)
		}
	}
	return text.Bytes()
}

// get reads a page of an agent and returns it with the time that it took.
func get(tb testing.TB, method, url string) (string, time.Duration) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	start := time.Now()
	response, err := client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		tb.Fatalf("%s %s: status %d, %v: %.300s", method, url, response.StatusCode, err, body)
	}
	return string(body), time.Since(start)
}

// scrapes reads the metrics every few seconds for a while, and returns how long each took in milliseconds.
func scrapes(tb testing.TB, address string, during time.Duration) (took []float64) {
	tb.Helper()
	end := time.After(during)
	tick := time.NewTicker(benchScrape)
	defer tick.Stop()
	for {
		_, d := get(tb, http.MethodGet, "http://"+address+"/metrics")
		took = append(took, d.Seconds()*1000)
		select {
		case <-end:
			return took
		case <-tick.C:
		}
	}
}

// sum adds the values of all series of /metrics whose line begins with a prefix and holds a part.
func sum(page, prefix, part string) (total float64) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, prefix) && strings.Contains(line, part) {
			value, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			total += value
		}
	}
	return total
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return values[min(int(float64(len(values))*q), len(values)-1)]
}

// selfSigned writes a certificate for all addresses of the target, which is its own root, and its key.
func selfSigned(tb testing.TB) (certFile, keyFile string) {
	tb.Helper()
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "target"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for i := range targetHosts {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(targetHost(i)))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	cert, errCert := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	keyBytes, errKey := x509.MarshalPKCS8PrivateKey(key)
	if errCert != nil || errKey != nil {
		tb.Fatal(errCert, errKey)
	}
	dir := tb.TempDir()
	write := func(name, kind string, raw []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", keyBytes)
}
