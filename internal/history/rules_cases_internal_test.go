//go:build !nohistory

package history

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	yamlnode "go.yaml.in/yaml/v3"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// ruleTests is a file of `promtool test rules`, which the real promtool accepts.
type ruleTests struct {
	Files    []string       `yaml:"rule_files"` // relative to the tests
	Interval model.Duration `yaml:"evaluation_interval"`
	Tests    []ruleTest
}

type ruleTest struct {
	Name     string
	Interval model.Duration
	Series   []struct{ Series, Values string } `yaml:"input_series"`
	Values   []struct {
		Expr string
		At   model.Duration `yaml:"eval_time"`
		Want []struct {
			Labels string
			Value  float64
		} `yaml:"exp_samples"`
	} `yaml:"promql_expr_test"`
	Alerts []struct {
		At   model.Duration `yaml:"eval_time"`
		Name string         `yaml:"alertname"`
		Want []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

// until is when the last check of a test is.
func (r *ruleTest) until() time.Duration {
	var last model.Duration
	for _, v := range r.Values {
		last = max(last, v.At)
	}
	for _, a := range r.Alerts {
		last = max(last, a.At)
	}
	return time.Duration(last)
}

func TestEvaluator_GivesWhatThePromtoolCasesWant(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../configs/prometheus/tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases ruleTests
		if err := yamlnode.Unmarshal(text, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		bundle := cases.rules(t, filepath.Dir(file))
		for _, c := range cases.Tests {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				c.run(t, bundle, time.Duration(cases.Interval))
			})
		}
	}
}

// rules returns the files that the tests are about: some of those that ship are only for who sees several agents.
func (r *ruleTests) rules(t *testing.T, dir string) []RuleFile {
	t.Helper()
	var all []RuleFile
	for _, name := range r.Files {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, RuleFile{Name: filepath.Base(name), Content: text})
	}
	return all
}

// run evaluates rules over the series of a test, at the times at which promtool does: all groups at every
// interval of evaluation since 1970. Values must be equal to the last digit.
func (r *ruleTest) run(t *testing.T, bundle []RuleFile, every time.Duration) {
	t.Helper()
	db := openShop(t, t.TempDir())
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	load := r.loader(t, db)
	e := mustEvaluator(t, Options{Rules: bundle})
	manager := e.newManager(t.Context(), db, metrics.Library())
	byKey, errs := manager.LoadGroups(time.Duration(r.Interval), e.external, "", nil, false, e.loader.names()...)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	groups := e.loader.sorted(slices.Collect(maps.Values(byKey)))
	eachAlert(groups, func(rule *rules.AlertingRule) { rule.SetRestored(true) })
	for at := time.Duration(0); at <= r.until(); at += every {
		load(at)
		for _, g := range groups {
			g.Eval(t.Context(), time.Unix(0, 0).Add(at))
			for _, rule := range g.Rules() {
				if err := rule.LastError(); err != nil {
					t.Fatalf("%s at %s: %v", rule.Name(), at, err)
				}
			}
		}
		r.checkAlerts(t, groups, at, at+every)
	}
	load(r.until())
	r.checkValues(t, db)
}

// loader returns a function that appends what the test has up to a time.
func (r *ruleTest) loader(t *testing.T, db *tsdb.DB) func(until time.Duration) {
	t.Helper()
	type series struct {
		of     labels.Labels
		values []parser.SequenceValue
	}
	var all []series
	for _, s := range r.Series {
		of, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(s.Series + " " + s.Values)
		if err != nil {
			t.Fatalf("%s: %v", s.Series, err)
		}
		all = append(all, series{of, values})
	}
	next := 0
	return func(until time.Duration) {
		app := db.Appender(t.Context())
		for ; time.Duration(next)*time.Duration(r.Interval) <= until; next++ {
			at := time.Duration(next) * time.Duration(r.Interval)
			for _, s := range all {
				if next >= len(s.values) || s.values[next].Omitted {
					continue
				}
				if _, err := app.Append(0, s.of, at.Milliseconds(), s.values[next].Value); err != nil {
					t.Fatalf("%s: %v", s.of, err)
				}
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *ruleTest) checkValues(t *testing.T, st storage.Queryable) {
	t.Helper()
	for _, v := range r.Values {
		want := make(map[string]float64)
		for _, s := range v.Want {
			want[metric(t, s.Labels).String()] = s.Value
		}
		got := askShop(t, st, v.Expr, time.Unix(0, 0).Add(time.Duration(v.At)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s after %s (-want +got):\n%s", v.Expr, v.At, diff)
		}
	}
}

// firing is an alert as promtool compares it.
type firing struct{ Labels, Annotations map[string]string }

func (r *ruleTest) checkAlerts(t *testing.T, groups []*rules.Group, from, to time.Duration) {
	t.Helper()
	for _, a := range r.Alerts {
		if at := time.Duration(a.At); at < from || at >= to {
			continue
		}
		var want, got []firing
		for _, alert := range a.Want {
			of := map[string]string{"alertname": a.Name}
			maps.Copy(of, alert.Labels)
			want = append(want, firing{of, alert.Annotations})
		}
		eachAlert(groups, func(rule *rules.AlertingRule) {
			for _, alert := range rule.ActiveAlerts() {
				if rule.Name() == a.Name && alert.State == rules.StateFiring {
					got = append(got, firing{alert.Labels.Map(), alert.Annotations.Map()})
				}
			}
		})
		byLabels := func(a, b firing) int {
			return slices.Compare(slices.Sorted(maps.Values(a.Labels)), slices.Sorted(maps.Values(b.Labels)))
		}
		slices.SortFunc(want, byLabels)
		slices.SortFunc(got, byLabels)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s after %s (-want +got):\n%s", a.Name, a.At, diff)
		}
	}
}

func eachAlert(groups []*rules.Group, do func(*rules.AlertingRule)) {
	for _, g := range groups {
		for _, rule := range g.Rules() {
			if alert, ok := rule.(*rules.AlertingRule); ok {
				do(alert)
			}
		}
	}
}
