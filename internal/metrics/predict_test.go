package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// lines counts the samples of a page in the text format.
func lines(page string) int {
	n := 0
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// scraped counts the series of a scrape in both forms.
func scraped(tb testing.TB, m *metrics.Metrics) metrics.Series {
	tb.Helper()
	s := metrics.Series{Classic: lines(body(tb, scrape(tb, m)))}
	for _, mf := range decode(tb, scrape(tb, m, "Accept", protoAccept).Body) {
		for _, metric := range mf.Metric {
			s.Native++
			if metric.Summary != nil {
				s.Native += 1 + len(metric.Summary.Quantile)
			}
		}
	}
	return s
}

func TestPredict_EqualsScrape(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: "berlin-1"})
	home, plain, topic := page("shop", "home"), page("plain", "start"), push()
	plain.Profile = probe.Profile{Phases: []probe.Phase{probe.Wait}}
	channels := []*probe.Channel{channelOf("shop", home, topic), {Name: "plain", Touchpoints: []*probe.Touchpoint{plain}}}
	serves := []string{"shop", "plain"}
	fleet := []*probe.Channel{channels[0], channels[1], channelOf("of-others")}
	alone, err := m.Predict(channels, serves)
	if err != nil {
		t.Fatal(err)
	}
	if got := scraped(t, m); got != alone.Agent {
		t.Errorf("an agent without channels has %+v, want %+v", got, alone.Agent)
	}
	m.SetShard(fleet, &metrics.Shard{Name: "a", PeersHash: "cafe", Replicas: 1})
	want, err := m.Predict(channels, serves)
	if err != nil {
		t.Fatal(err)
	}
	if got := want.Channels.Native - alone.Channels.Native; got != len(fleet)+1 {
		t.Errorf("the fleet adds %d series, want one for each of its channels and one for the shard", got)
	}
	m.Apply(channels, serves)
	r := pageResult(time.Second)
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: "push_backlog_bytes", Label: "in"}, probe.Measurement{Metric: "push_backlog_bytes", Label: "out"})
	for _, tp := range []*probe.Touchpoint{home, plain, topic} {
		m.Record(tp, r, quality.Verdict{Rating: probe.Good})
	}
	if got := scraped(t, m); got != want.Rest {
		t.Errorf("at rest %+v, predicted %+v", got, want.Rest)
	}
	if got, want := samples(t, m)["agent_series{}"], float64(want.Rest.Classic-want.Agent.Classic); got != want {
		t.Errorf("agent_series is %v, want %v", got, want)
	}
	for _, tp := range []*probe.Touchpoint{home, plain, topic} {
		for _, check := range catalogue(t).KindChecks(tp.Kind) {
			for _, rating := range probe.Ratings() {
				m.Record(tp, pageResult(time.Second), quality.Verdict{Rating: rating, Dimension: check.Dimension, Cause: check.ID})
			}
		}
	}
	if got := scraped(t, m); got != want.Most {
		t.Errorf("with all causes %+v, predicted %+v", got, want.Most)
	}
}

func TestPredict_EveryVerdictFits(t *testing.T) {
	m, home := one(t)
	c := catalogue(t)
	for _, check := range c.KindChecks("page") {
		for _, d := range []time.Duration{time.Second, 3 * time.Second, 9 * time.Second} {
			asReason := pageResult(d)
			asReason.Reason = check.ID
			asFinding := pageResult(d)
			asFinding.Findings = []probe.Finding{{Check: check.ID}}
			for _, r := range []*probe.Result{asReason, asFinding} {
				v := quality.Rate(c, home.Limits, r)
				before := like(samples(t, m), "experience_total")
				m.Record(home, r, v)
				after := like(samples(t, m), "experience_total", v.Rating.String(), string(v.Cause))
				if sum(after) != sum(like(before, v.Rating.String(), string(v.Cause)))+1 {
					t.Errorf("%s (%s): not counted as %s by %s", check.ID, d, v.Rating, v.Cause)
				}
			}
		}
	}
}

func TestPredict_BudgetOfAnHTTPSTouchpoint(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	p, err := m.Predict([]*probe.Channel{channelOf("shop", page("shop", "home"))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, limit := p.Touchpoints[0].Rest, (metrics.Series{Native: 30, Classic: 60}); got.Native > limit.Native || got.Classic > limit.Classic {
		t.Errorf("%+v, want at most %+v", got, limit)
	}
}
