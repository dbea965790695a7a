package dashboards_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/host"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/rum"
)

// foreign are series that others make, each with the only label that we may choose by.
var foreign = map[string]bool{ // name: whether it is a counter
	"ALERTS": false, "scrape_duration_seconds": false,
	"process_cpu_seconds_total": true, "process_resident_memory_bytes": false, "go_goroutines": false,
}

// known is a series that a query may name.
type known struct {
	counter bool
	labels  []string // nil: not checked
}

// catalogue returns all series that agents and recording rules make.
func catalogue(t *testing.T) map[string]known {
	t.Helper()
	checks, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]known)
	for name, counter := range foreign {
		all[name] = known{counter: counter}
	}
	labels := func(of []string) []string { return append([]string{"instance", "job", "location"}, of...) }
	add := func(name string, kind metrics.Type, of []string) {
		switch kind {
		case metrics.Histogram, metrics.Summary:
			all[name] = known{true, labels(of)} // a native histogram
			for _, suffix := range []string{"_sum", "_count", "_bucket"} {
				all[name+suffix] = known{true, labels(append(of, "le"))}
			}
		default:
			all[name] = known{kind == metrics.Counter, labels(of)}
		}
	}
	for _, f := range metrics.New(metrics.Options{Catalogue: checks, Location: "somewhere"}).Describe() {
		add(f.Name, f.Type, f.Labels)
	}
	for _, d := range host.Describe() {
		all["channelwatch_"+d.Name] = known{d.Type == host.Counter, labels(d.Labels)}
	}
	for _, f := range rum.Describe() {
		add("channelwatch_"+f.Name, f.Type, f.Labels)
	}
	told := ledger.New().Readings()
	for _, k := range kinds.All() {
		told = append(told, k.Told...)
	}
	for _, r := range told {
		kind := metrics.Gauge
		if r.Type == probe.Counter {
			kind = metrics.Counter
		}
		var names []string
		for _, l := range r.Labels {
			names = append(names, l.Name)
		}
		add("channelwatch_"+r.Metric, kind, names)
	}
	rules, err := os.ReadFile("../configs/prometheus/channelwatch.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^ +- record: (\S+)$`).FindAllSubmatch(rules, -1) {
		all[string(match[1])] = known{}
	}
	return all
}

var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	labelList = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right) *\([^)]*\)`)
	selection = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]`)
	word      = regexp.MustCompile(`[A-Za-z0-9_:.]+`)
	label     = regexp.MustCompile(`([a-z_]+) *(?:=~|!~|!=|=)`)
)

// operators are the words of PromQL that stand without a parenthesis behind them.
var operators = []string{"and", "or", "unless", "bool", "offset", "sum", "min", "max", "avg", "count", "topk", "bottomk"}

// series returns the names of the series in an expression.
func series(expr string) []string {
	expr = quoted.ReplaceAllString(expr, `""`)
	expr = labelList.ReplaceAllString(expr, "")
	expr = selection.ReplaceAllString(expr, "")
	var names []string
	for _, at := range word.FindAllStringIndex(expr, -1) {
		name := expr[at[0]:at[1]]
		called := strings.HasPrefix(strings.TrimLeft(expr[at[1]:], " \n"), "(")
		if !called && (name[0] < '0' || name[0] > '9') && !slices.Contains(operators, name) {
			names = append(names, name)
		}
	}
	return names
}

func TestSeries_FindsNames(t *testing.T) {
	tests := map[string][]string{
		`sum by (a, b) (rate(x_total{c="d e"}[5m])) / on (a) group_left (t) (y:z:5m > 0)`: {"x_total", "y:z:5m"},
		`topk(3, a{b=~"c|d"} offset 7d) and on (e) f`:                                     {"a", "f"},
		`label_replace(up, "x", "$1", "y", "(.+)") - time()`:                              {"up"},
		`1 - (a < bool 3)`: {"a"},
	}
	for expr, want := range tests {
		if got := series(expr); !slices.Equal(got, want) {
			t.Errorf("series of %s: %v, want %v", expr, got, want)
		}
	}
}

// windows are the values of the variable in names of recorded series.
var windows = []string{"5m", "1h", "1d", "7d", "28d"}

func TestQueries_NameWhatExists(t *testing.T) {
	all := catalogue(t)
	for _, b := range load(t) {
		for at, expr := range b.expressions() {
			for _, window := range windows {
				filled := strings.ReplaceAll(expr, "${window}", window)
				names := series(filled)
				if len(names) == 0 {
					t.Errorf("%s: no series in %s", at, expr)
				}
				for _, name := range names {
					metric, ok := all[name]
					if !ok {
						t.Errorf("%s: %s is made by no agent and no rule", at, name)
						continue
					}
					checkUse(t, at, filled, name, metric)
				}
				if filled == expr {
					break
				}
			}
		}
	}
}

// checkUse holds a series in an expression against its type and labels.
func checkUse(t *testing.T, at, expr, name string, metric known) {
	t.Helper()
	uses := regexp.MustCompile(`(\w*)\(?\b`+regexp.QuoteMeta(name)+`\b(\{[^}]*\})?(\[[^\]]*\])?`).FindAllStringSubmatch(expr, -1)
	for _, use := range uses {
		function, matchers, window := use[1], use[2], use[3]
		if !metric.counter && (function == "rate" || function == "increase") {
			t.Errorf("%s: %s is no counter: %s", at, name, use[0])
		}
		if metric.counter && ((function != "rate" && function != "increase") || window == "") {
			t.Errorf("%s: counter %s without rate or increase: %s", at, name, use[0])
		}
		if function == "rate" && window != "[$__rate_interval]" || function == "increase" && window != "[$__rate_interval]" && window != "[$__range]" {
			t.Errorf("%s: %s over %s, want $__rate_interval", at, function, window)
		}
		if metric.labels == nil {
			continue
		}
		for _, match := range label.FindAllStringSubmatch(quoted.ReplaceAllString(matchers, `""`), -1) {
			if !slices.Contains(metric.labels, match[1]) {
				t.Errorf("%s: %s has no label %s, only %v", at, name, match[1], metric.labels)
			}
		}
	}
	if len(uses) == 0 {
		t.Errorf("%s: %s was not found in %s", at, name, expr)
	}
}

// What the readers of all dashboards see as a score, a band or a gap is recorded: raw results are for operations only.
func TestQueries_ComputeNoScore(t *testing.T) {
	for _, b := range load(t) {
		for at, expr := range b.expressions() {
			for _, name := range series(expr) {
				if name == "channelwatch_experience_total" && b.UID != "channelwatch-operations" {
					t.Errorf("%s reads raw results, want recorded series", at)
				}
			}
			if strings.Contains(expr, "job=") || strings.Contains(expr, "job=~") {
				t.Errorf("%s chooses by job, which everybody calls differently", at)
			}
		}
	}
}

// A long window is evaluated up to an hour apart, and Prometheus looks back for five minutes.
func TestQueries_LookBackToTheLastEvaluation(t *testing.T) {
	seen := 0
	for _, b := range load(t) {
		for at, expr := range b.expressions() {
			plain := strings.Count(expr, ":${window}{")
			if far := strings.Count(expr, `:${window}", __name__=~".+:(1d|7d|28d)"`); far != plain || strings.Count(expr, ":${window}") != plain+far {
				t.Errorf("%s reads a chosen window without looking back: %s", at, expr)
			}
			seen += plain
			if strings.Contains(expr, "channelwatch_agreement_") && !strings.Contains(expr, "last_over_time(channel:channelwatch_agreement_") {
				t.Errorf("%s reads an agreement without looking back: %s", at, expr)
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d queries of a chosen window were found, want at least 10", seen)
	}
}
