package metrics_test

import (
	"strconv"
	"testing"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

func reading(name string, v float64) metrics.Reading {
	return metrics.Reading{Name: name, Help: "Bytes.", Type: metrics.Gauge, Value: v}
}

func TestSetPart_Replaces(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: "here"})
	disk := func(name string, v float64) metrics.Reading {
		return metrics.Reading{Name: "host_disk_bytes", Help: "Size.", Type: metrics.Gauge, Labels: []metrics.Label{{Name: "device", Value: name}}, Value: v}
	}
	m.SetPart("host", []metrics.Reading{disk("sda", 1), disk("sdb", 2)})
	m.Apply(nil, nil)
	m.SetPart("host", []metrics.Reading{disk("sdb", 3)})
	got := samples(t, m)
	want(t, like(got, "host_"), map[string]float64{`host_disk_bytes{device="sdb",location="here"}`: 3})
	want(t, like(got, "agent_series{"), map[string]float64{"agent_series{}": 1})
}

func TestSetPart_RefusesOnlyWhatIsNew(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), SeriesLimit: 3})
	for _, test := range []struct {
		name              string
		readings          int
		exported, refused float64
	}{
		{"fits", 2, 2, 0},
		{"grows beyond", 5, 3, 2},
		{"stays", 5, 3, 2},
		{"shrinks", 1, 1, 0},
		{"grows again", 3, 3, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := samples(t, m)["series_rejected_total{}"]
			readings := make([]metrics.Reading, test.readings)
			for i := range readings {
				readings[i] = metrics.Reading{Name: "host_x_bytes", Help: "Size.", Type: metrics.Gauge, Labels: []metrics.Label{{Name: "n", Value: strconv.Itoa(i)}}}
			}
			m.SetPart("host", readings)
			got := samples(t, m)
			if n := float64(len(like(got, "host_x_bytes"))); n != test.exported || got["agent_series{}"] != test.exported {
				t.Errorf("%v series exported, %v counted, want %v", n, got["agent_series{}"], test.exported)
			}
			if n := got["series_rejected_total{}"] - before; n != test.refused {
				t.Errorf("%v series refused, want %v", n, test.refused)
			}
		})
	}
}

func TestSetPart_NamesThatAreNotUTF8(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	m.SetPart("host", []metrics.Reading{{Name: "host_x_bytes", Help: "Size.", Type: metrics.Gauge, Labels: []metrics.Label{{Name: "mount", Value: "/mnt/\xff"}}}})
	want(t, like(samples(t, m), "host_x_bytes"), map[string]float64{"host_x_bytes{mount=\"/mnt/\uFFFD\"}": 0})
	decode(t, scrape(t, m, "Accept", protoAccept).Body)
}

func TestSetPart_PartsAreIndependent(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	m.SetPart("host", []metrics.Reading{reading("host_b_bytes", 1), reading("host_a_bytes", 2)})
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
	m.SetPart("host", []metrics.Reading{reading("host_a_bytes", 1), reading("host_b_bytes", 2)})
	m.SetPart("history", []metrics.Reading{reading("history_a_bytes", 3), reading("history_b_bytes", 4)})
	got := samples(t, m)
	want(t, like(got, "history_"), map[string]float64{"history_a_bytes{}": 3})
	if n := got["series_rejected_total{}"]; n != 1 {
		t.Errorf("%v series refused, want 1", n)
	}
	m.SetPart("host", []metrics.Reading{reading("host_a_bytes", 1)}) // leaves room
	m.SetPart("history", []metrics.Reading{reading("history_a_bytes", 3), reading("history_b_bytes", 4)})
	want(t, like(samples(t, m), "history_"), map[string]float64{"history_a_bytes{}": 3, "history_b_bytes{}": 4})
}
