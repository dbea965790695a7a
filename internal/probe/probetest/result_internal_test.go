package probetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// A suite that finds nothing wrong with a wrong result is worse than none.
func TestCheckTimes(t *testing.T) {
	t.Parallel()
	page := probe.Profile{Phases: []probe.Phase{probe.Connect, probe.Wait}}
	message := probe.Profile{Phases: []probe.Phase{probe.Accept, probe.Deliver}}
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		profile        probe.Profile
		phase          time.Duration // connect; wait takes as long
		duration, took time.Duration
		wrong          bool
	}{
		"as it should be":           {page, 100 * ms, 200 * ms, 201 * ms, false},
		"rounded":                   {page, 100 * ms, 202 * ms, 202 * ms, false},
		"short and rounded":         {page, ms / 2, 2 * ms, 2 * ms, false},
		"busy machine":              {page, 100 * ms, 200 * ms, 900 * ms, false},
		"no phases":                 {page, 0, 200 * ms, 200 * ms, true},
		"short, without phases":     {page, 0, 2 * ms, 2 * ms, true},
		"a phase left out":          {page, 50 * ms, 200 * ms, 200 * ms, true},
		"a phase counted twice":     {page, 102 * ms, 200 * ms, 200 * ms, true},
		"longer than the probe":     {page, 100 * ms, 200 * ms, 199 * ms, true},
		"what hung left out":        {page, 5 * ms, 10 * ms, hangs, true},
		"message":                   {message, 0, 10 * ms, 2 * time.Second, false},
		"message longer than probe": {message, 0, 11 * ms, 10 * ms, true},
	} {
		got := answer{took: tc.took, result: probe.Result{Duration: tc.duration}}
		if tc.phase > 0 {
			got.result.Phases.Add(probe.Connect, tc.phase)
			got.result.Phases.Add(probe.Wait, tc.phase)
		}
		if err := checkTimes(tc.profile, got); (err != nil) != tc.wrong {
			t.Errorf("%s: got %v, want it to be wrong: %v", name, err, tc.wrong)
		}
	}
}

func TestSubject_Others(t *testing.T) {
	t.Parallel()
	subject := Subject{Kind: probe.Kind{Name: "test", Checks: []probe.Check{
		{ID: "wanted", Cap: probe.Poor}, {ID: "more", Cap: probe.Fair}, {ID: "unmeasured"}, {ID: "advice", Cap: probe.Good},
	}}}
	result := probe.Result{Findings: []probe.Finding{{Check: "wanted"}, {Check: "more"}, {Check: "wanted"}, {Check: "advice"}, {Check: "unmeasured"}, {Check: "foreign"}}}
	if diff := cmp.Diff([]probe.CheckID{"more", "unmeasured", "foreign"}, subject.others(t, &result, "wanted")); diff != "" {
		t.Errorf("checks below good beside the one that is wanted (-want +got):\n%s", diff)
	}
}
