package metrics_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

var update = flag.Bool("update", false, "rewrite the golden page")

func TestDescribe_EqualsWhatIsGathered(t *testing.T) {
	m := full(t)
	described := make(map[string]metrics.Family)
	for _, f := range m.Describe() {
		described[f.Name] = f
		if f.Help == "" || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: help %q, want a sentence", f.Name, f.Help)
		}
		if !slices.IsSorted(f.Labels) {
			t.Errorf("%s: labels %v are not sorted", f.Name, f.Labels)
		}
	}
	families := gather(t, m)
	for _, mf := range families {
		name := mf.GetName()
		if !strings.HasPrefix(name, "channelwatch_") || ofPart(name) {
			continue
		}
		f, ok := described[name]
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		delete(described, name)
		for _, metric := range mf.Metric {
			got := metrics.Family{Name: name, Type: metrics.Type(strings.ToLower(mf.GetType().String())), Unit: f.Unit, Help: mf.GetHelp()}
			for _, pair := range metric.Label {
				got.Labels = append(got.Labels, pair.GetName())
			}
			if diff := cmp.Diff(f, got); diff != "" {
				t.Errorf("%s (-described +gathered):\n%s", name, diff)
			}
		}
		if f.Unit != "" && !strings.Contains(name, "_"+f.Unit) {
			t.Errorf("%s: unit %q is not in the name", name, f.Unit)
		}
	}
	if len(described) > 0 {
		t.Errorf("described, but not gathered: %v", described)
	}
}

// ofPart reports whether a name is that of a reading in full.
func ofPart(name string) bool {
	return name != "channelwatch_host_serves_channel" &&
		(strings.HasPrefix(name, "channelwatch_field_") || strings.HasPrefix(name, "channelwatch_host_") ||
			strings.HasPrefix(name, "channelwatch_history_"))
}

func TestNew_RefusesMetricsThatCannotBeExported(t *testing.T) {
	for _, test := range []struct {
		name   string
		metric probe.Metric
		want   string
	}{
		{"label of every series", probe.Metric{Name: "x_bytes", Label: "channel", Values: []string{"a"}}, `metrics: a kind declares x_bytes: its label "channel" is one that every series has`},
		{"constant label", probe.Metric{Name: "x_bytes", Label: "location", Values: []string{"a"}}, `metrics: a kind declares x_bytes: its label "location" is one that every series has`},
		{"counter", probe.Metric{Name: "x_bytes", Type: probe.Counter}, "metrics: a kind declares x_bytes: the names of counters, and no others, end in _total"},
		{"gauge", probe.Metric{Name: "x_total", Type: probe.Gauge}, "metrics: a kind declares x_total: the names of counters, and no others, end in _total"},
		{"no buckets", probe.Metric{Name: "x_seconds", Type: probe.Histogram}, "metrics: a kind declares x_seconds: buckets []: want ascending ones for a histogram, none for others"},
		{"falling buckets", probe.Metric{Name: "x_seconds", Type: probe.Histogram, Buckets: []float64{2, 1}}, "metrics: a kind declares x_seconds: buckets [2 1]: want ascending ones for a histogram, none for others"},
		{"name in use", probe.Metric{Name: "touchpoint_rating"}, "metrics: a kind declares touchpoint_rating: every agent exports it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.metric.Help = "Help."
			c, err := probe.NewCatalogue([]probe.Kind{{Name: "x", Metrics: []probe.Metric{test.metric}}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("panic %v, want %s", got, test.want)
				}
			}()
			metrics.New(metrics.Options{Catalogue: c, Location: "here"})
		})
	}
}

func TestHandler_IsLintClean(t *testing.T) {
	problems, err := testutil.GatherAndLint(prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return gather(t, full(t)), nil }))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "channelwatch_host_") { // made up here
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// pedantic offers the scraped families to a registry that checks every name, label and double.
type pedantic struct {
	families []*dto.MetricFamily
	descs    map[string]*prometheus.Desc
}

func (p *pedantic) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range p.descs {
		out <- desc
	}
}

func (p *pedantic) Collect(out chan<- prometheus.Metric) {
	for _, mf := range p.families {
		for _, metric := range mf.Metric {
			if desc := p.descs[mf.GetName()]; desc != nil {
				out <- given{desc, metric}
			}
		}
	}
}

// given is a metric that exists already.
type given struct {
	desc   *prometheus.Desc
	metric *dto.Metric
}

func (g given) Desc() *prometheus.Desc { return g.desc }

func (g given) Write(out *dto.Metric) error {
	out.Label, out.Gauge, out.Counter = g.metric.Label, g.metric.Gauge, g.metric.Counter
	out.Summary, out.Histogram = g.metric.Summary, g.metric.Histogram
	return nil
}

func TestHandler_SatisfiesAPedanticRegistry(t *testing.T) {
	m := full(t)
	p := &pedantic{gather(t, m), make(map[string]*prometheus.Desc)}
	for _, f := range m.Describe() {
		p.descs[f.Name] = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(p); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != len(p.descs) {
		t.Errorf("%d families, want %d", len(families), len(p.descs))
	}
}

// TestHandler_Golden compares the whole page but what depends on the machine. Refresh it with -update.
func TestHandler_Golden(t *testing.T) {
	var got bytes.Buffer
	for line := range strings.Lines(ours(body(t, scrape(t, full(t))))) {
		if !strings.HasPrefix(line, "channelwatch_build_info") {
			got.WriteString(line)
		}
	}
	path := filepath.Join("testdata", "page.metrics")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("page (-golden +got):\n%s", diff)
	}
}

func TestHandler_PromtoolAccepts(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: apt-get install -y prometheus")
	}
	var page strings.Builder
	for line := range strings.Lines(body(t, scrape(t, full(t)))) {
		if !strings.Contains(line, "channelwatch_host_") || strings.Contains(line, "serves") {
			page.WriteString(line)
		}
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(page.String())
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
