package metrics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Apply makes the series exactly those of channels and of the channels that this host serves. A touchpoint with the
// key of an earlier one goes on counting; the series of those that are gone vanish.
func (m *Metrics) Apply(channels []*probe.Channel, serves []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.set.Load()
	next := &set{
		channels: slices.Clone(channels), serves: slices.Clone(serves), byKey: make(map[key]*touchpoint),
		fleet: old.fleet, parts: old.parts, readings: old.readings,
	}
	slices.Sort(next.serves)
	slices.SortFunc(next.channels, byName)

	wanted := touchpointsOf(next.channels)
	m.budget.take(m.channelSeries(next) - m.channelSeries(old))
	m.retire(old, wanted)
	for _, tp := range wanted {
		if t := m.adopt(old.byKey[keyOf(tp)], tp); t != nil {
			next.touchpoints = append(next.touchpoints, t)
			next.byKey[keyOf(tp)] = t
		}
	}
	m.set.Store(next)
}

// touchpointsOf returns all touchpoints, sorted.
func touchpointsOf(channels []*probe.Channel) []*probe.Touchpoint {
	var all []*probe.Touchpoint
	for _, channel := range channels {
		all = append(all, channel.Touchpoints...)
	}
	slices.SortFunc(all, func(a, b *probe.Touchpoint) int {
		return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Name, b.Name))
	})
	return all
}

// retire ends the touchpoints that are not wanted any more and gives back their series.
func (m *Metrics) retire(old *set, wanted []*probe.Touchpoint) {
	keep := make(map[key]bool, len(wanted))
	for _, tp := range wanted {
		keep[keyOf(tp)] = true
	}
	for k, t := range old.byKey {
		if keep[k] {
			continue
		}
		t.mu.Lock()
		t.retired = true
		m.budget.take(-t.layout.series.Classic - len(t.causes))
		t.mu.Unlock()
	}
}

// adopt returns the state of tp: t, which may be nil, when there was one, and nil when there is no room for it.
func (m *Metrics) adopt(t *touchpoint, tp *probe.Touchpoint) *touchpoint {
	l := m.layoutOf(&tp.Profile)
	if t != nil {
		m.budget.take(l.series.Classic - t.layout.series.Classic)
		t.define(tp, m.infoOf(tp, t.info), l)
		return t
	}
	if !m.budget.admit(l.series.Classic) {
		m.reject(l.series.Classic)
		return nil
	}
	return newTouchpoint(tp, m.infoOf(tp, nil), l)
}

// layoutOf returns the one layout of all touchpoints with such a profile.
func (m *Metrics) layoutOf(profile *probe.Profile) *layout {
	signature := fmt.Sprintf("%d %q %q", profile.Phases, profile.Metrics, profile.Values)
	l := m.layouts[signature]
	if l == nil {
		l = m.newLayout(profile)
		m.layouts[signature] = l
	}
	return l
}

// channelSeries counts the series of channels, of what this host serves and of the fleet.
func (m *Metrics) channelSeries(s *set) int {
	return m.countSeries(&set{channels: s.channels, serves: s.serves, fleet: s.fleet}).Classic
}

func keyOf(tp *probe.Touchpoint) key { return key{tp.Channel, tp.Name} }
