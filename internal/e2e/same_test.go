package e2e_test

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// parity is an agent with a history of its own, whoever it tells, and a Prometheus that scrapes it.
type parity struct {
	t          *testing.T
	agent      *running
	channels   []*probe.Channel
	own        *client // the agent
	prometheus *client
	inbox      *inbox
	post       *post
}

// TestScores_AreTheSameEverywhere plays trouble to an agent with a history of its own, and compares what its rules, its
// API, its JSON, its page, its badges, the dashboards and its messages say with figures by hand, and with a Prometheus
// that scrapes it.
func TestScores_AreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	p := &parity{t: t, inbox: newInbox(t), post: newPost(t)}
	shop, gate := openShop(t), &gate{}
	p.agent = runAgent(t, shop.settings(t, "127.0.0.1:0", p.blocks(startAlertmanager(t, p.inbox))), gate)
	p.channels = p.agent.config.Channels
	p.own = newClient(t, p.agent.Addr())
	p.own.waitForHistory()
	p.prometheus = startPrometheus(t, p.agent.Addr(), "127.0.0.1:1") // it tells nobody
	p.waitForResults(0)

	gate.open.Store(true)
	p.waitForResults(2)
	shop.beginTrouble()
	for _, channel := range poorChannels() {
		p.waitForScore(channel, 50)
	}
	p.compareSurfaces()

	gate.open.Store(false)
	p.comparePrometheus()
	gate.open.Store(true)
	p.waitForMessages()
}

// blocks are the agent's further blocks: whom it tells. The message comes when the alert does.
func (p *parity) blocks(alertmanager *client) string {
	hook := writeFile(p.t, filepath.Join(p.t.TempDir(), "hook"), p.post.hook)
	return "alerting: {alertmanagers: [{static_configs: [{targets: [" + alertmanager.address() + "]}]}]}\n" +
		"notify: {group_wait: 0s, email: {smarthost: " + p.post.smarthost + ", from: channelwatch@shop.example, tls: none}, " +
		"webhooks: [{url: {file: " + hook + "}}]}"
}

// waitForResults waits until both engines have seen at least n excellent results of each touchpoint that can be measured,
// and the counters of the others.
func (p *parity) waitForResults(n float64) {
	p.t.Helper()
	for _, c := range []*client{p.own, p.prometheus} {
		eventually(p.t, fmt.Sprintf("%v results at %s", n, c.base), func() string {
			seen := c.values(0, `sum by (channel, touchpoint) (channelwatch_experience_total{rating="excellent"})`, "channel", "touchpoint")
			for _, tp := range p.agent.config.Touchpoints() {
				if got, ok := seen[tp.Key()]; !ok || got < n && tp.Kind != "unseen" {
					return fmt.Sprintf("%s has %v (present %v)", tp.Key(), got, ok)
				}
			}
			return ""
		})
	}
}

// waitForScore waits until the agent's rules have recorded a score below a bound.
func (p *parity) waitForScore(channel string, bound float64) {
	p.t.Helper()
	eventually(p.t, channel+" to be poor", func() string {
		scores := p.own.values(0, "channel:channelwatch_score:5m", "channel")
		if score, ok := scores[channel]; !ok || score >= bound {
			return fmt.Sprint("scores: ", scores)
		}
		return ""
	})
}

// compareSurfaces compares everything that shows one evaluation of the agent's own rules. When the next comes before all
// of it is read, it is read again.
func (p *parity) compareSurfaces() {
	p.t.Helper()
	var at int64
	var before, after *view.Overview
	var shown page
	var wall map[string]float64
	var badges map[string]string
	eventually(p.t, "one evaluation to be shown everywhere", func() string {
		at = settled(p.own)
		eventually(p.t, "the page to show it", func() string {
			if before = p.own.overview(); before.At.UnixMilli() < at {
				return fmt.Sprintf("it shows %v, want %v", before.At, time.UnixMilli(at).UTC())
			}
			return ""
		})
		shown, wall = p.own.page(), p.own.wall()
		badges = make(map[string]string)
		for _, c := range p.channels {
			badges[c.Name] = p.own.badge(c.Name)
		}
		if after = p.own.overview(); after.At.UnixMilli() != at {
			return fmt.Sprintf("the next came at %v", after.At)
		}
		return ""
	})
	compare(p.own, p.channels, at, exact)
	want := p.own.recorded(at, "5m")
	p.checkJSON(after, want)
	p.checkPage(after, shown)
	p.checkWall(after, wall)
	for _, c := range p.channels {
		if got, text := badges[c.Name], badgeText(want.score, c.Name); got != text {
			p.t.Errorf("the badge of %s says %q, want %q", c.Name, got, text)
		}
	}
	p.checkDashboards(at, want)
	for _, channel := range poorChannels() {
		p.checkChannelPage(channel)
	}
	p.checkAlerts()
}

// badgeText is what a badge says of a score: it never claims more than the number.
func badgeText(scores map[string]float64, channel string) string {
	score, ok := scores[channel]
	if !ok {
		return "Unknown"
	}
	bands := []string{"Unknown", "Poor", "Fair", "Good", "Excellent"}
	f := figures{measured: true, score: score}
	return bands[int(f.rating())] + " " + strconv.FormatFloat(math.Floor(score*10+1e-6)/10, 'f', -1, 64)
}

// checkJSON compares the JSON of all channels with what the rules recorded.
func (p *parity) checkJSON(o *view.Overview, want recorded) {
	p.t.Helper()
	got := now(o)
	same(p.t, "JSON: score", got.score, want.score, 0)
	same(p.t, "JSON: up", got.up, want.up, 0)
	same(p.t, "JSON: gap", got.gap, want.gap, 0)
	same(p.t, "JSON: points lost", got.lost, want.lost, 0)
	if len(got.lost) < 4 {
		p.t.Errorf("JSON: points lost to %v, want those of all faults", got.lost)
	}
	for name, score := range got.score {
		total := score
		for key, points := range got.lost {
			if strings.HasPrefix(key, name+"/") {
				total += points
			}
		}
		if math.Abs(total-100) > exact {
			p.t.Errorf("JSON: score and points lost of %s are %v together, want 100", name, total)
		}
	}
	for _, c := range o.Channels {
		for window, s := range map[string]*view.Score{"1d": c.Day, "28d": c.Month} {
			if s == nil {
				continue
			}
			of := p.own.recorded(s.At.UnixMilli(), window)
			if s.Score != of.score[c.Name] || s.Up != of.up[c.Name] || s.Gap != of.gap[c.Name] {
				p.t.Errorf("JSON: %s over %s is %+v, recorded are score %v, up %v, gap %v",
					c.Name, window, s, of.score[c.Name], of.up[c.Name], of.gap[c.Name])
			}
		}
	}
}

// checkPage compares the page with the JSON that was read around it.
func (p *parity) checkPage(o *view.Overview, shown page) {
	p.t.Helper()
	wantLost := make(map[string]float64)
	for _, c := range o.Channels {
		want := make(map[string]float64)
		for label, s := range map[string]*view.Score{"now": c.Now, "24 h": c.Day, "28 d": c.Month} {
			if _, said := shown.scores[c.Name][label]; s != nil && (said || !s.Early) { // early ones may be told in words
				want[label] = s.Score
			}
		}
		same(p.t, "page: "+c.Name, shown.scores[c.Name], want, 0)
		for _, cause := range c.Causes {
			wantLost[c.Name+"/"+cause.Dimension+"/"+string(cause.Check)] = cause.Points
		}
		if !strings.Contains(shown.texts[c.Name], c.Words.Gap) || !strings.Contains(shown.texts[c.Name], view.Word(c.Rating)) {
			p.t.Errorf("page: %s reads %q, want %q and %q", c.Name, shown.texts[c.Name], view.Word(c.Rating), c.Words.Gap)
		}
		if c.Now != nil {
			up := "up " + view.Percent(c.Now.Up) + ", good or better " + view.Percent(c.Now.Score)
			if !strings.Contains(c.Words.Gap, up) {
				p.t.Errorf("%s says %q, want %q in it", c.Name, c.Words.Gap, up)
			}
		}
	}
	same(p.t, "page: points lost", shown.lost, wantLost, 0)
}

// checkWall compares the wall screen with the JSON that was read around it. What could mostly not be measured has no number.
func (p *parity) checkWall(o *view.Overview, got map[string]float64) {
	p.t.Helper()
	want := make(map[string]float64)
	for _, c := range o.Channels {
		if c.Now != nil && c.Rating != probe.Unknown {
			want[c.Title] = c.Now.Score
		}
	}
	same(p.t, "wall", got, want, 0)
}

// checkChannelPage compares the page of a channel, and its JSON, with what the rules recorded: of the channel, of its
// touchpoints, and over time.
func (p *parity) checkChannelPage(channel string) {
	p.t.Helper()
	var shown view.ChannelPage
	var sum []float64
	eventually(p.t, "one evaluation on the page of "+channel, func() string {
		var before view.ChannelPage
		p.own.get("/api/v1/channels/"+channel+"?range=1h", &before)
		sum = p.own.sum(channel)
		shown = view.ChannelPage{}
		p.own.get("/api/v1/channels/"+channel+"?range=1h", &shown)
		if !shown.At.Equal(before.At) {
			return fmt.Sprintf("%v, then %v", before.At, shown.At)
		}
		return ""
	})
	at := shown.At.UnixMilli()
	recorded := p.own.recorded(at, "5m")
	want := []float64{recorded.score[channel]}
	for _, cause := range shown.Causes {
		want = append(want, recorded.lost[channel+"/"+cause.Dimension+"/"+string(cause.Check)])
	}
	if !slices.Equal(sum, want) {
		p.t.Errorf("the page of %s adds up %v, recorded are %v", channel, sum, want)
	}
	scores := p.own.values(at, `touchpoint:channelwatch_score:5m{channel="`+channel+`"}`, "touchpoint")
	got := make(map[string]float64)
	for _, tp := range shown.Touchpoints {
		if tp.Now != nil {
			got[tp.Name] = tp.Now.Score
		}
	}
	same(p.t, "touchpoints of "+channel, got, scores, 0)
	if len(shown.Score) == 0 {
		p.t.Errorf("the page of %s has no line of scores", channel)
	}
	for i, point := range shown.Score {
		total := point.Value
		for _, cause := range shown.Lost {
			total += cause.Line[i].Value
		}
		if math.Abs(total-100) > exact {
			p.t.Errorf("%s: score and points lost were %v together at %v, want 100", channel, total, point.At)
		}
	}
}

// checkDashboards compares what the panels of the committed dashboards ask for with what the rules recorded.
func (p *parity) checkDashboards(at int64, want recorded) {
	p.t.Helper()
	const channel, shared = "channelwatch-channel", "channelwatch-shared"
	causes := []string{"channel", "dimension", "cause"}
	for _, tc := range []struct {
		query  panelQuery
		labels []string
		want   map[string]float64
	}{
		{panelQuery{channel, 2, "A"}, causes[:1], want.score},
		{panelQuery{channel, 3, "A"}, causes[:1], want.up},
		{panelQuery{channel, 4, "A"}, causes[:1], want.gap},
		{panelQuery{channel, 6, "A"}, causes, want.lost},
		{panelQuery{shared, 4, "A"}, causes[:1], want.score},
		{panelQuery{shared, 5, "A"}, causes[:1], want.gap},
		{panelQuery{shared, 6, "A"}, causes, want.lost},
		{panelQuery{shared, 7, "B"}, causes[:1], want.score},
	} {
		got := make(map[string]float64)
		chosen := []string{".*"}
		if tc.query.file == channel {
			chosen = slices.Sorted(maps.Keys(want.score))
		}
		for _, name := range chosen {
			maps.Copy(got, p.own.values(at, tc.query.expression(p.t, name, "5m"), tc.labels...))
		}
		same(p.t, fmt.Sprintf("%+v", tc.query), got, tc.want, 0)
	}
}

// alertText is how a sentence for IT begins.
var alertText = regexp.MustCompile(`^Score of channel (\S+) over 5 minutes: (\d+)\. (.+ takes (\d+) points\. )`)

// checkAlerts compares the numbers in the sentences of alerts with what was recorded when they were written.
func (p *parity) checkAlerts() {
	p.t.Helper()
	eventually(p.t, "alerts to say what was recorded", func() string {
		texts, evaluated := p.own.alertTexts("ChannelPoor")
		if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, poorChannels()) {
			return fmt.Sprintf("there are alerts of %q", got)
		}
		then := p.own.recorded(evaluated.UnixMilli(), "5m")
		for channel, text := range texts {
			most := 0.0
			for key, points := range then.lost {
				if strings.HasPrefix(key, channel+"/") && !strings.HasSuffix(key, "/weakest_touchpoint") {
					most = max(most, points)
				}
			}
			match := alertText.FindStringSubmatch(text)
			if match == nil || match[1] != channel || match[2] != rounded(then.score[channel]) || match[4] != rounded(most) {
				return fmt.Sprintf("%q, want score %v and %v points", text, then.score[channel], most)
			}
		}
		return ""
	})
}

// waitForMessages waits until Alertmanager, the owners and the chat room have been told once of each channel that is poor,
// with the sentence that the agent's API shows.
func (p *parity) waitForMessages() {
	p.t.Helper()
	for _, channel := range poorChannels() {
		eventually(p.t, "messages about "+channel, func() string {
			mails, hooks := p.post.received()
			messages, _ := p.inbox.holding("ChannelPoor", channel, "firing")
			if len(messages) != 1 || about(mails, channel) != "opened" || about(hooks, channel) != "opened" {
				return fmt.Sprintf("Alertmanager %v, mails %+v, webhooks %+v", messages, mails, hooks)
			}
			return ""
		})
	}
	mails, hooks := p.post.received()
	for _, m := range mails {
		if want := []string{"it@shop.example", "marketing@shop.example"}; !slices.Equal(m.To, want) {
			p.t.Errorf("the mail about %s went to %q, want %q", m.Channel, m.To, want)
		}
	}
	for _, m := range hooks {
		if match := alertText.FindStringSubmatch(m.IT); match == nil || match[1] != m.Channel {
			p.t.Errorf("the message about %s says %q, want its score", m.Channel, m.IT)
		}
	}
}

// comparePrometheus compares the agent's own figures with those of a Prometheus that evaluates the same rules over what
// it scraped, and both with the raw counters: nothing is measured any more, and all that was came within their window.
func (p *parity) comparePrometheus() {
	p.t.Helper()
	var at int64
	var counted tally
	eventually(p.t, "the counters to stand still over an evaluation", func() string {
		before := readMetrics(p.own).measured()
		at = settled(p.own)
		counted = readMetrics(p.own).measured()
		if !maps.EqualFunc(before, counted, func(a, b map[explanation]float64) bool { return maps.Equal(a, b) }) {
			return fmt.Sprintf("%v became %v", before, counted)
		}
		return ""
	})
	byHand := make(map[string]figures)
	for _, c := range p.channels {
		byHand[c.Name] = channelByHand(c, counted)
	}
	p.checkFigures("agent", p.own.recorded(at, "5m"), byHand)
	p.checkFigures("Prometheus", p.prometheus.recorded(settled(p.prometheus), "5m"), byHand)
}

// checkFigures compares what rules recorded with figures by hand.
func (p *parity) checkFigures(what string, got recorded, byHand map[string]figures) {
	p.t.Helper()
	want := recorded{make(map[string]float64), make(map[string]float64), make(map[string]float64), make(map[string]float64)}
	for name, f := range byHand {
		if !f.measured {
			continue
		}
		want.score[name], want.up[name], want.gap[name] = f.score, f.up, f.gap()
		for cause, points := range f.lost {
			want.lost[name+"/"+cause] = points
		}
	}
	same(p.t, what+": score", got.score, want.score, exact)
	same(p.t, what+": up", got.up, want.up, exact)
	same(p.t, what+": gap", got.gap, want.gap, exact)
	same(p.t, what+": points lost", got.lost, want.lost, exact)
}
