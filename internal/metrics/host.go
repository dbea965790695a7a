package metrics

import (
	"slices"
	"strings"
)

// Reading is one value of one metric of the host.
type Reading struct {
	Name   string // without the channelwatch_ prefix
	Help   string
	Type   Type // Gauge or Counter
	Labels []Label
	Value  float64
}

// Label is one label of a host reading.
type Label struct {
	Name  string
	Value string
}

// hostFamily holds the readings of one metric of the host.
type hostFamily struct {
	family Family
	rows   []hostRow
}

type hostRow struct {
	labels []label
	value  float64
}

// SetHost replaces the readings of the host. Those of one name must agree in type and help and differ in labels.
// When there is no room for all, the last of them are refused, but never more than were there before.
func (m *Metrics) SetHost(readings []Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := *m.set.Load()
	before := 0
	for _, f := range next.host {
		before += len(f.rows)
	}
	taken := min(before, len(readings))
	for taken < len(readings) && m.budget.admit(1) {
		taken++
	}
	if refused := len(readings) - taken; refused > 0 {
		m.reject(refused)
	}
	m.budget.take(min(len(readings)-before, 0))
	next.host = m.hostFamilies(readings[:taken])
	m.set.Store(&next)
}

func (m *Metrics) hostFamilies(readings []Reading) []hostFamily {
	at := make(map[string]int)
	var families []hostFamily
	for i := range readings {
		r := &readings[i]
		n, seen := at[r.Name]
		if !seen {
			n = len(families)
			at[r.Name] = n
			families = append(families, hostFamily{family: Family{Name: prefix + r.Name, Type: r.Type, Unit: unitOf(r.Name), Help: r.Help}})
		}
		labels := slices.Clone(m.constant)
		for _, l := range r.Labels {
			// The kernel's names are bytes; one that is not UTF-8 would cost Prometheus the whole scrape.
			labels = append(labels, label{l.Name, strings.ToValidUTF8(l.Value, "\uFFFD")})
		}
		families[n].rows = append(families[n].rows, hostRow{sortLabels(labels), r.Value})
	}
	slices.SortFunc(families, func(a, b hostFamily) int { return strings.Compare(a.family.Name, b.family.Name) })
	return families
}
