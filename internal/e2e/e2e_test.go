package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The channels that the script makes poor.
func poorChannels() []string { return []string{"desktop-web", "mobile-app", "mobile-web"} }

// play is everything that the end-to-end test runs.
type play struct {
	t            *testing.T
	stage        *stage
	agent        *running
	inbox        *inbox
	prometheus   *client
	alertmanager *client
}

// TestEndToEnd plays a sequence of faults: a quiet shop, trouble in three of its channels, a restart of the agent in
// the middle of it, and quiet again; in the end the agent goes away for good.
func TestEndToEnd(t *testing.T) {
	p := &play{t: t, stage: openShop(t), inbox: newInbox(t)}
	p.agent = startAgent(t, p.stage, "127.0.0.1:0")
	p.prometheus, p.alertmanager = startStack(t, p.agent.Addr(), p.inbox)
	channels := p.agent.config.Channels

	p.waitForResults(3)
	compare(p.prometheus, channels, settled(p.prometheus), exact)

	p.stage.beginTrouble()
	for _, channel := range poorChannels() {
		p.waitForPoor(channel)
	}
	compare(p.prometheus, channels, settled(p.prometheus), exact)
	p.checkInhibition()

	p.agent.stop(t)
	p.agent = startAgent(t, p.stage, p.agent.Addr())
	p.waitForResults(3)
	compare(p.prometheus, channels, settled(p.prometheus), estimate)

	p.stage.endTrouble()
	for _, channel := range poorChannels() {
		p.waitForEnd(channel)
	}
	p.checkScript()

	p.agent.stop(t)
	eventually(t, "the operators to hear that the agent is gone", func() string {
		if _, absent := p.inbox.holding("AgentAbsent", "", "firing"); absent == nil {
			return "no message"
		}
		return ""
	})
}

// estimate is by how many points a score may be off while a restart of the agent is in its window: increase(), which
// the rules have to use then, extrapolates to the ends of the window.
const estimate = 1

// waitForResults waits until Prometheus has seen n results of each touchpoint of the running agent, of which the first
// may have come before it watched.
func (p *play) waitForResults(n float64) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%v results of each touchpoint", n), func() string {
		seen := p.prometheus.values(0, "sum by (channel, touchpoint) (channelwatch_experience_total)", "channel", "touchpoint")
		var missing []string
		for _, tp := range p.agent.config.Touchpoints() {
			if seen[tp.Key()] < n {
				missing = append(missing, tp.Key())
			}
		}
		return strings.Join(missing, ", ")
	})
}

// waitForPoor waits until both sides of a channel are told that it is poor, and reads what they are told.
func (p *play) waitForPoor(channel string) {
	p.t.Helper()
	var told *alert
	eventually(p.t, channel+" to be called poor", func() string {
		if _, told = p.inbox.holding("ChannelPoor", channel, "firing"); told == nil {
			return fmt.Sprint("no message; scores: ", p.prometheus.values(0, "channel:channelwatch_score:5m", "channel"))
		}
		return ""
	})
	title := p.agent.channel(p.t, channel).Title
	for name, want := range map[string]string{
		"summary":         title + " is poor",
		"owner_it":        "it@shop.example",
		"owner_marketing": "marketing@shop.example",
	} {
		if got := told.Annotations[name]; got != want {
			p.t.Errorf("annotation %s of %s is %q, want %q", name, channel, got, want)
		}
	}
	p.checkSentences(channel, title, told)
}

// checkSentences checks that an alert explains itself to each side with the sentence of the same cause, one that the
// channel loses points to.
func (p *play) checkSentences(channel, title string, told *alert) {
	p.t.Helper()
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		p.t.Fatal(err)
	}
	causes := slices.Collect(maps.Keys(p.prometheus.values(0,
		`channel_cause:channelwatch_points_lost:5m{channel="`+channel+`", cause!="weakest_touchpoint"}`, "cause")))
	explained := slices.ContainsFunc(causes, func(cause string) bool {
		check, known := catalogue.Check(probe.CheckID(cause))
		return known &&
			told.Annotations["marketing"] == "Fewer than half of our customers' visits to "+title+" are good right now. "+check.Marketing &&
			strings.HasPrefix(told.Annotations["it"], "Score of channel "+channel+" over 5 minutes: ") &&
			strings.Contains(told.Annotations["it"], ". "+check.Title+" takes ") &&
			strings.HasSuffix(told.Annotations["it"], " points. "+check.IT)
	})
	if !explained {
		p.t.Errorf("annotations of %s: %q, want the sentences of one of the causes %q", channel, told.Annotations, causes)
	}
}

// checkInhibition checks that nobody is told of the touchpoints of a channel while the whole channel is poor.
func (p *play) checkInhibition() {
	p.t.Helper()
	var down []struct {
		Labels map[string]string
		Status struct {
			State       string
			InhibitedBy []string
		}
	}
	want := []string{"desktop-web/search", "mobile-app/login", "mobile-web/search"}
	eventually(p.t, "the alerts of touchpoints that are down", func() string {
		p.alertmanager.get("/api/v2/alerts?filter=alertname%3D%22TouchpointDown%22", &down)
		var got []string
		for _, a := range down {
			if a.Status.State == "suppressed" && len(a.Status.InhibitedBy) > 0 {
				got = append(got, a.Labels["channel"]+"/"+a.Labels["touchpoint"])
			}
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			return ""
		}
		return fmt.Sprintf("inhibited are %q, want %q", got, want)
	})
}

// waitForEnd waits until both sides of a channel are told that it is over, and checks that they were told once.
func (p *play) waitForEnd(channel string) {
	p.t.Helper()
	eventually(p.t, channel+" to recover", func() string {
		if _, over := p.inbox.holding("ChannelPoor", channel, "resolved"); over == nil {
			return fmt.Sprint("no message; scores: ", p.prometheus.values(0, "channel:channelwatch_score:5m", "channel"))
		}
		return ""
	})
	told, _ := p.inbox.holding("ChannelPoor", channel, "firing")
	if len(told) != 1 {
		p.t.Errorf("%d messages say that %s is poor, want 1: %+v", len(told), channel, told)
	}
	for _, m := range told {
		if slices.ContainsFunc(m.Alerts, func(a alert) bool { return a.Labels["alertname"] == "TouchpointDown" && a.Status == "firing" }) {
			p.t.Errorf("the message that %s is poor also tells of a touchpoint that is down: %+v", channel, m)
		}
		if m.GroupLabels["channel"] != channel || m.Receiver != "both" {
			p.t.Errorf("the message that %s is poor is for %q, grouped by %v, want both and the channel", channel, m.Receiver, m.GroupLabels)
		}
	}
}

// notice is how long after its start a probe notices, at the latest, that trouble began or ended.
const notice = time.Second

// checkScript checks that what was counted is what the script did: the touchpoints that it hits have its causes, as
// often as they were probed during trouble, and nobody else has any.
func (p *play) checkScript() {
	p.t.Helper()
	at := settled(p.prometheus)
	counted := count(p.prometheus, at)
	starts := p.starts(at)
	hits := p.stage.hits()
	if len(hits) != 5 {
		p.t.Fatalf("the script hits %v, want 5 touchpoints", hits)
	}
	for _, tp := range p.agent.config.Touchpoints() {
		key, cause := tp.Key(), string(hits[tp.Key()])
		faulty := counted.sum(key, func(e explanation) bool { return e.cause == cause && cause != "" })
		other := counted.sum(key, func(e explanation) bool {
			return e.cause != cause && (e.rating == "poor" || e.rating == "fair") && e.dimension != "fast" // a busy machine may be slow
		})
		starved := int(counted.sum(key, func(e explanation) bool { return e.cause == string(probe.AgentStarved) })) // unknown instead
		least, most := -starved, 0
		for _, start := range starts[key] {
			if cause != "" && !start.Before(p.stage.from) && start.Add(notice).Before(p.stage.until) {
				least++
			}
			if cause != "" && start.Add(notice).After(p.stage.from) && start.Before(p.stage.until) {
				most++
			}
		}
		if other != 0 || faulty < float64(least) || faulty > float64(most) || cause != "" && most < 5 {
			p.t.Errorf("%s: %v results because of %q and %v because of others, want between %d and %d and none: %v",
				key, faulty, cause, other, least, most, counted[key])
		}
	}
	if unknown := counted["smart-tv/start"][explanation{"unknown", "", "not_measured"}]; unknown < 5 {
		p.t.Errorf("smart-tv/start: %v results that could not be measured, want at least 5: %v", unknown, counted["smart-tv/start"])
	}
}

// starts returns when the probes of each touchpoint began whose results were counted while Prometheus watched. A result
// that stood at the first scrape was counted before.
func (p *play) starts(at int64) map[string][]time.Time {
	p.t.Helper()
	starts := make(map[string][]time.Time)
	for _, s := range p.prometheus.query(at, "channelwatch_probe_last_timestamp_seconds[5m]") {
		last := 0.0
		for _, point := range s.Values {
			if point.value != last {
				starts[keyOf(s)] = append(starts[keyOf(s)], time.UnixMilli(int64(point.value*1000+0.5)))
			}
			last = point.value
		}
	}
	return starts
}
