//go:build !nohistory

package history

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// TestEvaluator_RecordsWhatARealPrometheusWould records 50 minutes in which a touchpoint fails for some, hands the
// store to a real Prometheus, and lets that evaluate the expression of each recording rule at the last turn. Before 3.0, a
// sample on the far edge of a window counts; there is none here, as there is none at the turns of a store.
func TestEvaluator_RecordsWhatARealPrometheusWould(t *testing.T) {
	t.Parallel()
	db := openShop(t, t.TempDir())
	e := mustEvaluator(t, Options{Rules: bundled()})
	byKey, errs := e.newManager(t.Context(), db, metrics.Library()).LoadGroups(evaluateEvery, e.external, "", nil, false, e.loader.names()...)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	groups := e.loader.sorted(slices.Collect(maps.Values(byKey)))
	customers, f := new(shop), feeder{st: db}
	last := time.Now().Truncate(30 * time.Second)
	for at := last.Add(-50 * time.Minute); !at.After(last); at = at.Add(30 * time.Second) {
		left := last.Sub(at)
		customers.breakDown(left < 30*time.Minute && left > 3*time.Minute)
		for _, before := range []time.Duration{22 * time.Second, 7 * time.Second} { // no sample is on the edge of a window
			f.round(t.Context(), t, at.Add(-before), customers.samples(at.Add(-before)))
		}
		for _, g := range groups {
			g.Eval(t.Context(), at)
		}
	}
	data, conf := t.TempDir(), filepath.Join(t.TempDir(), "prometheus.yaml")
	if err := db.Snapshot(data, true); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	address := unusedAddress(t)
	real := program{"prometheus", "prometheus"}.serve(t, address, "/-/ready",
		"--config.file="+conf, "--storage.tsdb.path="+data, "--web.listen-address="+address)

	compared := 0
	for _, g := range groups {
		for _, rule := range g.Rules() {
			if _, ok := rule.(*rules.RecordingRule); !ok {
				continue
			}
			if strings.Contains(rule.Query().String(), rule.Name()) {
				continue // it reads what it recorded last, which is now what it recorded at that time
			}
			got := map[string]float64{}
			for series, v := range askShop(t, db, rule.Name(), last) {
				got[labels.NewBuilder(metric(t, series)).Del("__name__").Labels().String()] = v
			}
			want := map[string]float64{}
			for _, series := range real.asks(t, rule.Query().String(), last) {
				v, err := strconv.ParseFloat(series.Value[1].(string), 64)
				if err != nil {
					t.Fatal(err)
				}
				delete(series.Metric, "__name__")
				want[labels.FromMap(series.Metric).String()] = v
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-Prometheus +recorded):\n%s", rule.Name(), diff)
			}
			compared += len(want)
		}
	}
	if compared < 100 {
		t.Errorf("only %d values were compared", compared)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
