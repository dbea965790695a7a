package assert

import "github.com/channelwatch/channelwatch/internal/probe"

// The checks that a List can find failing: one for each severity of a rule, and one for rules that cannot be applied.
const (
	AssertionPoor  probe.CheckID = "assertion_poor"
	AssertionFair  probe.CheckID = "assertion_fair"
	AssertionGood  probe.CheckID = "assertion_good"
	AssertionInfo  probe.CheckID = "assertion_info"
	AssertionError probe.CheckID = "assertion_error"
)

// AssertionChecks returns the part of the catalogue that every kind with a List declares. Findings of rules have the
// rule's name as their title, and its sentences when it has any.
//
// A rule that cannot be applied says that the rule may be wrong rather than the channel, so that nobody is to be woken
// by it; that nobody knows whether the answer is right keeps it from being good.
func AssertionChecks() []probe.Check {
	return []probe.Check{
		{
			ID: AssertionPoor, Dimension: probe.Correct, Cap: probe.Poor, Title: "must-have missing",
			Marketing: "Customers do not get something that they must get here.",
			IT:        "A rule of severity poor of this touchpoint is broken; its title names it, see the detail for what was wanted and what came.",
		},
		{
			ID: AssertionFair, Dimension: probe.Correct, Cap: probe.Fair, Title: "should-have missing",
			Marketing: "Customers do not get something that they should get here.",
			IT:        "A rule of severity fair of this touchpoint is broken; its title names it, see the detail for what was wanted and what came.",
		},
		{
			ID: AssertionGood, Dimension: probe.Correct, Cap: probe.Good, Title: "nice-to-have missing",
			Marketing: "Customers get what they need here, but not all that the owners of this touchpoint want for them.",
			IT:        "A rule of severity good of this touchpoint is broken; its title names it, see the detail for what was wanted and what came.",
		},
		{
			ID: AssertionInfo, Dimension: probe.Correct, Cap: probe.Excellent, Title: "worth knowing",
			Marketing: "Something here is different from what was expected; customers do not mind.",
			IT:        "A rule of severity info of this touchpoint is broken; its title names it, see the detail for what was wanted and what came.",
		},
		{
			ID: AssertionError, Dimension: probe.Correct, Cap: probe.Fair, Title: "rule not usable",
			Marketing: "Nobody can say whether customers get what they should get here: a rule does not fit the answer.",
			IT:        "A rule cannot be applied to the answer, such as a CEL expression that reads a missing key; check the rule and the data.",
		},
	}
}

// severityCheck returns the check of a broken rule of a severity, or nothing for a word that is none.
func severityCheck(severity string) probe.CheckID {
	switch severity {
	case "", "poor":
		return AssertionPoor
	case "fair":
		return AssertionFair
	case "good":
		return AssertionGood
	case "info":
		return AssertionInfo
	}
	return ""
}
