package e2e_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// explanation is what experience_total counts results by.
type explanation struct{ rating, dimension, cause string }

// tally is how many results each touchpoint had by explanation.
type tally map[string]map[explanation]float64

// count adds up what the raw counters gained from scrape to scrape in the five minutes before a time. A counter that
// is missing stands at zero: it has not struck yet, or the agent began anew.
func count(c *client, at int64) tally {
	c.t.Helper()
	raw := c.query(at, "channelwatch_experience_total[5m]")
	scrapes := make(map[string][]point) // the counter of excellent results is there from the first scrape
	for _, s := range raw {
		if s.Metric["rating"] == "excellent" {
			scrapes[keyOf(s)] = s.Values
		}
	}
	counted := make(tally)
	for _, s := range raw {
		key := keyOf(s)
		if counted[key] == nil {
			counted[key] = make(map[explanation]float64)
		}
		before, gained := math.NaN(), 0.0
		for _, scrape := range scrapes[key] {
			now := 0.0
			if i := slices.IndexFunc(s.Values, func(p point) bool { return p.at == scrape.at }); i >= 0 {
				now = s.Values[i].value
			}
			switch {
			case now >= before:
				gained += now - before
			case now < before:
				gained += now
			}
			before = now
		}
		counted[key][explanation{s.Metric["rating"], s.Metric["dimension"], s.Metric["cause"]}] = gained
	}
	return counted
}

func keyOf(s series) string { return s.Metric["channel"] + "/" + s.Metric["touchpoint"] }

// sum adds up what is counted of a touchpoint under the explanations that match.
func (t tally) sum(key string, match func(explanation) bool) float64 {
	total := 0.0
	for e, n := range t[key] {
		if match(e) {
			total += n
		}
	}
	return total
}

// figures are what the rules say of a channel or of a touchpoint.
type figures struct {
	unseen    bool    // there was no result at all
	unknown   float64 // share of results that could not be measured
	measured  bool    // there were others; score, up and lost are theirs
	score, up float64
	lost      map[string]float64 // by dimension and cause, joined by a slash
}

// rating is the code of the band that the figures fall in.
func (f *figures) rating() float64 {
	switch {
	case !f.measured || f.unknown > 0.4:
		return 0
	case f.score >= 90:
		return 4
	case f.score >= 75:
		return 3
	case f.score >= 50:
		return 2
	}
	return 1
}

// gap is what an uptime monitor would not see.
func (f *figures) gap() float64 { return max(f.up-f.score, 0) }

// touchpointByHand works out the figures of a touchpoint as the model says: the score is the share of results that
// were excellent or good among those that were measured, and each of the others is lost to its cause.
func touchpointByHand(tp *probe.Touchpoint, t tally) figures {
	f := figures{lost: make(map[string]float64)}
	all := t.sum(tp.Key(), func(explanation) bool { return true })
	unknown := t.sum(tp.Key(), func(e explanation) bool { return e.rating == "unknown" })
	good := t.sum(tp.Key(), func(e explanation) bool { return e.rating == "excellent" || e.rating == "good" })
	f.unseen = all == 0
	if !f.unseen {
		f.unknown = unknown / all
	}
	f.measured = all > unknown
	if !f.measured {
		return f
	}
	measured := all - unknown
	f.score, f.up = 100*good/measured, 100
	for e, n := range t[tp.Key()] {
		if n > 0 && (e.rating == "fair" || e.rating == "poor") {
			f.lost[e.dimension+"/"+e.cause] += 100 * n / measured
			if e.dimension == "reachable" {
				f.up -= 100 * n / measured
			}
		}
	}
	return f
}

// channelByHand works out the figures of a channel: the mean of its touchpoints by weight, and at most 20 above the
// weakest critical one.
func channelByHand(channel *probe.Channel, t tally) figures {
	f := figures{unseen: true, lost: make(map[string]float64)}
	var seen, measured float64 // weights
	highest := math.Inf(1)
	for _, tp := range channel.Touchpoints {
		part := touchpointByHand(tp, t)
		if !part.unseen {
			f.unseen = false
			seen += tp.Weight
			f.unknown += tp.Weight * part.unknown
		}
		if !part.measured {
			continue
		}
		f.measured = true
		measured += tp.Weight
		f.score += tp.Weight * part.score
		f.up += tp.Weight * part.up
		for cause, points := range part.lost {
			f.lost[cause] += tp.Weight * points
		}
		if tp.Tier == probe.Critical {
			highest = min(highest, part.score+20)
		}
	}
	f.unknown /= max(seen, math.SmallestNonzeroFloat64)
	if !f.measured {
		return f
	}
	f.score /= measured
	f.up /= measured
	for cause := range f.lost {
		f.lost[cause] /= measured
	}
	if f.score > highest {
		f.lost["/weakest_touchpoint"] = f.score - highest
		f.score = highest
	}
	return f
}

// settled waits for the next evaluation of the rules that has seen every scrape before it, and returns its time: a
// scrape that had begun but not ended is not in the result, though its samples carry an earlier time.
func settled(c *client) (at int64) {
	c.t.Helper()
	asked := time.Now().UnixMilli()
	eventually(c.t, "an evaluation that no scrape overlaps", func() string {
		evaluations := c.query(0, `channel:channelwatch_rating:5m{channel="push"}[1m]`)
		scrapes := c.query(0, "scrape_duration_seconds[1m]")
		if len(evaluations) != 1 || len(scrapes) != 1 {
			return "there is none yet"
		}
		for _, evaluation := range slices.Backward(evaluations[0].Values) {
			last := point{}
			for _, scrape := range scrapes[0].Values {
				if scrape.at <= evaluation.at {
					last = scrape
				}
			}
			if ended := last.at + int64(last.value*1000); evaluation.at >= asked && ended+200 <= evaluation.at {
				at = evaluation.at
				return ""
			}
		}
		return "all overlap"
	})
	return at
}

// compare compares what the rules recorded at a time with the figures by hand. The points that are lost and the score
// must be 100 together whatever the tolerance.
func compare(c *client, channels []*probe.Channel, at int64, tolerance float64) {
	c.t.Helper()
	counted := count(c, at)
	byHand := make(map[string]figures)
	for _, channel := range channels {
		byHand[channel.Name] = channelByHand(channel, counted)
	}
	compareLevel(c, "channel", []string{"channel"}, byHand, at, tolerance)
	byHand = make(map[string]figures)
	for _, channel := range channels {
		for _, tp := range channel.Touchpoints {
			byHand[tp.Key()] = touchpointByHand(tp, counted)
		}
	}
	compareLevel(c, "touchpoint", []string{"channel", "touchpoint"}, byHand, at, tolerance)
}

func compareLevel(c *client, level string, labels []string, byHand map[string]figures, at int64, tolerance float64) {
	c.t.Helper()
	recorded := func(name string, labels ...string) map[string]float64 {
		return c.values(at, level+":channelwatch_"+name, labels...)
	}
	lost := c.values(at, level+"_cause:channelwatch_points_lost:5m", append(slices.Clone(labels), "dimension", "cause")...)
	want := map[string]map[string]float64{"score:5m": {}, "up:5m": {}, "gap:5m": {}, "unknown:ratio5m": {}, "rating:5m": {}}
	wantLost := make(map[string]float64)
	for name, f := range byHand {
		want["rating:5m"][name] = f.rating()
		if !f.unseen {
			want["unknown:ratio5m"][name] = f.unknown
		}
		if !f.measured {
			continue
		}
		want["score:5m"][name], want["up:5m"][name], want["gap:5m"][name] = f.score, f.up, f.gap()
		for cause, points := range f.lost {
			wantLost[name+"/"+cause] = points
		}
	}
	if level == "touchpoint" {
		delete(want, "gap:5m") // touchpoints have none
	}
	for name, values := range want {
		margin := tolerance
		if name == "rating:5m" && tolerance > exact {
			continue // may stand on either side of a bound
		}
		same(c.t, level+":channelwatch_"+name, recorded(name, labels...), values, margin)
	}
	same(c.t, level+"_cause:channelwatch_points_lost:5m", lost, wantLost, tolerance)
	for name, score := range recorded("score:5m", labels...) {
		total := score
		for key, points := range lost {
			if strings.HasPrefix(key, name+"/") && strings.Count(key, "/") == len(labels)+1 {
				total += points
			}
		}
		if math.Abs(total-100) > exact {
			c.t.Errorf("%s %s: score %v and points lost are %v together, want 100", level, name, score, total)
		}
	}
}

// exact is the tolerance of figures that need no estimate.
const exact = 1e-9

// same compares values by name.
func same(t *testing.T, what string, got, want map[string]float64, tolerance float64) {
	t.Helper()
	for name, value := range want {
		if g, ok := got[name]; !ok || math.Abs(g-value) > tolerance {
			t.Errorf("%s of %s: recorded %v (present %v), by hand %v", what, name, g, ok, value)
		}
	}
	for name, value := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s of %s: recorded %v, by hand there is none", what, name, value)
		}
	}
}
