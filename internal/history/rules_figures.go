//go:build !nohistory

package history

import (
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

// sum adds up the values of a family, of one receiver only unless that is empty.
func (g gathered) sum(name, receiver string) (sum float64) {
	for _, m := range g[name].GetMetric() {
		of := func(pair *dto.LabelPair) bool { return pair.GetName() == remoteName && pair.GetValue() == receiver }
		if receiver == "" || slices.ContainsFunc(m.GetLabel(), of) {
			// Only one of the three is there, and the others read as 0.
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetSummary().GetSampleSum()
		}
	}
	return sum
}

// figure is a reading that is made of upstream's series: the sum of those of the names.
type figure struct {
	name string
	kind metrics.Type
	help string
	from []string
}

// readings makes the readings of a table, of one receiver only unless that is empty. Each is there at all times.
func (g gathered) readings(table []figure, receiver string) []metrics.Reading {
	all := make([]metrics.Reading, 0, len(table))
	for _, f := range table {
		r := metrics.Reading{Name: f.name, Help: f.help, Type: f.kind}
		if receiver != "" {
			r.Labels = []metrics.Label{{Name: "receiver", Value: receiver}}
		}
		for _, name := range f.from {
			r.Value += g.sum(name, receiver)
		}
		all = append(all, r)
	}
	return all
}

// partReadings returns every reading that rules, Alertmanagers and a receiver of remote write can have.
func partReadings() []metrics.Reading {
	var nothing gathered
	return slices.Concat(
		nothing.readings(ruleFigures(), ""), nothing.readings(alertFigures(), ""), nothing.readings(remoteFigures(), "receiver"),
		ofReceiver("receiver", false, 0, 0),
	)
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
	return slices.Concat(gatherFrom(registry).readings(ruleFigures(), ""), e.sender.readings())
}
