package page_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// setup is what the agent would say about a touchpoint.
func setup() probe.Setup {
	return probe.Setup{
		Channel: "web", Touchpoint: "home", Type: probe.DesktopWeb, Every: time.Minute, Timeout: 5 * time.Second,
		Location: "test", UserAgent: "Channelwatch/1.2.3",
	}
}

// config returns the defaults of a channel type with the URL and changes.
func config(t probe.ChannelType, url string, change func(*page.Config)) *page.Config {
	c := page.Kind().NewConfig(t).(*page.Config)
	c.URL = url
	if change != nil {
		change(c)
	}
	return c
}

// run probes once.
func run(t *testing.T, c *page.Config) probe.Result {
	t.Helper()
	built, err := page.Kind().Build(c, setup())
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for phase := range probe.NumPhases {
		if _, ok := result.Phases.Get(phase); ok && !slices.Contains(built.Profile.Phases, phase) {
			t.Errorf("phase %v was reached but is not in the profile %v", phase, built.Profile.Phases)
		}
	}
	for _, m := range result.Measurements {
		if !slices.Contains(built.Profile.Metrics, m.Metric) {
			t.Errorf("%s was measured but is not in the profile %v", m.Metric, built.Profile.Metrics)
		}
	}
	return result
}

// serve starts a server on loopback.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// serveTLS starts a TLS server on loopback and returns its URL and the file with the authority to trust.
func serveTLS(t *testing.T, handler http.HandlerFunc) (url, caFile string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, caFile
}

// html answers every request with the document.
func html(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(document)) // a client that went away is the test's own
	}
}

func checkIDs(findings []probe.Finding) []probe.CheckID {
	var ids []probe.CheckID
	for _, f := range findings {
		ids = append(ids, f.Check)
	}
	return ids
}

func TestProbe_FinePageOverHTTP2(t *testing.T) {
	t.Parallel()
	url, ca := serveTLS(t, html("<title>Shop</title><p>Add to basket"))
	result := run(t, config(probe.DesktopWeb, url, func(c *page.Config) {
		c.TLS.CAFile = ca
		c.Expect.Text = []string{"Add to basket"}
	}))
	if result.Reason != "" || len(result.Findings) != 0 {
		t.Fatalf("got reason %q (%s) and findings %+v, want none", result.Reason, result.Detail, result.Findings)
	}
	if want := "status 200, 35 bytes over HTTP/2"; result.Detail != want {
		t.Errorf("detail: got %q, want %q", result.Detail, want)
	}
	if result.Duration <= 0 || result.Duration != result.Phases.Sum() {
		t.Errorf("got duration %v, want the sum of the phases %v", result.Duration, result.Phases.Sum())
	}
	for _, phase := range []probe.Phase{probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive} {
		if _, ok := result.Phases.Get(phase); !ok {
			t.Errorf("phase %v is missing", phase)
		}
	}
	measured := make(map[string]float64)
	for _, m := range result.Measurements {
		measured[m.Metric] = m.Value
	}
	want := map[string]float64{
		"page_bytes": 35,
		"tls_certificate_not_before_timestamp_seconds": 0,
		"tls_certificate_not_after_timestamp_seconds":  3600000000,
	}
	if diff := cmp.Diff(want, measured); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	exchange := result.Evidence.Exchanges[0]
	if exchange.TLS == nil || len(exchange.TLS.Chain) == 0 || exchange.TLS.ALPN != "h2" {
		t.Errorf("got TLS facts %+v, want the chain and h2", exchange.TLS)
	}
	if strings.Contains(exchange.BodyStart, "basket") {
		t.Errorf("got body %q in the evidence of a fine result, want none", exchange.BodyStart)
	}
}

func TestKind_Limits(t *testing.T) {
	t.Parallel()
	want := probe.Limits{Excellent: 800 * time.Millisecond, Good: 1800 * time.Millisecond, Fair: 4 * time.Second}
	for _, channel := range probe.ChannelTypes() {
		if got := page.Kind().Limits(channel); got != want {
			t.Errorf("%s: got %+v, want %+v", channel, got, want)
		}
	}
}

func TestKind_SeriesBudget(t *testing.T) {
	t.Parallel()
	built, err := page.Kind().Build(config(probe.DesktopWeb, "https://www.example.com/", nil), setup())
	if err != nil {
		t.Fatal(err)
	}
	// Two of experience, two of rechecks, four dimensions, and rating, duration, last timestamp, info and weight.
	const ofEveryTouchpoint = 2 + 2 + 4 + 5
	if got := ofEveryTouchpoint + 2*len(built.Profile.Phases) + len(built.Profile.Metrics); got > 30 {
		t.Errorf("got %d series for an HTTPS page, want at most 30", got)
	}
}
