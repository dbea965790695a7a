package metrics_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// samples returns the value of each series of the product by name and labels, as lines of the text format without
// classic buckets; empty labels are left out, as Prometheus does.
func samples(tb testing.TB, m *metrics.Metrics) map[string]float64 {
	tb.Helper()
	out := make(map[string]float64)
	for _, mf := range gather(tb, m) {
		name := strings.TrimPrefix(mf.GetName(), "channelwatch_")
		if name == mf.GetName() {
			continue
		}
		for _, metric := range mf.Metric {
			labels := labelsOf(metric)
			switch {
			case metric.Histogram != nil:
				out[name+"_count"+labels] = float64(metric.Histogram.GetSampleCount())
				out[name+"_sum"+labels] = round(metric.Histogram.GetSampleSum())
			case metric.Summary != nil:
				out[name+"_count"+labels] = float64(metric.Summary.GetSampleCount())
				out[name+"_sum"+labels] = round(metric.Summary.GetSampleSum())
			case metric.Counter != nil:
				out[name+labels] = metric.Counter.GetValue()
			default:
				out[name+labels] = metric.Gauge.GetValue()
			}
		}
	}
	return out
}

func labelsOf(metric *dto.Metric) string {
	var labels []string
	for _, pair := range metric.Label {
		if pair.GetValue() != "" {
			labels = append(labels, fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue()))
		}
	}
	return "{" + strings.Join(labels, ",") + "}"
}

// round takes away what binary fractions add.
func round(v float64) float64 { return math.Round(v*1e9) / 1e9 }

// like returns the samples whose series contain all parts.
func like(all map[string]float64, parts ...string) map[string]float64 {
	out := make(map[string]float64)
	for series, value := range all {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(series, p) }) {
			out[series] = value
		}
	}
	return out
}

func sum(all map[string]float64) float64 {
	var total float64
	for v := range maps.Values(all) {
		total += v
	}
	return total
}

// want compares samples.
func want(tb testing.TB, got, want map[string]float64) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("series (-want +got):\n%s", diff)
	}
}
