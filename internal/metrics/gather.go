package metrics

import (
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/prometheus/client_golang/prometheus"
)

// eachFamily calls agent or state for each family in the order of their names until one returns false: agent for
// those of the registry, state for those that are kept here.
func (m *Metrics) eachFamily(
	registered []*dto.MetricFamily, agent func(*dto.MetricFamily) bool, state func(f *Family, collect func(sink)) bool,
) {
	s := m.set.Load()
	own, read := m.families, s.readings
	for len(registered)+len(own)+len(read) > 0 {
		switch first(registered, own, read) {
		case fromRegistry:
			if !agent(registered[0]) {
				return
			}
			registered = registered[1:]
		case fromState:
			f := &own[0]
			if !state(&f.Family, func(out sink) { f.collect(out, s) }) {
				return
			}
			own = own[1:]
		case fromParts:
			f := &read[0]
			if !state(&f.family, f.collect) {
				return
			}
			read = read[1:]
		}
	}
}

// origin says where a family comes from.
type origin uint8

const (
	fromRegistry origin = iota
	fromState
	fromParts
)

// first returns where the next family in the order of names comes from; one of the lists must not be empty.
func first(registered []*dto.MetricFamily, own []family, read []readings) origin {
	next, name := fromRegistry, ""
	consider := func(o origin, candidate string) {
		if name == "" || candidate < name {
			next, name = o, candidate
		}
	}
	if len(registered) > 0 {
		consider(fromRegistry, registered[0].GetName())
	}
	if len(own) > 0 {
		consider(fromState, own[0].Name)
	}
	if len(read) > 0 {
		consider(fromParts, read[0].family.Name)
	}
	return next
}

// seriesOf counts the series of a family.
func seriesOf(mf *dto.MetricFamily) Series {
	var s Series
	for _, metric := range mf.Metric {
		switch {
		case metric.Histogram != nil:
			buckets := metric.Histogram.Bucket
			s.Classic += len(buckets) + 3
			if n := len(buckets); n > 0 && math.IsInf(buckets[n-1].GetUpperBound(), 1) {
				s.Classic--
			}
			s.Native++
		case metric.Summary != nil:
			s = s.plus(Series{len(metric.Summary.Quantile) + 2, len(metric.Summary.Quantile) + 2})
		default:
			s = s.plus(Series{1, 1})
		}
	}
	return s
}

// Describe returns all families that an agent can export but those of its parts, the Go runtime and the process,
// sorted by name.
func (m *Metrics) Describe() []Family {
	var all []Family
	for i := range m.families {
		all = append(all, m.families[i].Family)
	}
	all = append(all, agentFamilies(m.registry)...)
	slices.SortFunc(all, func(a, b Family) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func agentFamilies(r *prometheus.Registry) []Family {
	registered, err := r.Gather()
	if err != nil {
		panic("metrics: " + err.Error()) // the agent's own collectors contradict each other
	}
	var all []Family
	for _, mf := range registered {
		if !strings.HasPrefix(mf.GetName(), prefix) {
			continue
		}
		f := Family{Name: mf.GetName(), Type: Type(strings.ToLower(mf.GetType().String())), Unit: unitOf(mf.GetName()), Help: mf.GetHelp()}
		for _, pair := range mf.Metric[0].Label {
			f.Labels = append(f.Labels, pair.GetName())
		}
		all = append(all, f)
	}
	return all
}
