package quality_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// Checks of a made-up kind: every dimension with every cap, named so that the order of ids differs from that of
// severity.
const (
	reachableFair probe.CheckID = "z_reachable_fair"
	correctPoor   probe.CheckID = "y_correct_poor"
	correctPoor2  probe.CheckID = "x_correct_poor"
	correctFair   probe.CheckID = "w_correct_fair"
	fastFair      probe.CheckID = "v_fast_fair"
	fastPoor      probe.CheckID = "zz_fast_poor"
	trustedPoor   probe.CheckID = "u_trusted_poor"
	trustedGood   probe.CheckID = "t_trusted_good"
	advice        probe.CheckID = "s_correct_excellent"
	hopeless      probe.CheckID = "r_unknown"
	lenient       probe.CheckID = "q_correct_good" // used as a reason, too
)

func catalogue(tb testing.TB) *probe.Catalogue {
	tb.Helper()
	c, err := probe.NewCatalogue([]probe.Kind{{Name: "test", Checks: []probe.Check{
		{ID: reachableFair, Dimension: probe.Reachable, Cap: probe.Fair},
		{ID: correctPoor, Dimension: probe.Correct, Cap: probe.Poor},
		{ID: correctPoor2, Dimension: probe.Correct, Cap: probe.Poor},
		{ID: correctFair, Dimension: probe.Correct, Cap: probe.Fair},
		{ID: fastFair, Dimension: probe.Fast, Cap: probe.Fair},
		{ID: fastPoor, Dimension: probe.Fast, Cap: probe.Poor},
		{ID: trustedPoor, Dimension: probe.Trusted, Cap: probe.Poor},
		{ID: trustedGood, Dimension: probe.Trusted, Cap: probe.Good},
		{ID: advice, Dimension: probe.Correct, Cap: probe.Excellent},
		{ID: hopeless, Dimension: probe.Trusted, Cap: probe.Unknown},
		{ID: lenient, Dimension: probe.Correct, Cap: probe.Good},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func limits() probe.Limits {
	return probe.Limits{Excellent: 100 * time.Millisecond, Good: 200 * time.Millisecond, Fair: 400 * time.Millisecond}
}

// dims writes the four dimensions in their order: reachable, correct, fast, trusted.
func dims(reachable, correct, fast, trusted probe.Rating) [probe.NumDimensions]probe.Rating {
	return [probe.NumDimensions]probe.Rating{reachable, correct, fast, trusted}
}

func findings(ids ...probe.CheckID) []probe.Finding {
	var out []probe.Finding
	for _, id := range ids {
		out = append(out, probe.Finding{Check: id})
	}
	return out
}

func TestRate(t *testing.T) {
	t.Parallel()
	const unknown, poor, fair, good, excellent = probe.Unknown, probe.Poor, probe.Fair, probe.Good, probe.Excellent
	fast := 50 * time.Millisecond
	tests := []struct {
		name   string
		limits probe.Limits
		result probe.Result
		want   quality.Verdict
	}{
		{
			"everything fine", limits(),
			probe.Result{Duration: fast},
			quality.Verdict{Rating: excellent, Dimensions: dims(excellent, excellent, excellent, excellent)},
		},
		{
			"no limits leave fast unmeasured",
			probe.Limits{},
			probe.Result{Duration: time.Hour},
			quality.Verdict{Rating: excellent, Dimensions: dims(excellent, excellent, unknown, excellent)},
		},
		{
			"no limits but a finding about speed",
			probe.Limits{},
			probe.Result{Findings: findings(fastFair)},
			quality.Verdict{Rating: fair, Dimension: probe.Fast, Cause: fastFair, Dimensions: dims(excellent, excellent, fair, excellent)},
		},
		{
			"good speed needs no cause", limits(),
			probe.Result{Duration: 200 * time.Millisecond},
			quality.Verdict{Rating: good, Dimensions: dims(excellent, excellent, good, excellent)},
		},
		{
			"fair speed without phases", limits(),
			probe.Result{Duration: 201 * time.Millisecond},
			quality.Verdict{Rating: fair, Dimension: probe.Fast, Cause: probe.Slow, Dimensions: dims(excellent, excellent, fair, excellent)},
		},
		{
			"good finding needs no cause", limits(),
			probe.Result{Duration: fast, Findings: findings(trustedGood)},
			quality.Verdict{Rating: good, Dimensions: dims(excellent, excellent, excellent, good)},
		},
		{
			"advice costs nothing", limits(),
			probe.Result{Duration: fast, Findings: findings(advice)},
			quality.Verdict{Rating: excellent, Dimensions: dims(excellent, excellent, excellent, excellent)},
		},
		{
			"the worst finding is the cause, not the first dimension", limits(),
			probe.Result{Duration: fast, Findings: findings(reachableFair, correctPoor)},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: correctPoor, Dimensions: dims(fair, poor, excellent, excellent)},
		},
		{
			"a tie goes to the first dimension", limits(),
			probe.Result{Duration: fast, Findings: findings(trustedPoor, correctPoor)},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: correctPoor, Dimensions: dims(excellent, poor, excellent, poor)},
		},
		{
			"a tie in a dimension goes to the smaller id", limits(),
			probe.Result{Duration: fast, Findings: findings(correctPoor, correctPoor2)},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: correctPoor2, Dimensions: dims(excellent, poor, excellent, excellent)},
		},
		{
			"a milder finding does not raise its dimension", limits(),
			probe.Result{Duration: fast, Findings: findings(correctPoor, correctFair)},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: correctPoor, Dimensions: dims(excellent, poor, excellent, excellent)},
		},
		{
			"a finding explains speed better than the limits", limits(),
			probe.Result{Duration: time.Hour, Findings: findings(fastPoor)},
			quality.Verdict{Rating: poor, Dimension: probe.Fast, Cause: fastPoor, Dimensions: dims(excellent, excellent, poor, excellent)},
		},
		{
			"unreachable leaves the rest unmeasured", limits(),
			probe.Result{Duration: time.Hour, Reason: probe.ConnectRefused},
			quality.Verdict{Rating: poor, Dimension: probe.Reachable, Cause: probe.ConnectRefused, Dimensions: dims(poor, unknown, unknown, unknown)},
		},
		{
			"unreachable keeps what was found about trust", limits(),
			probe.Result{Reason: probe.ResponseTimeout, Findings: findings(trustedGood)},
			quality.Verdict{Rating: poor, Dimension: probe.Reachable, Cause: probe.ResponseTimeout, Dimensions: dims(poor, unknown, unknown, good)},
		},
		{
			"a bad certificate was reachable", limits(),
			probe.Result{Reason: probe.TLSExpired},
			quality.Verdict{Rating: poor, Dimension: probe.Trusted, Cause: probe.TLSExpired, Dimensions: dims(excellent, unknown, unknown, poor)},
		},
		{
			"a truncated body was reachable", limits(),
			probe.Result{Duration: fast, Reason: probe.BodyTruncated},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: probe.BodyTruncated, Dimensions: dims(excellent, poor, unknown, unknown)},
		},
		{
			"the reason goes before a finding that ties", limits(),
			probe.Result{Reason: probe.EncodingInvalid, Findings: findings("body_too_large")},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: probe.EncodingInvalid, Dimensions: dims(excellent, poor, unknown, unknown)},
		},
		{
			"what was not completed is poor", limits(),
			probe.Result{Reason: lenient},
			quality.Verdict{Rating: poor, Dimension: probe.Correct, Cause: lenient, Dimensions: dims(excellent, poor, unknown, unknown)},
		},
		{
			"an unknown finding hides everything", limits(),
			probe.Result{Duration: time.Hour, Findings: findings(correctPoor, hopeless)},
			quality.Verdict{Rating: unknown, Cause: hopeless},
		},
		{
			"an unknown reason hides everything", limits(),
			probe.Result{Reason: probe.AgentStarved, Findings: findings(correctPoor)},
			quality.Verdict{Rating: unknown, Cause: probe.AgentStarved},
		},
		{
			"an undeclared check never rates a channel", limits(),
			probe.Result{Findings: findings("no_such_check")},
			quality.Verdict{Rating: unknown, Cause: probe.NotMeasured},
		},
		{
			"an undeclared reason never rates a channel", limits(),
			probe.Result{Reason: "no_such_check"},
			quality.Verdict{Rating: unknown, Cause: probe.NotMeasured},
		},
	}
	c := catalogue(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := quality.Rate(c, tt.limits, &tt.result)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRate_NamesTheLongestPhase(t *testing.T) {
	t.Parallel()
	want := map[probe.Phase]probe.CheckID{
		probe.Resolve: probe.SlowResolve,
		probe.Connect: probe.SlowConnect,
		probe.TLS:     probe.SlowTLS,
		probe.Send:    probe.Slow,
		probe.Wait:    probe.SlowServer,
		probe.Receive: probe.SlowDownload,
		probe.Accept:  probe.Slow,
		probe.Deliver: probe.SlowDelivery, probe.Discover: probe.SlowDiscovery, probe.Load: probe.SlowContent, probe.Render: probe.SlowRender,
	}
	c := catalogue(t)
	for longest := range probe.NumPhases {
		result := probe.Result{Duration: time.Second}
		for p := range probe.NumPhases {
			result.Phases.Add(p, time.Millisecond)
		}
		result.Phases.Add(longest, time.Second)
		got := quality.Rate(c, limits(), &result)
		if got.Rating != probe.Poor || got.Dimension != probe.Fast || got.Cause != want[longest] {
			t.Errorf("longest phase %v: got %v, %v because of %q, want poor, fast because of %q",
				longest, got.Rating, got.Dimension, got.Cause, want[longest])
		}
	}
}

func TestNotMeasured(t *testing.T) {
	t.Parallel()
	got := quality.NotMeasured(probe.AgentBlind)
	if want := (quality.Verdict{Cause: probe.AgentBlind}); got != want || got.Rating != probe.Unknown {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRate_AllocatesNothing(t *testing.T) {
	c := catalogue(t)
	for name, result := range map[string]probe.Result{
		"fine":     {Duration: time.Millisecond},
		"findings": {Duration: time.Hour, Findings: findings(correctPoor, trustedGood, fastFair)},
		"reason":   {Reason: probe.TLSExpired},
	} {
		if n := testing.AllocsPerRun(100, func() { quality.Rate(c, limits(), &result) }); n != 0 {
			t.Errorf("%s: got %v allocations, want none", name, n)
		}
	}
}

func BenchmarkRate(b *testing.B) {
	c := catalogue(b)
	result := probe.Result{Duration: 50 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		quality.Rate(c, limits(), &result)
	}
}
