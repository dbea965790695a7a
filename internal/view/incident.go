package view

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// maxIncidents bounds what one page lists.
const maxIncidents = 200

// reports are the answers that explain incidents.
type reports struct {
	scores, lost, alerts, saturated []query.Series
}

// reports asks for what happened while channels were below good.
func (a *asker) reports(g grid, matchers []string, x axis, into *reports) {
	since := "[" + shortOf(g.grain()) + "]"
	before := "[" + shortOf(2*g.grain()) + "]"
	on := func(name string, more ...string) string {
		return selector([]string{name}, append(slices.Clone(matchers), more...)...)
	}
	score, rated := on(channels.score(recent)), channels.rated()
	bad := "(last_over_time(" + on(rated.fine) + before + ") > 0 < 3)"
	if g.long {
		// What is recorded rarely does not know the last minutes yet: all of them are read.
		young := strconv.FormatInt(x.to.Add(-lately).Unix(), 10)
		bad = "((last_over_time(" + on(rated.coarse) + before + ") > 0 < 3) or (" + on(rated.fine) + " and on () (vector(time()) > " + young + ")))"
	}
	bad = " and on (channel) " + bad
	a.over("the scores of incidents", "min_over_time("+score+since+")"+bad, x, &into.scores)
	a.over("the causes of incidents", "sum_over_time("+on(channels.lost(recent))+since+
		") / on (channel) group_left () max by (channel) (count_over_time("+score+since+"))"+bad, x, &into.lost)
	a.over("the alerts", "max by (channel, alertname, severity) (last_over_time("+
		on("ALERTS", `alertstate="firing"`, `channel!=""`, `severity!="info"`)+before+"))", x, &into.alerts)
	a.over("the hosts under pressure",
		"max by (instance) (max_over_time(instance:channelwatch_host_saturated:bool"+since+")) == 1", x, &into.saturated)
}

// incidentsPage asks for the incidents of one channel or all.
func incidentsPage(ctx context.Context, engine query.Engine, last rounds, channel string, r Range) ([]Incident, error) {
	g, at, matchers := r.grid(), last[recent], is("channel", channel)
	a := ask(ctx, engine)
	var infos, says, figs []query.Series
	var tracks ratings
	a.info(at, channelInfo(), matchers, &infos)
	a.sentences(at, &says)
	a.figures(recent, at, channels.names(recent), matchers, &figs)
	a.ratings(g, []rated{channels.rated()}, matchers, at, &tracks)
	if err := a.wait(); err != nil {
		return nil, err
	}
	known := readInfo(infos)
	if _, ok := known.channels[channel]; !ok && channel != "" {
		return nil, ErrNotFound
	}
	present := readFigures(figs, recent)
	all := findIncidents(at, known, present, tracks.tracks(g))
	var found reports
	if len(all) > 0 {
		a := ask(ctx, engine)
		a.reports(g, ofChannels(all), g.around(all, at), &found)
		if err := a.wait(); err != nil {
			return nil, err
		}
	}
	found.explain(all, g, at, known, readSentences(says), present)
	return all, nil
}

// ofChannels matches the channels that had incidents.
func ofChannels(all []Incident) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = regexp.QuoteMeta(all[i].Channel)
	}
	slices.Sort(names)
	return []string{"channel=~" + strconv.Quote(strings.Join(slices.Compact(names), "|"))}
}

// around returns the axis from the beginning of the oldest incident on: quiet days cost nothing.
func (g grid) around(all []Incident, at time.Time) axis {
	oldest := at.Sub(all[len(all)-1].From) + 2*g.grain()
	return axisUntil(at, min(g.length, oldest.Truncate(g.grain())), g.grain())
}

// findIncidents finds the incidents in the tracks of channels, newest first.
func findIncidents(at time.Time, known info, present map[subject]*figures, tracks map[trackOf]track) []Incident {
	all := []Incident{}
	for of, whole := range tracks {
		c, ok := known.channels[of.channel]
		if !ok || of != (trackOf{subject: subject{channel: of.channel}}) {
			continue
		}
		for _, t := range whole.now(at, present[of.subject].ratingOr(probe.Unknown)).troubles() {
			i := Incident{
				Channel: c.Name, Title: c.Title, From: time.UnixMilli(t.from).UTC(), Seconds: float64(t.until-t.from) / 1000, Worst: t.worst,
			}
			if until := time.UnixMilli(t.until).UTC(); t.lasts {
				i.Seconds = at.Sub(i.From).Seconds()
			} else {
				i.Until = &until
			}
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b Incident) int { return cmp.Or(b.From.Compare(a.From), cmp.Compare(a.Channel, b.Channel)) })
	return all[:min(len(all), maxIncidents)]
}

func (f *figures) ratingOr(r probe.Rating) probe.Rating {
	if f == nil {
		return r
	}
	return f.rating
}

// explain joins to each incident what happened meanwhile.
func (q *reports) explain(all []Incident, g grid, at time.Time, known info, say sentences, present map[subject]*figures) {
	scores := bySubject(q.scores)
	lost := make(map[string][]query.Series)
	for _, s := range oneSource(q.lost) {
		lost[s.Labels["channel"]] = append(lost[s.Labels["channel"]], s)
	}
	alerts := readAlerts(q.alerts, g)
	saturated := make(map[string][]Stretch)
	for _, s := range q.saturated {
		saturated[s.Labels["instance"]] = stretches(s.Points, g.grain())
	}
	for n := range all {
		i := &all[n]
		until := at
		if i.Until != nil {
			until = *i.Until
		}
		points := g.during(scores[subject{channel: i.Channel}].Points, i.From, until)
		i.figures(points, func() []Cause { return g.meanLost(lost[i.Channel], i.From, until, len(points)) }, present[subject{channel: i.Channel}])
		i.Causes = say.explain(i.Causes)
		for _, alert := range alerts[i.Channel] {
			if alert.From.Before(until) && alert.until.After(i.From) {
				i.Alerts = append(i.Alerts, alert.Alert)
			}
		}
		for _, instance := range known.hosts[i.Channel] {
			if parts := within(saturated[instance], i.From, until); len(parts) > 0 {
				i.Hosts = append(i.Hosts, Host{Instance: instance, Saturated: parts})
			}
		}
		i.Words = i.words()
	}
}

// figures sets the lowest score and the causes. An incident of the last minutes may be too young for the rarer series.
func (i *Incident) figures(scores []query.Point, causes func() []Cause, present *figures) {
	if len(scores) > 0 {
		i.Score, i.Causes = slices.MinFunc(scores, func(a, b query.Point) int { return cmp.Compare(a.Value, b.Value) }).Value, causes()
	} else if present != nil && present.score != nil {
		i.Score, i.Causes = present.score.Score, slices.Clone(present.lost)
	}
}

// during returns the points of an incident. Those of a long range each tell of the 5 minutes before them.
func (g grid) during(points []query.Point, from, until time.Time) []query.Point {
	index := func(t time.Time) int {
		i, _ := slices.BinarySearchFunc(points, t.UnixMilli(), func(p query.Point, at int64) int { return cmp.Compare(p.At, at) })
		return i
	}
	if g.long {
		return points[index(from.Add(time.Millisecond)):index(until.Add(g.grain()))]
	}
	// The last point of an incident that lasts is at its end.
	return points[index(from):index(until.Add(time.Millisecond))]
}

// meanLost returns what each cause took on average over n evaluations.
func (g grid) meanLost(lines []query.Series, from, until time.Time, n int) []Cause {
	var causes []Cause
	for _, s := range lines {
		c := Cause{Check: probe.CheckID(s.Labels["cause"]), Dimension: s.Labels["dimension"]}
		for _, p := range g.during(s.Points, from, until) {
			c.Points += p.Value / float64(n)
		}
		if c.Points > 0 {
			causes = append(causes, c)
		}
	}
	sortCauses(causes)
	return causes
}

// firing is an alert with the end of its stretch.
type firing struct {
	Alert
	until time.Time
}

// readAlerts returns when alerts fired, by channel; the stretches of each in order.
func readAlerts(answer []query.Series, g grid) map[string][]firing {
	all := make(map[string][]firing)
	for _, s := range answer {
		channel := s.Labels["channel"]
		for _, stretch := range stretches(s.Points, g.grain()) {
			alert := Alert{Name: s.Labels["alertname"], Severity: s.Labels["severity"], From: stretch.From.Add(g.grain())}
			all[channel] = append(all[channel], firing{alert, stretch.Until})
		}
	}
	for _, alerts := range all {
		slices.SortFunc(alerts, func(a, b firing) int {
			return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Name, b.Name), strings.Compare(a.Severity, b.Severity))
		})
	}
	return all
}
