package rum

import (
	"slices"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Names and labels of what is told. Beacons can be forged, which "source" reminds readers of.
const (
	beaconsName = "rum_beacons_total"
	sampleName  = "rum_sample_ratio"
	droppedName = "rum_values_dropped_total"
	shiftName   = "rum_web_vital_layout_shift_ratio"
	secondsName = "rum_web_vital_seconds"

	channelLabel = "channel"
)

// Describe returns all metrics of a server, sorted by name.
func Describe() []metrics.Family {
	page := []string{channelLabel, "device", "page_group", "source"}
	return []metrics.Family{
		{
			Name: beaconsName, Type: metrics.Counter, Labels: []string{channelLabel, "outcome"}, Unit: "",
			Help: "Beacons by what became of them; accepted and stale ones were counted. Without a channel: from no listed origin.",
		},
		{Name: sampleName, Type: metrics.Gauge, Unit: "ratio", Help: "Share of page views that the served script measures."},
		{
			Name: droppedName, Type: metrics.Counter, Labels: []string{channelLabel, "why"},
			Help: "Values of accepted beacons that were not counted.",
		},
		{
			Name: shiftName, Type: metrics.Histogram, Labels: page, Unit: "ratio",
			Help: "Cumulative Layout Shift of page views in browsers of customers.",
		},
		{
			Name: secondsName, Type: metrics.Histogram, Labels: append(slices.Clone(page), "vital"), Unit: "seconds",
			Help: "Web vitals of page views in browsers of customers.",
		},
	}
}

// Readings returns what was taken in so far. The counters of beacons are there from the start, histograms once they have a
// value.
func (s *Server) Readings() []metrics.Reading {
	t := newTeller()
	for o := range firstOfApp {
		t.count(beaconsName, s.unknown[o].Load(), "", "outcome", o.String())
	}
	for _, a := range s.apps {
		for o := firstOfApp; o < numOutcomes; o++ {
			t.count(beaconsName, a.outcomes[o].Load(), a.channel, "outcome", o.String())
		}
		for d := range numDrops {
			t.count(droppedName, a.dropped[d].Load(), a.channel, "why", d.String())
		}
		a.tell(t)
	}
	t.reading(sampleName).Value = s.sample
	return t.all
}

// tell tells the histograms of a website.
func (a *app) tell(t *teller) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for at, c := range a.cells {
		if c == nil {
			continue
		}
		for i, vital := range vitals() {
			if c[i] == nil {
				continue
			}
			name, labels := secondsName, []metrics.Label{
				{Name: channelLabel, Value: a.channel},
				{Name: "device", Value: devices()[at%len(devices())]},
				{Name: "page_group", Value: a.names[at/len(devices())]},
				{Name: "source", Value: "rum"},
			}
			if vital == probe.CLS {
				name = shiftName
			} else {
				labels = append(labels, metrics.Label{Name: "vital", Value: string(vital)})
			}
			d := *c[i]
			d.Counts = slices.Clone(d.Counts)
			t.reading(name, labels...).Distribution = &d
		}
	}
}

// Series returns how many series there can be at most, a histogram counted with all of its buckets.
func (s *Server) Series() int {
	series := int(firstOfApp) + 1
	for _, a := range s.apps {
		series += int(numOutcomes-firstOfApp) + int(numDrops)
		times, shifts := len(vitals())-1, 1
		series += len(a.cells) * (times*(len(secondsBounds())+3) + shifts*(len(shiftBounds())+3))
	}
	return series
}

// teller collects readings.
type teller struct {
	families []metrics.Family
	all      []metrics.Reading
}

func newTeller() *teller { return &teller{families: Describe()} }

// reading adds a reading and returns it until the next is added.
func (t *teller) reading(name string, labels ...metrics.Label) *metrics.Reading {
	f := t.families[slices.IndexFunc(t.families, func(f metrics.Family) bool { return f.Name == name })]
	t.all = append(t.all, metrics.Reading{Name: f.Name, Help: f.Help, Type: f.Type, Labels: labels})
	return &t.all[len(t.all)-1]
}

func (t *teller) count(name string, n uint64, channel, label, value string) {
	t.reading(name, metrics.Label{Name: channelLabel, Value: channel}, metrics.Label{Name: label, Value: value}).Value = float64(n)
}
