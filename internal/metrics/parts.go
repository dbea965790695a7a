package metrics

import (
	"slices"
	"strings"
)

// Reading is one value of one metric of a part of the agent that keeps its own books, such as the host's collectors.
type Reading struct {
	Name         string // without the channelwatch_ prefix
	Help         string
	Type         Type // Gauge, Counter or Histogram
	Labels       []Label
	Value        float64       // of a Gauge or Counter
	Distribution *Distribution // of a Histogram, nil of others
}

// Label is one label of a reading or of a series.
type Label struct {
	Name  string
	Value string
}

// readings holds the readings of one metric.
type readings struct {
	family Family
	rows   []row
}

// row is one series of readings.
type row struct {
	labels []label
	value  float64
	of     *Distribution // nil: the value counts
}

func (r *readings) collect(out sink) {
	for _, row := range r.rows {
		if row.of != nil {
			out.distribution(row.labels, row.of)
		} else {
			out.row(row.labels, row.value)
		}
		if !out.proceed() {
			return
		}
	}
}

// SetPart replaces the readings of a part, of none when the part is new; without readings the part is gone. Those of one
// name must agree in type and help, differ in labels and be of one part. When there is no room for all, the last of them
// are refused, but never more than were there before.
func (m *Metrics) SetPart(part string, all []Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.set.Load()
	taken := m.admitPart(all, old.parts[part])
	if refused := seriesOfReadings(all[taken:]); refused > 0 {
		m.reject(refused)
	}
	next := *old
	next.parts = make(map[string][]readings, len(old.parts)+1)
	next.readings = m.byFamily(all[:taken])
	next.parts[part] = next.readings
	for name, of := range old.parts {
		if name != part {
			next.parts[name] = of
			next.readings = append(slices.Clip(next.readings), of...)
		}
	}
	slices.SortFunc(next.readings, func(a, b readings) int { return strings.Compare(a.family.Name, b.family.Name) })
	m.set.Store(&next)
}

// admitPart takes the series of a part from the budget instead of those that it had, and returns how many of its readings
// there is room for.
func (m *Metrics) admitPart(all []Reading, old []readings) int {
	had, taken, used := 0, 0, 0
	for _, r := range old {
		for _, row := range r.rows {
			had += row.of.series()
		}
	}
	for taken < len(all) {
		n := all[taken].Distribution.series()
		if more := used + n - max(had, used); more > 0 && !m.budget.admit(more) {
			break
		}
		used += n
		taken++
	}
	m.budget.take(min(used-had, 0))
	return taken
}

// byFamily groups readings by their names.
func (m *Metrics) byFamily(all []Reading) []readings {
	at := make(map[string]int)
	var families []readings
	for i := range all {
		r := &all[i]
		n, seen := at[r.Name]
		if !seen {
			n = len(families)
			at[r.Name] = n
			families = append(families, readings{family: Family{Name: prefix + r.Name, Type: r.Type, Unit: unitOf(r.Name), Help: r.Help}})
		}
		labels := slices.Clone(m.constant)
		for _, l := range r.Labels {
			// The kernel's names are bytes; one that is not UTF-8 would cost Prometheus the whole scrape.
			labels = append(labels, label{l.Name, strings.ToValidUTF8(l.Value, "\uFFFD")})
		}
		families[n].rows = append(families[n].rows, row{sortLabels(labels), r.Value, r.Distribution})
	}
	return families
}
