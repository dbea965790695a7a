//go:build !nohistory

package history

import (
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// gathered is what Prometheus' code counts about itself, by the name of the family.
type gathered map[string]*dto.MetricFamily

// gatherFrom reads a registry; nil has nothing.
func gatherFrom(registry *metrics.Registry) gathered {
	all := make(gathered)
	if registry == nil {
		return all
	}
	families, _ := registry.Gather() // what could be gathered is there beside the error
	for _, family := range families {
		all[family.GetName()] = family
	}
	return all
}

// by returns the values of a family, added up by the value of a label; without a label, all under "".
func (u gathered) by(label, name string) map[string]float64 {
	sums := make(map[string]float64)
	for _, m := range u[name].GetMetric() {
		at := ""
		for _, pair := range m.GetLabel() {
			if pair.GetName() == label {
				at = pair.GetValue()
			}
		}
		// Only one of the three is there, and the others read as 0.
		sums[at] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetSummary().GetSampleSum()
	}
	return sums
}

// figure is a reading that is made of upstream's series: the sum of those of the names.
type figure struct {
	name string
	kind metrics.Type
	help string
	from []string
}

// readings makes the readings of a table. With a label of upstream's, there is one for each of its values.
func (u gathered) readings(table []figure, label string) []metrics.Reading {
	var all []metrics.Reading
	for _, f := range table {
		sums := make(map[string]float64)
		for _, name := range f.from {
			for at, v := range u.by(label, name) {
				sums[at] += v
			}
		}
		for _, at := range slices.Sorted(maps.Keys(sums)) {
			r := metrics.Reading{Name: f.name, Help: f.help, Type: f.kind, Value: sums[at]}
			if label != "" {
				r.Labels = []metrics.Label{{Name: "receiver", Value: at}}
			}
			all = append(all, r)
		}
	}
	return all
}

func ruleFigures() []figure {
	return []figure{
		{
			"history_rule_evaluations_total", metrics.Counter, "Evaluations of rules.",
			[]string{"prometheus_rule_evaluations_total"},
		},
		{
			"history_rule_evaluation_failures_total", metrics.Counter, "Evaluations of rules that failed, or whose result could not be recorded.",
			[]string{"prometheus_rule_evaluation_failures_total"},
		},
		{
			"history_rule_iterations_missed_total", metrics.Counter, "Turns of groups of rules that were left out because the one before took too long.",
			[]string{"prometheus_rule_group_iterations_missed_total"},
		},
		{
			"history_rule_evaluation_seconds_total", metrics.Counter, "Time that the evaluation of rules took.",
			[]string{"prometheus_rule_group_duration_seconds"},
		},
	}
}

// readings returns how the evaluation of rules is and, with Alertmanagers, how they take alerts.
func (e *evaluator) readings() []metrics.Reading {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	registry := e.registry
	e.mu.Unlock()
	return append(gatherFrom(registry).readings(ruleFigures(), ""), e.sender.readings()...)
}
