package metrics_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

func reading(name string, v float64) metrics.Reading {
	return metrics.Reading{Name: name, Help: "Bytes.", Type: metrics.Gauge, Value: v}
}

func TestSetPart_PartsAreIndependent(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	m.SetHost([]metrics.Reading{reading("host_b_bytes", 1), reading("host_a_bytes", 2)})
	m.SetPart("history", []metrics.Reading{reading("history_bytes", 3), reading("hoard_bytes", 4)})
	m.SetPart("notify", []metrics.Reading{reading("notify_bytes", 5)})
	all := map[string]float64{"host_a_bytes{}": 2, "host_b_bytes{}": 1, "history_bytes{}": 3, "hoard_bytes{}": 4, "notify_bytes{}": 5}
	check := func(what string) {
		t.Helper()
		got := samples(t, m)
		for name, value := range like(got, "_bytes{}") {
			if _, ours := all[name]; !ours && name != "agent_recent_bytes{}" {
				t.Errorf("%s: %s is %v, want none", what, name, value)
			}
		}
		for name, value := range all {
			if v, ok := got[name]; !ok || v != value {
				t.Errorf("%s: %s is %v (present: %v), want %v", what, name, v, ok, value)
			}
		}
		if got["agent_series{}"] != float64(len(all)) {
			t.Errorf("%s: %v series are counted, want %d", what, got["agent_series{}"], len(all))
		}
	}
	check("three parts")

	m.Apply(nil, nil)
	check("after a reload")

	m.SetPart("history", []metrics.Reading{reading("history_bytes", 6)})
	all["history_bytes{}"] = 6
	delete(all, "hoard_bytes{}")
	check("a part with fewer readings")

	m.SetPart("history", nil)
	delete(all, "history_bytes{}")
	check("a part that is gone")
}

func TestSetPart_SharesTheLimit(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), SeriesLimit: 3})
	m.SetHost([]metrics.Reading{reading("host_a_bytes", 1), reading("host_b_bytes", 2)})
	m.SetPart("history", []metrics.Reading{reading("history_a_bytes", 3), reading("history_b_bytes", 4)})
	got := samples(t, m)
	want(t, like(got, "history_"), map[string]float64{"history_a_bytes{}": 3})
	if n := got["series_rejected_total{}"]; n != 1 {
		t.Errorf("%v series refused, want 1", n)
	}
	m.SetHost([]metrics.Reading{reading("host_a_bytes", 1)}) // leaves room
	m.SetPart("history", []metrics.Reading{reading("history_a_bytes", 3), reading("history_b_bytes", 4)})
	want(t, like(samples(t, m), "history_"), map[string]float64{"history_a_bytes{}": 3, "history_b_bytes{}": 4})
}
