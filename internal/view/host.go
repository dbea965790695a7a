package view

import (
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// hosts asks how the hosts that serve a channel were, on the time axis of its timeline. Each point is the worst since
// the one before.
func (a *asker) hosts(g grid, channel string, until time.Time, pressure, saturated *[]query.Series) {
	serves := " and on (instance) " + selector([]string{"channelwatch_host_serves_channel"}, is("channel", channel)...) + ")"
	x, since := axisUntil(until, g.length, g.cell), "["+shortOf(g.cell)+"])"
	a.over("the pressure on hosts",
		"max by (instance, resource) (max_over_time(instance_resource:channelwatch_host_pressure:ratio5m"+since+serves, x, pressure)
	a.over("the hosts under pressure",
		"max by (instance) (max_over_time(instance:channelwatch_host_saturated:bool"+since+serves+" == 1", x, saturated)
}

// readHosts joins the answers, in the order of the hosts' names.
func readHosts(instances []string, g grid, pressure, saturated []query.Series) []Host {
	hosts := make([]Host, len(instances))
	for i, instance := range instances {
		hosts[i].Instance = instance
	}
	find := func(s query.Series) *Host {
		if i, ok := slices.BinarySearch(instances, s.Labels["instance"]); ok {
			return &hosts[i]
		}
		return &Host{} // it does not serve the channel any more
	}
	for _, s := range pressure {
		switch h := find(s); s.Labels["resource"] {
		case "cpu":
			h.CPU = pointsOf(s)
		case "memory":
			h.Memory = pointsOf(s)
		case "io":
			h.IO = pointsOf(s)
		}
	}
	for _, s := range saturated {
		find(s).Saturated = stretches(s.Points, g.cell)
	}
	return hosts
}

// stretches joins points that each stand for the time since the one before.
func stretches(points []query.Point, step time.Duration) []Stretch {
	var all []Stretch
	for _, p := range points {
		s := Stretch{From: p.Time().Add(-step).UTC(), Until: p.Time().UTC()}
		if n := len(all); n > 0 && all[n-1].Until.Equal(s.From) {
			all[n-1].Until = s.Until
		} else {
			all = append(all, s)
		}
	}
	return all
}

// within returns the parts of stretches between two times.
func within(all []Stretch, from, until time.Time) []Stretch {
	var kept []Stretch
	for _, s := range all {
		if s.From.Before(from) {
			s.From = from
		}
		if s.Until.After(until) {
			s.Until = until
		}
		if s.From.Before(s.Until) {
			kept = append(kept, s)
		}
	}
	return kept
}
