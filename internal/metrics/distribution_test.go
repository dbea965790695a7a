package metrics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

func distribution(page string, counts ...uint64) metrics.Reading {
	return metrics.Reading{
		Name: "field_wait_seconds", Help: "Waiting.", Type: metrics.Histogram, Labels: []metrics.Label{{Name: "page", Value: page}},
		Distribution: &metrics.Distribution{Bounds: []float64{0.5, 1}[:len(counts)-1], Counts: counts, Sum: 1.5},
	}
}

func TestSetPart_Distribution(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: "here"})
	m.SetPart("field", []metrics.Reading{distribution("a", 2, 0, 3), distribution("b", 0, 1, 0)})
	want := map[string]float64{
		`channelwatch_field_wait_seconds_bucket{le="0.5",location="here",page="a"}`:  2,
		`channelwatch_field_wait_seconds_bucket{le="1",location="here",page="a"}`:    2,
		`channelwatch_field_wait_seconds_bucket{le="+Inf",location="here",page="a"}`: 5,
		`channelwatch_field_wait_seconds_sum{location="here",page="a"}`:              1.5,
		`channelwatch_field_wait_seconds_count{location="here",page="a"}`:            5,
		`channelwatch_field_wait_seconds_bucket{le="0.5",location="here",page="b"}`:  0,
		`channelwatch_field_wait_seconds_bucket{le="1",location="here",page="b"}`:    1,
		`channelwatch_field_wait_seconds_bucket{le="+Inf",location="here",page="b"}`: 1,
		`channelwatch_field_wait_seconds_sum{location="here",page="b"}`:              1.5,
		`channelwatch_field_wait_seconds_count{location="here",page="b"}`:            1,
	}
	for name, got := range map[string]map[string]float64{
		"page":         parsed(t, m),
		"classic walk": walkOver(t, m, true).floats,
		"native walk":  walkOver(t, m, false).floats, // there is no native form
	} {
		if diff := cmp.Diff(want, like(got, "field_wait_seconds")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSetPart_DistributionCountsWithItsBuckets(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), SeriesLimit: 11}) // a distribution here has 5 series
	a, b := distribution("a", 1, 1, 1), distribution("b", 1, 1, 1)
	for _, test := range []struct {
		name            string
		all             []metrics.Reading
		series, refused float64
	}{
		{"one", []metrics.Reading{a}, 5, 0},
		{"two", []metrics.Reading{a, b}, 10, 0},
		{"three", []metrics.Reading{a, b, distribution("c", 1, 1, 1)}, 10, 5},
		{"a value fits still", []metrics.Reading{a, b, reading("field_bytes", 1)}, 11, 0},
		{"swapped for less", []metrics.Reading{reading("field_bytes", 1), distribution("a", 1, 1)}, 5, 0},
		{"partly of what was there", []metrics.Reading{a, reading("field_bytes", 1), distribution("d", 1, 1, 1)}, 11, 0},
		{"none", nil, 0, 0},
		{"all at once", []metrics.Reading{a, b}, 10, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := samples(t, m)["series_rejected_total{}"]
			m.SetPart("field", test.all)
			got := samples(t, m)
			if got["agent_series{}"] != test.series {
				t.Errorf("%v series are counted, want %v", got["agent_series{}"], test.series)
			}
			if n := float64(len(like(walkOver(t, m, true).floats, "channelwatch_field_"))); n != test.series {
				t.Errorf("%v series are exported, want %v", n, test.series)
			}
			if n := got["series_rejected_total{}"] - before; n != test.refused {
				t.Errorf("%v series are refused, want %v", n, test.refused)
			}
		})
	}
}
