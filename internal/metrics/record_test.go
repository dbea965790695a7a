package metrics_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// one returns metrics of a single page.
func one(tb testing.TB) (*metrics.Metrics, *probe.Touchpoint) {
	tb.Helper()
	m, home := metrics.New(metrics.Options{Catalogue: catalogue(tb)}), page("shop", "home")
	m.Apply([]*probe.Channel{channelOf("shop", home)}, nil)
	return m, home
}

func TestMetrics_BornBeforeTheFirstResult(t *testing.T) {
	m, _ := one(t)
	got := samples(t, m)
	want(t, like(got, "experience_total"), map[string]float64{
		`experience_total{channel="shop",rating="excellent",touchpoint="home"}`: 0,
		`experience_total{channel="shop",rating="good",touchpoint="home"}`:      0,
	})
	want(t, like(got, "rechecks_total"), map[string]float64{
		`rechecks_total{channel="shop",confirmed="true",touchpoint="home"}`:  0,
		`rechecks_total{channel="shop",confirmed="false",touchpoint="home"}`: 0,
	})
	want(t, like(got, "touchpoint_rating"), map[string]float64{`touchpoint_rating{channel="shop",touchpoint="home"}`: 0})
	want(t, like(got, "touchpoint_state"), map[string]float64{`touchpoint_state{channel="shop",rating="unknown",touchpoint="home"}`: 1})
	for _, absent := range []string{"probe_last_timestamp_seconds", "page_bytes", "tls_certificate"} {
		want(t, like(got, absent), map[string]float64{})
	}
}

func TestRecord_Result(t *testing.T) {
	m, home := one(t)
	record(t, m, home, pageResult(1200*time.Millisecond))
	got := samples(t, m)
	want(t, like(got, "experience_total"), map[string]float64{
		`experience_total{channel="shop",rating="excellent",touchpoint="home"}`: 0,
		`experience_total{channel="shop",rating="good",touchpoint="home"}`:      1,
	})
	want(t, like(got, "_rating{"), map[string]float64{
		`touchpoint_rating{channel="shop",touchpoint="home"}`:                      3,
		`dimension_rating{channel="shop",dimension="reachable",touchpoint="home"}`: 4,
		`dimension_rating{channel="shop",dimension="correct",touchpoint="home"}`:   4,
		`dimension_rating{channel="shop",dimension="fast",touchpoint="home"}`:      3,
		`dimension_rating{channel="shop",dimension="trusted",touchpoint="home"}`:   4,
	})
	want(t, like(got, "probe_duration"), map[string]float64{
		`probe_duration_seconds_count{channel="shop",touchpoint="home"}`: 1,
		`probe_duration_seconds_sum{channel="shop",touchpoint="home"}`:   1.2,
	})
	want(t, like(got, `phase="`, "_sum"), map[string]float64{
		`probe_phase_seconds_sum{channel="shop",phase="resolve",touchpoint="home"}`: 0.6,
		`probe_phase_seconds_sum{channel="shop",phase="connect",touchpoint="home"}`: 0.4,
		`probe_phase_seconds_sum{channel="shop",phase="tls",touchpoint="home"}`:     0.3,
		`probe_phase_seconds_sum{channel="shop",phase="send",touchpoint="home"}`:    0.24,
		`probe_phase_seconds_sum{channel="shop",phase="wait",touchpoint="home"}`:    0.2,
		`probe_phase_seconds_sum{channel="shop",phase="receive",touchpoint="home"}`: 0.171428571,
	})
	want(t, like(got, "_timestamp_seconds", `touchpoint="home"`), map[string]float64{
		`probe_last_timestamp_seconds{channel="shop",touchpoint="home"}`:                 1795341600.25,
		`tls_certificate_not_after_timestamp_seconds{channel="shop",touchpoint="home"}`:  1.9e9,
		`tls_certificate_not_before_timestamp_seconds{channel="shop",touchpoint="home"}`: 1.7e9,
	})
	want(t, like(got, "page_bytes"), map[string]float64{
		`page_bytes{channel="shop",touchpoint="home"}`: 12345678,
	})
}

func TestRecord_FailureIsTimedInThePhasesThatItReached(t *testing.T) {
	m, home := one(t)
	r := &probe.Result{Duration: 10 * time.Second, Reason: probe.ConnectTimeout}
	r.Phases.Add(probe.Resolve, time.Second)
	record(t, m, home, r)
	got := samples(t, m)
	want(t, like(got, "experience_total", "cause="), map[string]float64{
		`experience_total{cause="connect_timeout",channel="shop",dimension="reachable",rating="poor",touchpoint="home"}`: 1,
	})
	if got := sum(like(got, "probe_duration_seconds_sum")); got != 10 {
		t.Errorf("duration sum %v, want 10", got)
	}
	if got := sum(like(got, "probe_phase_seconds_count")); got != 1 {
		t.Errorf("%v phases counted, want the one that was reached", got)
	}
}

func TestRecord_UnknownIsCountedButNotTimed(t *testing.T) {
	m, home := one(t)
	record(t, m, home, pageResult(time.Second))
	m.Record(home, pageResult(9*time.Second), quality.NotMeasured(probe.AgentStarved))
	got := samples(t, m)
	want(t, like(got, "experience_total", "cause="), map[string]float64{
		`experience_total{cause="agent_starved",channel="shop",rating="unknown",touchpoint="home"}`: 1,
	})
	if got := sum(like(got, "probe_duration_seconds_sum")); got != 1 {
		t.Errorf("duration sum %v, want only that of the measured result", got)
	}
	if got := sum(like(got, "_rating{")); got != 0 {
		t.Errorf("ratings add up to %v, want all unknown", got)
	}
}

func TestRecord_UndeclaredIsNotExported(t *testing.T) {
	m, topic := metrics.New(metrics.Options{Catalogue: catalogue(t)}), push()
	m.Apply([]*probe.Channel{channelOf("shop", topic)}, nil)
	r := &probe.Result{Duration: time.Second, Start: time.Unix(1, 0), Measurements: []probe.Measurement{
		{Metric: "push_backlog_bytes", Label: "in", Value: 7},
	}}
	record(t, m, topic, r)
	before := samples(t, m)
	want(t, like(before, "push_backlog_bytes"), map[string]float64{`push_backlog_bytes{channel="shop",touchpoint="topic",way="in"}`: 7})
	r.Measurements = []probe.Measurement{
		{Metric: "page_bytes", Value: 1},                      // of another kind
		{Metric: "push_backlog_bytes", Label: "up", Value: 1}, // not in the closed list
		{Metric: "made_up_seconds", Value: 1},                 // of no kind
	}
	r.Phases.Add(probe.Connect, time.Second)
	record(t, m, topic, r)
	after := samples(t, m)
	want(t, like(after, "push_"), like(before, "push_"))
	if len(after) != len(before) {
		t.Errorf("%d series, want %d", len(after), len(before))
	}
}

func TestRecord_State(t *testing.T) {
	m, home := one(t)
	for _, test := range []struct {
		verdict quality.Verdict
		labels  string
	}{
		{quality.Verdict{Rating: probe.Excellent}, `channel="shop",rating="excellent"`},
		{quality.Verdict{Rating: probe.Good}, `channel="shop",rating="good"`},
		{
			quality.Verdict{Rating: probe.Fair, Dimension: probe.Fast, Cause: probe.SlowServer},
			`cause="slow_server",channel="shop",dimension="fast",rating="fair"`,
		},
		{quality.NotMeasured(probe.AgentBlind), `cause="agent_blind",channel="shop",rating="unknown"`},
		{
			quality.Verdict{Rating: probe.Poor, Dimension: probe.Reachable, Cause: probe.ConnectRefused},
			`cause="connect_refused",channel="shop",dimension="reachable",rating="poor"`,
		},
	} {
		m.Record(home, &probe.Result{}, test.verdict)
		want(t, like(samples(t, m), "touchpoint_state"), map[string]float64{"touchpoint_state{" + test.labels + `,touchpoint="home"}`: 1})
	}
}

func TestRecord_CauseOutsideOfTheCatalogueIsNotMeasured(t *testing.T) {
	m, home := one(t)
	for range 2 {
		m.Record(home, &probe.Result{}, quality.Verdict{Rating: probe.Poor, Dimension: probe.Correct, Cause: "made_up"})
	}
	m.Record(home, &probe.Result{}, quality.Verdict{Rating: probe.Fair, Cause: probe.ConnectRefused})
	want(t, like(samples(t, m), "experience_total", "cause="), map[string]float64{
		`experience_total{cause="not_measured",channel="shop",rating="unknown",touchpoint="home"}`: 3,
	})
}

func TestRecord_OfATouchpointThatIsGone(t *testing.T) {
	m, home := one(t)
	m.Apply(nil, nil)
	m.Record(home, pageResult(time.Second), quality.Verdict{Rating: probe.Good})
	m.Rechecked(home, true)
	want(t, like(samples(t, m), "touchpoint="), map[string]float64{})
}

func TestRechecked(t *testing.T) {
	m, home := one(t)
	m.Rechecked(home, true)
	m.Rechecked(home, false)
	m.Rechecked(home, true)
	want(t, like(samples(t, m), "rechecks_total"), map[string]float64{
		`rechecks_total{channel="shop",confirmed="true",touchpoint="home"}`:  2,
		`rechecks_total{channel="shop",confirmed="false",touchpoint="home"}`: 1,
	})
}

func TestRecord_Counter(t *testing.T) {
	m, topic := metrics.New(metrics.Options{Catalogue: catalogue(t)}), push()
	m.Apply([]*probe.Channel{channelOf("shop", topic)}, nil)
	want(t, like(samples(t, m), "push_"), map[string]float64{
		`push_lost_total{channel="shop",touchpoint="topic"}`:                     0,
		`push_delivery_seconds_count{channel="shop",qos="0",touchpoint="topic"}`: 0,
		`push_delivery_seconds_sum{channel="shop",qos="0",touchpoint="topic"}`:   0,
		`push_delivery_seconds_count{channel="shop",qos="1",touchpoint="topic"}`: 0,
		`push_delivery_seconds_sum{channel="shop",qos="1",touchpoint="topic"}`:   0,
	})
	for _, lost := range []float64{2, -1, 3} {
		record(t, m, topic, &probe.Result{Measurements: []probe.Measurement{
			{Metric: "push_lost_total", Value: lost}, {Metric: "push_delivery_seconds", Label: "1", Value: 0.5},
		}})
	}
	want(t, like(samples(t, m), "push_"), map[string]float64{
		`push_lost_total{channel="shop",touchpoint="topic"}`:                     5,
		`push_delivery_seconds_count{channel="shop",qos="0",touchpoint="topic"}`: 0,
		`push_delivery_seconds_sum{channel="shop",qos="0",touchpoint="topic"}`:   0,
		`push_delivery_seconds_count{channel="shop",qos="1",touchpoint="topic"}`: 3,
		`push_delivery_seconds_sum{channel="shop",qos="1",touchpoint="topic"}`:   1.5,
	})
}

// TestRecord_ScorePartsAddUp records random verdicts, possible and impossible ones.
func TestRecord_ScorePartsAddUp(t *testing.T) {
	var causes []probe.CheckID
	for _, check := range catalogue(t).Checks() {
		causes = append(causes, check.ID)
	}
	causes = append(causes, "", "made_up")
	for seed := range uint64(20) {
		m, home := one(t)
		random := rand.New(rand.NewPCG(seed, 1))
		results := random.IntN(500)
		ratings := make(map[probe.Rating]float64)
		for range results {
			v := quality.Verdict{
				Rating:    probe.Rating(random.IntN(5)),
				Dimension: probe.Dimension(random.IntN(4)),
				Cause:     causes[random.IntN(len(causes))],
			}
			ratings[v.Rating]++
			m.Record(home, &probe.Result{}, v)
		}
		all := like(samples(t, m), "experience_total")
		if got := sum(all); got != float64(results) {
			t.Errorf("seed %d: experiences add up to %v, want %d", seed, got, results)
		}
		for _, r := range []probe.Rating{probe.Good, probe.Excellent} {
			if got := sum(like(all, fmt.Sprintf("rating=%q", r))); got != ratings[r] {
				t.Errorf("seed %d: %v results %v, want %v", seed, got, r, ratings[r])
			}
		}
	}
}

func TestMetrics_SeriesLimit(t *testing.T) {
	var log bytes.Buffer
	a, b := page("shop", "a"), page("shop", "b")
	open := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	p, err := open.Predict([]*probe.Channel{channelOf("shop", a)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	limit := p.Rest.Classic - p.Agent.Classic + 1 // room for a and one cause
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), SeriesLimit: limit, Log: slog.New(slog.NewTextHandler(&log, nil))})
	m.Apply([]*probe.Channel{channelOf("shop", a, b)}, nil)
	for range 3 {
		for _, reason := range []probe.Reason{probe.ConnectRefused, probe.DNSTimeout} {
			record(t, m, a, &probe.Result{Reason: reason})
			record(t, m, b, &probe.Result{Reason: reason})
		}
	}
	m.SetPart("host", []metrics.Reading{{Name: "host_load1", Help: "Load.", Type: metrics.Gauge, Value: 1}})
	got := samples(t, m)
	want(t, like(got, `touchpoint="b"`), map[string]float64{})
	want(t, like(got, "host_load1"), map[string]float64{})
	want(t, like(got, "experience_total", "cause="), map[string]float64{
		`experience_total{cause="connect_refused",channel="shop",dimension="reachable",rating="poor",touchpoint="a"}`: 3,
	})
	rest := float64(p.Touchpoints[0].Rest.Classic)
	want(t, like(got, "series"), map[string]float64{
		"agent_series{}": float64(limit), "agent_series_limit{}": float64(limit), "series_rejected_total{}": rest + 3 + 1,
	})
	if got := strings.Count(log.String(), "series limit reached"); got != 1 {
		t.Errorf("said %d times that the limit is reached, want once:\n%s", got, log.String())
	}
	m.Apply([]*probe.Channel{channelOf("shop", b)}, nil)
	if got := like(samples(t, m), "experience_total", `touchpoint="b"`); len(got) != 2 {
		t.Errorf("series of b %v, want them in the room that a left", got)
	}
}

func TestMetrics_ConcurrentUse(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	home, other := page("shop", "home"), page("shop", "other")
	m.Apply([]*probe.Channel{channelOf("shop", home)}, nil)
	verdicts := []quality.Verdict{
		{Rating: probe.Good},
		quality.NotMeasured(probe.AgentBlind),
		{Rating: probe.Poor, Dimension: probe.Reachable, Cause: probe.ConnectRefused},
	}
	const each = 300
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range each {
				m.Record(home, pageResult(time.Duration(i)*time.Millisecond), verdicts[i%len(verdicts)])
				m.Record(other, pageResult(time.Second), verdicts[i%len(verdicts)])
			}
		})
	}
	wg.Go(func() {
		for i := range 30 {
			tps := []*probe.Touchpoint{page("shop", "home")}
			if i%2 == 0 {
				tps = append(tps, other)
				tps[0].Profile.Phases = nil
			}
			m.Apply([]*probe.Channel{channelOf("shop", tps...)}, nil)
			m.SetPart("host", []metrics.Reading{{Name: "host_load1", Help: "Load.", Type: metrics.Gauge, Value: float64(i)}})
		}
	})
	for _, accept := range []string{"text/plain", openAccept, protoAccept} {
		wg.Go(func() {
			for range 10 {
				body(t, scrape(t, m, "Accept", accept))
			}
		})
	}
	wg.Wait()
	if got := sum(like(samples(t, m), "experience_total", `touchpoint="home"`)); got != 4*each {
		t.Errorf("experiences add up to %v, want %d", got, 4*each)
	}
	m.Apply(nil, nil)
	m.SetPart("host", nil)
	want(t, like(samples(t, m), "agent_series{"), map[string]float64{"agent_series{}": 0})
}

func TestRecord_DoesNotAllocate(t *testing.T) {
	m, home := one(t)
	r := pageResult(2 * time.Second)
	verdict := quality.Rate(catalogue(t), home.Limits, r)
	m.Record(home, r, verdict)
	if got := testing.AllocsPerRun(100, func() { m.Record(home, r, verdict) }); got != 0 {
		t.Errorf("%v allocations for each result, want none", got)
	}
}

// TestRecord_OwnValues: a metric that declares no label values has those of each touchpoint, and only those.
func TestRecord_OwnValues(t *testing.T) {
	kind := probe.Kind{Name: "journey", Metrics: []probe.Metric{
		{Name: "journey_passes_total", Help: "Passes.", Type: probe.Counter, Label: "step"},
		{Name: "journey_step_seconds", Help: "Time.", Type: probe.Histogram, Label: "step", Buckets: []float64{1, 5}},
	}}
	c, err := probe.NewCatalogue([]probe.Kind{kind})
	if err != nil {
		t.Fatal(err)
	}
	journey := func(name string, steps ...string) *probe.Touchpoint {
		return &probe.Touchpoint{Channel: "shop", Name: name, Kind: "journey", Every: time.Minute, Built: probe.Built{Profile: probe.Profile{
			Metrics: []string{"journey_passes_total", "journey_step_seconds"},
			Values:  map[string][]string{"journey_passes_total": steps, "journey_step_seconds": steps},
		}}}
	}
	buy, look := journey("buy", "search", "cart"), journey("look", "search")
	channels := []*probe.Channel{channelOf("shop", buy, look)}
	predicted, err := metrics.New(metrics.Options{Catalogue: c}).Predict(channels, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Each step has a counter, and of the histogram two buckets, that to infinity, the sum and the count.
	if more := predicted.Touchpoints[0].Rest.Classic - predicted.Touchpoints[1].Rest.Classic; more != 1+5 {
		t.Errorf("%d series more for one step more, want 6", more)
	}
	m := metrics.New(metrics.Options{Catalogue: c})
	m.Apply(channels, nil)
	result := &probe.Result{Start: time.Unix(1, 0), Measurements: []probe.Measurement{
		{Metric: "journey_passes_total", Label: "search", Value: 1},
		{Metric: "journey_passes_total", Label: "elsewhere", Value: 1},
		{Metric: "journey_step_seconds", Label: "cart", Value: 2},
	}}
	m.Record(buy, result, quality.Verdict{Rating: probe.Good})
	m.Record(look, result, quality.Verdict{Rating: probe.Good})
	got := samples(t, m)
	want(t, like(got, "journey_passes_total{"), map[string]float64{
		`journey_passes_total{channel="shop",step="cart",touchpoint="buy"}`:    0,
		`journey_passes_total{channel="shop",step="search",touchpoint="buy"}`:  1,
		`journey_passes_total{channel="shop",step="search",touchpoint="look"}`: 1,
	})
	want(t, like(got, "journey_step_seconds_sum{"), map[string]float64{
		`journey_step_seconds_sum{channel="shop",step="cart",touchpoint="buy"}`:    2,
		`journey_step_seconds_sum{channel="shop",step="search",touchpoint="buy"}`:  0,
		`journey_step_seconds_sum{channel="shop",step="search",touchpoint="look"}`: 0,
	})
}

// TestRecord_Unrated: what a result that was not measured says of the way to the channel is taken in, what it says of the
// channel is not.
func TestRecord_Unrated(t *testing.T) {
	kind := probe.Kind{Name: "push", Metrics: []probe.Metric{
		{Name: "push_target_valid", Help: "Of the way there.", Unrated: true},
		{Name: "push_messages_total", Help: "Of the channel.", Type: probe.Counter},
	}}
	c, err := probe.NewCatalogue([]probe.Kind{kind})
	if err != nil {
		t.Fatal(err)
	}
	tp := &probe.Touchpoint{Channel: "shop", Name: "news", Kind: "push", Every: time.Minute, Built: probe.Built{Profile: probe.Profile{
		Metrics: []string{"push_target_valid", "push_messages_total"},
	}}}
	m := metrics.New(metrics.Options{Catalogue: c})
	m.Apply([]*probe.Channel{channelOf("shop", tp)}, nil)
	result := func(valid float64) *probe.Result {
		return &probe.Result{Start: time.Unix(1, 0), Measurements: []probe.Measurement{
			{Metric: "push_target_valid", Value: valid}, {Metric: "push_messages_total", Value: 1}, {Metric: "undeclared", Value: 1},
		}}
	}
	m.Record(tp, result(1), quality.Verdict{Rating: probe.Good})
	m.Record(tp, result(0), quality.Verdict{Rating: probe.Unknown})
	series := func(valid, messages float64) map[string]float64 {
		return map[string]float64{
			`push_target_valid{channel="shop",touchpoint="news"}`: valid, `push_messages_total{channel="shop",touchpoint="news"}`: messages,
		}
	}
	want(t, like(samples(t, m), "push_"), series(0, 1))

	// A result that counts for nothing tells of the way there all the same.
	m.Aside(tp, result(1))
	want(t, like(samples(t, m), "push_"), series(1, 1))

	// What others have reported is counted whatever it is rated.
	tp = &probe.Touchpoint{Channel: "shop", Name: "news", Kind: "push", Every: time.Minute, Built: tp.Built}
	tp.Profile.Passive = true
	m.Apply([]*probe.Channel{channelOf("shop", tp)}, nil)
	m.Record(tp, result(0), quality.Verdict{Rating: probe.Unknown})
	want(t, like(samples(t, m), "push_"), series(0, 2))
}

// TestRecord_MomentaryGauges: what one result measured does not outlive it.
func TestRecord_MomentaryGauges(t *testing.T) {
	kind := probe.Kind{Name: "browser", Metrics: []probe.Metric{
		{Name: "web_vital_seconds", Help: "A vital.", Label: "vital", Values: []string{"fcp", "lcp"}, Momentary: true},
		{Name: "page_bytes", Help: "Stays."},
	}}
	c, err := probe.NewCatalogue([]probe.Kind{kind})
	if err != nil {
		t.Fatal(err)
	}
	tp := &probe.Touchpoint{Channel: "shop", Name: "home", Kind: "browser", Every: time.Minute, Built: probe.Built{Profile: probe.Profile{
		Metrics: []string{"web_vital_seconds", "page_bytes"},
	}}}
	m := metrics.New(metrics.Options{Catalogue: c})
	m.Apply([]*probe.Channel{channelOf("shop", tp)}, nil)
	vitals := func(lcp float64, more ...probe.Measurement) *probe.Result {
		return &probe.Result{Start: time.Unix(1, 0), Measurements: append(more, probe.Measurement{Metric: "web_vital_seconds", Label: "lcp", Value: lcp})}
	}
	const lcp, fcp, bytes = `web_vital_seconds{channel="shop",touchpoint="home",vital="lcp"}`,
		`web_vital_seconds{channel="shop",touchpoint="home",vital="fcp"}`, `page_bytes{channel="shop",touchpoint="home"}`
	for _, step := range []struct {
		name   string
		result *probe.Result
		rating probe.Rating
		want   map[string]float64
	}{
		{
			"all", vitals(2, probe.Measurement{Metric: "web_vital_seconds", Label: "fcp", Value: 1}, probe.Measurement{Metric: "page_bytes", Value: 9}), probe.Good,
			map[string]float64{lcp: 2, fcp: 1, bytes: 9},
		},
		{"one of them", vitals(3), probe.Good, map[string]float64{lcp: 3, bytes: 9}},
		{"a failure", &probe.Result{Start: time.Unix(2, 0), Reason: probe.ConnectRefused}, probe.Poor, map[string]float64{bytes: 9}},
		{"it comes back", vitals(4), probe.Good, map[string]float64{lcp: 4, bytes: 9}},
		{"not measured", &probe.Result{Start: time.Unix(3, 0)}, probe.Unknown, map[string]float64{bytes: 9}},
	} {
		m.Record(tp, step.result, quality.Verdict{Rating: step.rating})
		got := samples(t, m)
		have := like(got, "web_vital_seconds{")
		maps.Copy(have, like(got, "page_bytes{"))
		t.Log(step.name)
		want(t, have, step.want)
	}
}
