package journey

import "github.com/channelwatch/channelwatch/internal/probe"

// The checks that only a journey can fail. What HTTP and expectations find wrong with a step has their own checks.
const (
	stepFailed    probe.CheckID = "journey_step_failed"
	stepSlow      probe.CheckID = "journey_step_slow"
	cleanupFailed probe.CheckID = "journey_cleanup_failed"
)

func checks() []probe.Check {
	return []probe.Check{
		{
			ID: stepFailed, Dimension: probe.Correct, Cap: probe.Poor, Title: "journey broken",
			Marketing: "Customers cannot go on, because a step does not give what the next one needs.",
			IT:        "A value that a later step needs is not in the answer, or cannot be used; compare the rule under extract with the body in the evidence.",
		},
		{
			ID: stepSlow, Dimension: probe.Fast, Cap: probe.Fair, Title: "slow step",
			Marketing: "Customers wait longer at one step than its owners allow.",
			IT:        "A step took longer than its budget; see which phase of it is the longest.",
		},
		{
			ID: cleanupFailed, Dimension: probe.Correct, Cap: probe.Good, Title: "cleanup failed",
			Marketing: "Our own test left something behind, such as an order that no customer made; customers do not notice.",
			IT:        "A cleanup step failed: remove by hand what the journey has made, and see its answer in the evidence.",
		},
	}
}

// The metrics of the kind, each with the names of the steps as its label.
const (
	stepSeconds  = "journey_step_seconds"
	stepPasses   = "journey_step_passes_total"
	stepFailures = "journey_step_failures_total"
)

func metrics() []probe.Metric {
	return []probe.Metric{
		{
			Name: stepSeconds, Help: "Time that customers wait at a step of a journey, failures included, in seconds.", Type: probe.Histogram,
			Label: "step", Buckets: []float64{0.1, 0.3, 1, 3, 10}, // the limits of a step, and where people give up
		},
		{Name: stepPasses, Help: "Steps of journeys that passed.", Type: probe.Counter, Label: "step"},
		{Name: stepFailures, Help: "Steps of journeys that failed; those after them are skipped and count nowhere.", Type: probe.Counter, Label: "step"},
	}
}
