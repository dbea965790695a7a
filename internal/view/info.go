package view

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// info is what the agents export of the configuration of channels and touchpoints.
type info struct {
	channels    map[string]Channel
	touchpoints map[subject]Touchpoint
	objectives  map[string]*objective
	hosts       map[string][]string // instances that serve each channel, in order
}

// objective is what the owners of a channel agreed on.
type objective struct{ ratio, window, review float64 }

// channelInfo and touchpointInfo name the series of info.
func channelInfo() []string {
	return []string{
		"channelwatch_channel_info", "channelwatch_channel_objective_ratio", "channelwatch_channel_objective_window_seconds",
		"channelwatch_channel_objective_review_timestamp_seconds", "channelwatch_host_serves_channel",
		"channelwatch_channel_configured",
	}
}

func touchpointInfo() []string {
	return []string{"channelwatch_touchpoint_info", "channelwatch_touchpoint_weight", "channelwatch_touchpoint_interval_seconds"}
}

func (a *asker) info(at time.Time, names, matchers []string, into *[]query.Series) {
	a.at("the channels", selector(names, matchers...), at, into)
}

// readInfo joins what several agents say of the same channel. Where they differ, because one of them has not loaded the
// newest configuration yet, the least text and the greatest number count, whatever the order of the answer.
func readInfo(answer []query.Series) info {
	slices.SortStableFunc(answer, func(a, b query.Series) int { return cmp.Compare(source(a.Labels), source(b.Labels)) })
	all := info{make(map[string]Channel), make(map[subject]Touchpoint), make(map[string]*objective), make(map[string][]string)}
	for _, s := range answer {
		switch name := s.Labels["__name__"]; {
		case name == "channelwatch_channel_info":
			all.addChannel(s.Labels)
		case name == "channelwatch_channel_configured":
			all.addConfigured(s.Labels)
		case name == "channelwatch_host_serves_channel":
			all.addHost(s.Labels)
		case name == "channelwatch_touchpoint_info":
			all.addTouchpoint(s.Labels)
		case strings.HasPrefix(name, "channelwatch_touchpoint_"):
			all.addNumber(name, s)
		default:
			all.addObjective(name, s)
		}
	}
	return all
}

// addConfigured adds a channel that an agent knows, whether anybody probes it or not.
func (all *info) addConfigured(labels map[string]string) {
	if _, ok := all.channels[labels["channel"]]; !ok {
		all.channels[labels["channel"]] = Channel{
			Name: labels["channel"], Title: cmp.Or(labels["title"], labels["channel"]), Type: string(probe.Custom), Orphan: true,
			OwnerIT: labels["owner_it"], OwnerMarketing: labels["owner_marketing"],
		}
	}
}

// addChannel adds a channel that an agent probes.
func (all *info) addChannel(labels map[string]string) {
	if c, ok := all.channels[labels["channel"]]; ok && !c.Orphan {
		return
	}
	all.channels[labels["channel"]] = Channel{
		Name: labels["channel"], Title: cmp.Or(labels["title"], labels["channel"]), Type: labels["type"],
		OwnerIT: labels["owner_it"], OwnerMarketing: labels["owner_marketing"],
	}
}

func (all *info) addHost(labels map[string]string) {
	instances := all.hosts[labels["channel"]]
	if i, found := slices.BinarySearch(instances, labels["instance"]); !found {
		all.hosts[labels["channel"]] = slices.Insert(instances, i, labels["instance"])
	}
}

func (all *info) addTouchpoint(labels map[string]string) {
	key := subject{labels["channel"], labels["touchpoint"]}
	tp := all.touchpoints[key]
	if tp.Kind != "" {
		return
	}
	tp.Channel, tp.Name, tp.Title = key.channel, key.touchpoint, cmp.Or(labels["title"], key.touchpoint)
	tp.Kind, tp.Tier, tp.Target = labels["kind"], labels["tier"], labels["target"]
	tp.Limits = readLimits(labels)
	all.touchpoints[key] = tp
}

// readLimits reads limits as seconds in text; nil where speed is not rated.
func readLimits(labels map[string]string) *Limits {
	var limits Limits
	for label, into := range map[string]*float64{
		"limit_excellent": &limits.Excellent, "limit_good": &limits.Good, "limit_fair": &limits.Fair,
	} {
		seconds, err := strconv.ParseFloat(labels[label], 64)
		if err != nil || seconds <= 0 || math.IsInf(seconds, 0) || math.IsNaN(seconds) {
			return nil
		}
		*into = seconds
	}
	return &limits
}

func (all *info) addNumber(name string, s query.Series) {
	tp := all.touchpoints[subjectOf(s)]
	switch name {
	case "channelwatch_touchpoint_weight":
		tp.Weight = max(tp.Weight, value(s))
	case "channelwatch_touchpoint_interval_seconds":
		tp.Every = max(tp.Every, value(s))
	}
	all.touchpoints[subjectOf(s)] = tp
}

func (all *info) addObjective(name string, s query.Series) {
	channel := s.Labels["channel"]
	o := all.objectives[channel]
	if o == nil {
		o = &objective{}
		all.objectives[channel] = o
	}
	switch name {
	case "channelwatch_channel_objective_ratio":
		o.ratio = max(o.ratio, value(s))
	case "channelwatch_channel_objective_window_seconds":
		o.window = max(o.window, value(s))
	case "channelwatch_channel_objective_review_timestamp_seconds":
		o.review = max(o.review, value(s))
	}
}
