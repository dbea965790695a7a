package view_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// part is a touchpoint of the world with what it loses at each time: points by "dimension/cause". nil means that nothing
// could be measured.
type part struct {
	name   string
	tier   string
	weight float64
	lost   func(at time.Time) map[string]float64
}

// line is a channel of the world.
type line struct {
	name      string
	parts     []part
	agreement map[string]float64 // by the end of the names of recorded series
}

// world makes the series that agents and rules would have recorded, by the model as it is written down: the parts of
// each channel are scripted, everything else follows.
type world struct {
	end    time.Time               // of the last evaluation of the short rules
	begin  time.Time               // nothing was recorded before
	off    func(at time.Time) bool // nothing was recorded then either; nil for never
	series map[string]*query.Series
}

func newWorld(end time.Time, length time.Duration) *world {
	return &world{end: end, begin: end.Add(-length), series: make(map[string]*query.Series)}
}

// add adds a sample; pairs alternate labels and values.
func (w *world) add(at time.Time, value float64, name string, pairs ...string) {
	key := name + "\xff" + strings.Join(pairs, "\xff")
	s := w.series[key]
	if s == nil {
		s = &query.Series{Labels: map[string]string{"__name__": name}}
		for i := 0; i < len(pairs); i += 2 {
			s.Labels[pairs[i]] = pairs[i+1]
		}
		w.series[key] = s
	}
	s.Points = append(s.Points, query.Point{At: at.UnixMilli(), Value: value})
}

// all returns the series.
func (w *world) all() []query.Series {
	all := make([]query.Series, 0, len(w.series))
	for _, key := range slices.Sorted(maps.Keys(w.series)) {
		all = append(all, *w.series[key])
	}
	return all
}

// evaluations returns the times of a group of rules, oldest first.
func (w *world) evaluations(every, length time.Duration) []time.Time {
	var times []time.Time
	for at := w.end; !at.Before(w.begin) && w.end.Sub(at) < length; at = at.Add(-every) {
		if w.off == nil || !w.off(at) {
			times = append(times, at)
		}
	}
	slices.Reverse(times)
	return times
}

func band(score float64) float64 {
	switch {
	case score >= 90:
		return 4
	case score >= 75:
		return 3
	case score >= 50:
		return 2
	}
	return 1
}

func score(lost map[string]float64) (score, up float64) {
	score, up = 100, 100
	for _, key := range slices.Sorted(maps.Keys(lost)) {
		score -= lost[key]
		if strings.HasPrefix(key, "reachable/") {
			up -= lost[key]
		}
	}
	return score, up
}

// record records a channel through all windows, as if each window had been like its last moment.
func (w *world) record(c line) {
	for _, at := range w.evaluations(30*time.Second, 30*24*time.Hour) {
		w.window(c, "5m", at)
		w.dimensions(c, at)
	}
	for window, group := range map[string]struct{ every, length time.Duration }{
		"1h": {5 * time.Minute, 30 * 24 * time.Hour}, "1d": {5 * time.Minute, time.Hour},
		"7d": {30 * time.Minute, 3 * time.Hour}, "28d": {time.Hour, 4 * time.Hour},
	} {
		// The groups run at times of their own: the long ones have run a while ago.
		for _, at := range w.evaluations(group.every, group.length) {
			w.window(c, window, at.Add(-group.every/3).Truncate(30*time.Second))
		}
	}
	for _, at := range w.evaluations(5*time.Minute, 30*24*time.Hour) {
		w.worst(at, "channel:channelwatch_rating:5m", "channel:channelwatch_rating:min5m", c.name)
		w.worst(at, "touchpoint:channelwatch_rating:5m", "touchpoint:channelwatch_rating:min5m", c.name)
		w.worst(at, "channel_dimension:channelwatch_dimension_rating:min", "channel_dimension:channelwatch_dimension_rating:min5m", c.name)
	}
	for window, share := range map[string]float64{"1h": 1, "1d": 0.96, "7d": 0.15, "28d": 0.04} {
		w.add(w.end.Add(-150*time.Minute), 0, "channel:channelwatch_coverage:ratio"+window, "channel", c.name)
		w.add(w.end.Add(-50*time.Minute), share, "channel:channelwatch_coverage:ratio"+window, "channel", c.name)
	}
	for _, at := range w.evaluations(time.Minute, 10*time.Minute) {
		w.info(c, at)
	}
}

// worst records the worst measured rating of the last 5 minutes under another name.
func (w *world) worst(at time.Time, of, name, channel string) {
	for key, s := range maps.Clone(w.series) {
		old, rest, _ := strings.Cut(key, "\xff")
		if old != of || s.Labels["channel"] != channel {
			continue
		}
		rated, recorded := 0.0, false
		for _, p := range s.Points {
			if p.At > at.Add(-5*time.Minute).UnixMilli() && p.At <= at.UnixMilli() {
				recorded = true
				if rated == 0 || p.Value > 0 && p.Value < rated {
					rated = p.Value
				}
			}
		}
		if recorded {
			w.add(at, rated, name, strings.Split(rest, "\xff")...)
		}
	}
}

// window records a channel over one window.
func (w *world) window(c line, window string, at time.Time) {
	channel := []string{"channel", c.name}
	var weights, mean, up float64
	weakest, lost := math.Inf(1), make(map[string]float64)
	for _, p := range c.parts {
		tp := append(slices.Clone(channel), "touchpoint", p.name)
		taken := p.lost(at)
		if taken == nil {
			w.add(at, 1, "touchpoint:channelwatch_unknown:ratio"+window, tp...)
			w.add(at, 0, "touchpoint:channelwatch_rating:"+window, tp...)
			continue
		}
		s, u := score(taken)
		weights, mean, up = weights+p.weight, mean+p.weight*s, up+p.weight*u
		if p.tier == "critical" {
			weakest = min(weakest, s)
		}
		w.add(at, s, "touchpoint:channelwatch_score:"+window, tp...)
		w.add(at, u, "touchpoint:channelwatch_up:"+window, tp...)
		w.add(at, 0, "touchpoint:channelwatch_unknown:ratio"+window, tp...)
		w.add(at, band(s), "touchpoint:channelwatch_rating:"+window, tp...)
		for key, points := range taken {
			dimension, cause, _ := strings.Cut(key, "/")
			w.add(at, points, "touchpoint_cause:channelwatch_points_lost:"+window, append(tp, "dimension", dimension, "cause", cause)...)
			lost[key] += p.weight * points
		}
	}
	if weights == 0 {
		w.add(at, 1, "channel:channelwatch_unknown:ratio"+window, channel...)
		w.add(at, 0, "channel:channelwatch_rating:"+window, channel...)
		return
	}
	mean, up = mean/weights, up/weights
	s := min(mean, 20+weakest)
	for key, points := range lost {
		dimension, cause, _ := strings.Cut(key, "/")
		w.add(at, points/weights, "channel_cause:channelwatch_points_lost:"+window, append(channel, "dimension", dimension, "cause", cause)...)
	}
	if s < mean {
		w.add(at, mean-s, "channel_cause:channelwatch_points_lost:"+window, append(channel, "cause", "weakest_touchpoint")...)
	}
	w.add(at, s, "channel:channelwatch_score:"+window, channel...)
	w.add(at, up, "channel:channelwatch_up:"+window, channel...)
	w.add(at, max(up-s, 0), "channel:channelwatch_gap:"+window, channel...)
	w.add(at, 0, "channel:channelwatch_unknown:ratio"+window, channel...)
	w.add(at, band(s), "channel:channelwatch_rating:"+window, channel...)
}

// dimensions records the worst rating of each dimension by the last result, which here is as good as the score.
func (w *world) dimensions(c line, at time.Time) {
	for _, dimension := range []string{"reachable", "correct", "fast", "trusted"} {
		worst := 0.0
		for _, p := range c.parts {
			taken := p.lost(at)
			if taken == nil {
				continue
			}
			rated := 4.0
			for key, points := range taken {
				if strings.HasPrefix(key, dimension+"/") {
					rated = min(rated, band(100-points))
				}
			}
			if worst == 0 || rated < worst {
				worst = rated
			}
		}
		w.add(at, worst, "channel_dimension:channelwatch_dimension_rating:min", "channel", c.name, "dimension", dimension)
	}
}

// info exports the configuration, by two agents at different places.
func (w *world) info(c line, at time.Time) {
	title := strings.ToUpper(c.name[:1]) + c.name[1:]
	for _, place := range []string{"berlin", "athens"} {
		from := []string{"channel", c.name, "location", place, "instance", place, "job", "channelwatch"}
		w.add(at, 1, "channelwatch_channel_info", append(slices.Clone(from), "title", title, "type", "mobile_web",
			"owner_it", "it@"+c.name, "owner_marketing", "brand@"+c.name)...)
		for _, p := range c.parts {
			tp := append(slices.Clone(from), "touchpoint", p.name)
			w.add(at, 1, "channelwatch_touchpoint_info", append(slices.Clone(tp), "title", "The "+p.name, "kind", "page", "tier", p.tier,
				"target", "shop.example", "limit_excellent", "0.8", "limit_good", "1.8", "limit_fair", "4")...)
			w.add(at, p.weight, "channelwatch_touchpoint_weight", tp...)
			w.add(at, 30, "channelwatch_touchpoint_interval_seconds", tp...)
		}
		if c.agreement != nil {
			w.add(at, 0.95, "channelwatch_channel_objective_ratio", from...)
			w.add(at, (28 * 24 * time.Hour).Seconds(), "channelwatch_channel_objective_window_seconds", from...)
			w.add(at, float64(at.Add(-48*time.Hour).Truncate(24*time.Hour).Unix()), "channelwatch_channel_objective_review_timestamp_seconds", from...)
		}
	}
	for name, value := range c.agreement {
		w.add(at, value, "channel:channelwatch_agreement_"+name, "channel", c.name)
	}
}

// checks exports the sentences of checks, by two agents.
func (w *world) checks(checks map[string]string) {
	for _, at := range w.evaluations(time.Minute, 10*time.Minute) {
		for id, title := range checks {
			for _, place := range []string{"berlin", "athens"} {
				w.add(at, 1, "channelwatch_check_info", "check", id, "dimension", "fast", "title", title,
					"marketing", "Marketing about "+id+".", "it", "IT about "+id+".", "instance", place)
			}
		}
	}
}
