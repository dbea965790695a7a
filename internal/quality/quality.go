// Package quality turns a Result into a rating and its cause. It is pure: the same input gives the same verdict, and
// nothing here measures, stores or exports.
//
// Scores over time are computed by the recording rules, never here. So are the points that each cause costs a score:
// that they add up to what is missing rests on those rules and their tests. What this package holds up, and its
// property tests try, is that every rating below good has exactly one cause, in the dimension that decided it.
package quality

import "github.com/channelwatch/channelwatch/internal/probe"

// Verdict is the rating of one result and its explanation.
type Verdict struct {
	Rating     probe.Rating                      // the worst of the measured dimensions
	Dimension  probe.Dimension                   // of the cause; meaningful when Cause is not empty
	Cause      probe.CheckID                     // what decided a rating below good, or why it is unknown; else empty
	Dimensions [probe.NumDimensions]probe.Rating // Unknown: not measured
}

// Rate rates a result: each dimension gets the worst of its findings' caps and, for Fast, of the limits; the result
// gets its worst dimension. The cause is the worst finding, ties broken in the order of the dimensions, then the
// reason before findings, findings before slowness and findings by their id, so that the order in which a kind
// reports them never matters.
//
// A result with a Reason was not completed, which is poor whatever the cap of the reason says. Of its dimensions only
// those are measured that the reason or a finding speaks of, and Reachable, because a probe that failed for another
// reason got that far.
//
// A check whose cap is Unknown, and one that the catalogue does not know, makes the whole verdict Unknown.
func Rate(catalogue *probe.Catalogue, limits probe.Limits, result *probe.Result) Verdict {
	v := Verdict{Rating: probe.Excellent}
	v.Dimensions[probe.Reachable] = probe.Excellent
	var worst cause
	if result.Reason != "" {
		check, _ := catalogue.Check(result.Reason)
		v.lower(&worst, cause{min(check.Cap, probe.Poor), check.Dimension, fromReason, check.ID})
	} else {
		v.Dimensions[probe.Correct] = probe.Excellent
		v.Dimensions[probe.Trusted] = probe.Excellent
		v.rateSpeed(&worst, limits, result)
	}
	for i := range result.Findings {
		check, _ := catalogue.Check(result.Findings[i].Check)
		v.lower(&worst, cause{check.Cap, check.Dimension, fromFinding, check.ID})
	}
	switch {
	case worst.id == "":
		return v
	case worst.cap == probe.Unknown:
		return NotMeasured(worst.id)
	}
	v.Rating = worst.cap
	if v.Rating < probe.Good {
		v.Dimension, v.Cause = worst.dimension, worst.id
	}
	return v
}

// NotMeasured is the verdict on a result that says nothing about the channel. why is probe.NotMeasured,
// probe.AgentBlind or probe.AgentStarved.
func NotMeasured(why probe.CheckID) Verdict { return Verdict{Cause: why} }

// rateSpeed rates Fast by the limits; without limits it stays Unknown.
func (v *Verdict) rateSpeed(worst *cause, limits probe.Limits, result *probe.Result) {
	switch rating := limits.Rate(result.Duration); rating {
	case probe.Unknown:
	case probe.Excellent:
		v.Dimensions[probe.Fast] = probe.Excellent
	default:
		v.lower(worst, cause{rating, probe.Fast, fromLimits, slowest(&result.Phases)})
	}
}

// lower notes that a dimension is no better than c.cap and keeps the worst cause.
func (v *Verdict) lower(worst *cause, c cause) {
	if rating := &v.Dimensions[c.dimension]; *rating == probe.Unknown || c.cap < *rating {
		*rating = c.cap
	}
	if worst.id == "" || c.before(*worst) {
		*worst = c
	}
}

// slowest names the phase that made a result slow.
func slowest(phases *probe.Phases) probe.CheckID {
	longest, ok := phases.Longest()
	if !ok {
		return probe.Slow
	}
	switch longest {
	case probe.Resolve:
		return probe.SlowResolve
	case probe.Connect:
		return probe.SlowConnect
	case probe.TLS:
		return probe.SlowTLS
	case probe.Wait:
		return probe.SlowServer
	case probe.Receive:
		return probe.SlowDownload
	case probe.Deliver:
		return probe.SlowDelivery
	case probe.Discover:
		return probe.SlowDiscovery
	case probe.Load:
		return probe.SlowContent
	case probe.Render:
		return probe.SlowRender
	}
	return probe.Slow
}
