package metrics_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// series returns how many series each touchpoint has.
func series(all map[string]float64) map[string]int {
	out := make(map[string]int)
	for name := range all {
		if _, rest, ok := strings.Cut(name, `touchpoint="`); ok {
			out[rest[:strings.IndexByte(rest, '"')]]++
		}
	}
	return out
}

func TestApply_AddsAndRemovesExactly(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	empty := samples(t, m)
	m.Apply([]*probe.Channel{channelOf("shop", page("shop", "home"), push())}, []string{"shop"})
	before := samples(t, m)
	if got := series(before); len(got) != 2 || got["home"] == 0 || got["topic"] == 0 {
		t.Fatalf("series %v, want those of home and topic", got)
	}
	m.Apply([]*probe.Channel{channelOf("shop", page("shop", "home")), channelOf("other", page("other", "start"))}, []string{"other"})
	after := samples(t, m)
	if got := series(after); len(got) != 2 || got["home"] != series(before)["home"] || got["start"] == 0 {
		t.Errorf("series %v, want those of home and start", got)
	}
	want(t, like(after, "host_serves_channel"), map[string]float64{`host_serves_channel{channel="other"}`: 1})
	want(t, like(after, "channel_objective_window"), map[string]float64{
		`channel_objective_window_seconds{channel="shop"}`:  2419200,
		`channel_objective_window_seconds{channel="other"}`: 2419200,
	})
	m.Apply(nil, nil)
	want(t, samples(t, m), empty)
}

func TestApply_UnchangedGoesOnCounting(t *testing.T) {
	m, home := one(t)
	record(t, m, home, pageResult(time.Second))
	record(t, m, home, &probe.Result{Reason: probe.ConnectRefused})
	m.Rechecked(home, true)
	before := samples(t, m)
	m.Apply([]*probe.Channel{channelOf("shop", page("shop", "home"))}, nil)
	want(t, samples(t, m), before)
	record(t, m, home, pageResult(time.Second)) // a probe of the old definition that was on its way
	if got := sum(like(samples(t, m), "experience_total")); got != 3 {
		t.Errorf("experiences add up to %v, want 3", got)
	}
}

func TestApply_ChangedDefinition(t *testing.T) {
	m, home := one(t)
	record(t, m, home, pageResult(1200*time.Millisecond))
	before := samples(t, m)
	changed := page("shop", "home")
	changed.Title, changed.Tier, changed.Weight, changed.Every = "New", probe.Standard, 5, time.Minute
	changed.Profile.Target = "plain"
	changed.Profile.Phases = []probe.Phase{probe.Wait, probe.Connect, probe.Wait, probe.Accept}
	changed.Profile.Metrics = []string{"page_bytes", "page_bytes", "made_up"}
	m.Apply([]*probe.Channel{channelOf("shop", changed)}, nil)
	got := samples(t, m)
	want(t, like(got, "touchpoint_"), map[string]float64{
		`touchpoint_info{channel="shop",kind="page",limit_excellent="0.8",limit_fair="4",limit_good="1.8",target="plain",tier="standard",title="New",touchpoint="home"}`: 1,
		`touchpoint_weight{channel="shop",touchpoint="home"}`:              5,
		`touchpoint_state{channel="shop",rating="good",touchpoint="home"}`: 1,
		`touchpoint_interval_seconds{channel="shop",touchpoint="home"}`:    60,
		`touchpoint_rating{channel="shop",touchpoint="home"}`:              3,
	})
	want(t, like(got, "probe_phase"), map[string]float64{
		`probe_phase_seconds_count{channel="shop",phase="connect",touchpoint="home"}`: 1,
		`probe_phase_seconds_sum{channel="shop",phase="connect",touchpoint="home"}`:   0.4,
		`probe_phase_seconds_count{channel="shop",phase="wait",touchpoint="home"}`:    1,
		`probe_phase_seconds_sum{channel="shop",phase="wait",touchpoint="home"}`:      0.2,
		`probe_phase_seconds_count{channel="shop",phase="accept",touchpoint="home"}`:  0,
		`probe_phase_seconds_sum{channel="shop",phase="accept",touchpoint="home"}`:    0,
	})
	for _, kept := range []string{"experience_total", "probe_duration"} {
		if !maps.Equal(like(got, kept), like(before, kept)) {
			t.Errorf("%s is %v, want it kept: %v", kept, like(got, kept), like(before, kept))
		}
	}
	want(t, like(got, "page_bytes"), map[string]float64{})
	fresh := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	fresh.Apply([]*probe.Channel{channelOf("shop", changed)}, nil)
	want(t, like(got, "agent_series{"), like(samples(t, fresh), "agent_series{"))
}

func TestApply_ChannelsAndTargets(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: "berlin-1"})
	topic := push()
	bare := &probe.Channel{Name: "bare", Type: probe.Custom}
	m.Apply([]*probe.Channel{channelOf("shop", topic), bare}, nil)
	got := samples(t, m)
	want(t, like(got, "channel_"), map[string]float64{
		`channel_info{channel="bare",location="berlin-1",type="custom"}`:                                                                                        1,
		`channel_info{channel="shop",location="berlin-1",owner_it="it@example.com",owner_marketing="brand@example.com",title="Channel shop",type="mobile_web"}`: 1,
		`channel_objective_ratio{channel="shop",location="berlin-1"}`:                                                                                           0.95,
		`channel_objective_window_seconds{channel="shop",location="berlin-1"}`:                                                                                  2419200,
		`channel_objective_review_timestamp_seconds{channel="shop",location="berlin-1"}`:                                                                        1806451200,
	})
	want(t, like(got, "touchpoint_info"), map[string]float64{
		`touchpoint_info{channel="shop",kind="push",location="berlin-1",target="::1",tier="standard",touchpoint="topic"}`: 1,
	})
}

func TestAgent(t *testing.T) {
	m := full(t)
	got := samples(t, m)
	for name, value := range map[string]float64{
		"config_last_reload_successful{}":                1,
		"config_last_reload_success_timestamp_seconds{}": 1_795_000_000,
		`config_info{hash="cafe"}`:                       1,
		"agent_blind{}":                                  1,
		"agent_schedule_lateness_seconds_count{}":        1,
		"agent_schedule_lateness_seconds_sum{}":          0.003,
		"agent_schedule_skipped_total{}":                 2,
		"agent_schedule_queue{}":                         1,
		"agent_recent_bytes{}":                           34567,
		"agent_series_limit{}":                           1000,
	} {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s is %v (present: %v), want %v", name, v, ok, value)
		}
	}
	m.Reloaded(false, time.Unix(1_796_000_000, 0), "bad")
	m.SetBlind(false)
	got = samples(t, m)
	for name, value := range map[string]float64{
		"config_last_reload_successful{}":                0,
		"config_last_reload_success_timestamp_seconds{}": 1_795_000_000,
		`config_info{hash="cafe"}`:                       1,
		"agent_blind{}":                                  0,
	} {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s is %v (present: %v), want %v", name, v, ok, value)
		}
	}
	if _, ok := got[`config_info{hash="bad"}`]; ok {
		t.Error("the hash of a refused configuration is exported")
	}
}
