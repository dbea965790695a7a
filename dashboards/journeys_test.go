package dashboards_test

import (
	"fmt"
	"testing"
	"time"
)

// TestDashboards_ShowJourneys walks two made-up journeys for a day: one step of the first fails in one of ten walks.
func TestDashboards_ShowJourneys(t *testing.T) {
	t.Parallel()
	w := &past{end: time.Now().Add(-10 * time.Second).Truncate(time.Second)}
	const agent = `instance="a:1", job="channelwatch"`
	w.day(`channelwatch_channel_info{channel="app", type="mobile_app", title="App", `+agent+`}`, constant(1))
	for _, s := range []struct {
		touchpoint, step         string
		passes, failures, second float64 // a minute
	}{
		{"order", "log-in", 10, 0, 5},
		{"order", "add", 9, 1, 15},
		{"browse", "search", 4, 0, 8},
	} {
		at := fmt.Sprintf(`channel="app", touchpoint=%q, step=%q, `, s.touchpoint, s.step) + agent
		w.day(`channelwatch_journey_step_passes_total{`+at+`}`, upTo(s.passes))
		w.day(`channelwatch_journey_step_failures_total{`+at+`}`, upTo(s.failures))
		w.day(`channelwatch_journey_step_seconds_sum{`+at+`}`, upTo(s.second))
		w.day(`channelwatch_journey_step_seconds_count{`+at+`}`, upTo(s.passes+s.failures))
	}
	for name, title := range map[string]string{"order": "Order", "browse": "Browse"} {
		at := fmt.Sprintf(`channel="app", touchpoint=%q`, name)
		w.day(`channelwatch_touchpoint_info{kind="journey", limit_excellent="1", limit_good="4", limit_fair="12", title="`+title+`", `+at+", "+agent+`}`, constant(1))
		w.day(`touchpoint:channelwatch_probe_duration_seconds:p90_1h{`+at+`}`, constant(2))
		w.day(`touchpoint_phase:channelwatch_probe_phase_seconds:mean1h{phase="wait", `+at+`}`, constant(1.5))
	}
	p := startPrometheus(t, w.blocks(t), hastenedRules(t))
	eventually(t, "the last rule of each group", func() string {
		for _, recorded := range []string{
			"touchpoint_step:channelwatch_journey_step_seconds:increase1h", "touchpoint_step:channelwatch_journey_step_seconds:increase1d",
		} {
			if a, err := p.query(t.Context(), recorded, time.Now()); err != nil || len(a.samples) == 0 {
				return fmt.Sprintf("no %s (%v)", recorded, err)
			}
		}
		return ""
	})
	const uid = "channelwatch-journeys"
	byStep := func(panel int, ref string, logIn, add, search float64) webValue {
		return webValue{uid, panel, ref, nil, "touchpoint step", map[string]float64{"order log-in": logIn, "order add": add, "browse search": search}}
	}
	const minutes = 24 * 60
	for _, v := range []webValue{
		byStep(2, "A", 1, 0.9, 1),
		byStep(2, "B", 0.5, 1.5, 2),
		byStep(2, "C", 0.25, 0.75, 1),
		byStep(2, "D", 10*minutes, 10*minutes, 4*minutes),
		{uid, 3, "A", nil, "stuck", map[string]float64{"order: add": minutes}},
		{uid, 4, "A", nil, "title good", map[string]float64{"Order , good up to 4 s": 2, "Browse , good up to 4 s": 2}},
		byStep(5, "A", 0.5, 1.5, 2),
		byStep(6, "A", 0, 0.1, 0),
		{uid, 21, "A", nil, "title phase", map[string]float64{"Order wait": 1.5, "Browse wait": 1.5}},
	} {
		v.check(t, p, w.end)
	}
	checkData(t, p, named(t, uid))
}
