package metrics

import "github.com/channelwatch/channelwatch/internal/probe"

// Series is a number of series in each form that Prometheus can store: a native histogram is one, a classic one has
// one for each bucket, one for the sum and one for the count.
type Series struct {
	Native  int
	Classic int
}

func (s Series) plus(o Series) Series { return Series{s.Native + o.Native, s.Classic + o.Classic} }

// Prediction is the exact number of series before anything is probed. At rest means that every touchpoint has
// measured all that it declares and never was below good; Most means that every check has been a cause.
type Prediction struct {
	Touchpoints []TouchpointSeries // sorted by channel and name
	Channels    Series             // of the channels themselves, of what the host serves and of the fleet
	Agent       Series             // of the agent itself, its process and runtime; not of the readings of its parts
	Rest        Series             // all together
	Most        Series             // all together
}

// TouchpointSeries is the number of series of one touchpoint.
type TouchpointSeries struct {
	Touchpoint *probe.Touchpoint
	Rest       Series
	Most       Series
}

// Predict returns the number of series that Apply with the same arguments leads to, with what SetShard has set.
func (m *Metrics) Predict(channels []*probe.Channel, serves []string) (Prediction, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := Prediction{Channels: m.countSeries(&set{channels: channels, serves: serves, fleet: m.set.Load().fleet})}
	agent, err := m.registry.Gather()
	if err != nil {
		return p, err
	}
	for _, mf := range agent {
		p.Agent = p.Agent.plus(seriesOf(mf))
	}
	p.Rest = p.Channels.plus(p.Agent)
	p.Most = p.Rest
	causes := make(map[string]int)
	for _, tp := range touchpointsOf(channels) {
		if _, ok := causes[tp.Kind]; !ok {
			for _, check := range m.catalogue.KindChecks(tp.Kind) {
				causes[tp.Kind] += len(experiences(check))
			}
		}
		rest := m.layoutOf(&tp.Profile).series
		most := rest.plus(Series{causes[tp.Kind], causes[tp.Kind]})
		p.Touchpoints = append(p.Touchpoints, TouchpointSeries{tp, rest, most})
		p.Rest, p.Most = p.Rest.plus(rest), p.Most.plus(most)
	}
	return p, nil
}

// countSeries counts the series of s as a scrape would show them, without readings.
func (m *Metrics) countSeries(s *set) Series {
	var out counter
	for i := range m.families {
		m.families[i].collect(&out, s)
	}
	return Series(out)
}

// counter is the sink that only counts.
type counter Series

func (c *counter) open(*Family) {}

func (c *counter) sample(*shape, *touchpoint, float64) { c.row(nil, 0) }

func (c *counter) summary(*summaryShape, *touchpoint, float64, uint64) {
	c.Native += 2
	c.Classic += 2
}

func (c *counter) histogram(s *histogramShape, _ *touchpoint, _ *histogram) {
	c.Native++
	c.Classic += len(s.buckets) + 2
}

func (c *counter) info(*info) { c.row(nil, 1) }

func (c *counter) row([]label, float64) {
	c.Native++
	c.Classic++
}

func (c *counter) proceed() bool { return true }
