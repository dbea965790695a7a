package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// journeys is how far customers come: which step they are stuck at, and which one makes them wait.
func journeys() page {
	return page{
		uid: journeysUID, title: "Channelwatch: journeys",
		text:     "Whether customers get done what they came for: log in, search, put into the basket. Each step is walked as a customer walks it, and the first that fails ends the way.",
		audience: []string{"marketing", "it"}, from: "now-24h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			anyOf(labelVariable("channel", "Channel", "The channels whose journeys to show.", stepPasses+"increase1h", "channel")),
			anyOf(labelVariable("touchpoint", "Journey", "The journeys to show.", stepPasses+`increase1h{channel=~"$channel"}`, "touchpoint")),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(`, channel=~"$channel"`)},
		panels:      append(journeySteps(), journeyTimes()...),
		closed:      []section{journeyPhases()},
	}
}

// What is recorded of each step.
const (
	stepPasses   = "touchpoint_step:channelwatch_journey_step_passes:"
	stepFailures = "touchpoint_step:channelwatch_journey_step_failures:"
	stepSeconds  = "touchpoint_step:channelwatch_journey_step_seconds:"
)

// counted is what was counted of a step within an hour or a day.
func counted(series, within string) string {
	if within == "1d" {
		return ofDay(series+"increase1d", ofPages)
	}
	return series + "increase1h{" + ofPages + "}"
}

// walked is how often each step was walked.
func walked(within string) string {
	return "(" + counted(stepPasses, within) + " + " + counted(stepFailures, within) + ")"
}

// stepMean is the mean time of a step.
func stepMean(within string) string {
	return counted(stepSeconds, within) + "\n/\n(" + walked(within) + " > 0)"
}

func journeySteps() []panel {
	percent := []dashboard.DynamicConfigValue{decimals(1)}
	return []panel{
		{
			id: 1, width: 24, height: 2, title: "",
			shows: note("**How to read this.** A journey walks its steps in order, as a customer does. The first step that fails ends the way: " +
				"the steps after it are not reached and count nowhere."),
		},
		{
			id: 2, width: 14, height: 10, title: "How does each step do?",
			text:  "The steps of the last day. Start with the lowest share that passed; among those that pass, with the largest share of the time.",
			links: toShared(),
			shows: sheet([]string{"channel"}, []column{
				{field: "touchpoint", title: "Journey"},
				{field: "step", title: "Step"},
				{field: "Value #A", title: "Passed", unit: "percentunit", width: 110, extra: percent},
				{field: "Value #B", title: "Mean time", unit: "s", width: 120},
				{field: "Value #C", title: "Of the journey's time", unit: "percentunit", width: 170, extra: percent},
				{field: "Value #D", title: "Walked", unit: "none", width: 100, extra: []dashboard.DynamicConfigValue{decimals(0)}},
			},
				rows("A", counted(stepPasses, "1d")+"\n/\n("+walked("1d")+" > 0)"),
				rows("B", stepMean("1d")),
				rows("C", counted(stepSeconds, "1d")+"\n/ on (channel, touchpoint) group_left ()\n(sum by (channel, touchpoint) ("+counted(stepSeconds, "1d")+") > 0)"),
				rows("D", walked("1d")),
			),
		},
		{
			id: 3, width: 10, height: 10, title: "Where do people get stuck?",
			text:  "How often the last day's journeys ended at each step. Why is on the touchpoint's page in Channelwatch, with what was asked and answered.",
			links: toShared(),
			shows: plainBars("stuck", "none", unknownColor, noMax, nil, rows("A",
				"label_join(\n"+counted(stepFailures, "1d")+" > 0,\n\"stuck\", \": \", \"touchpoint\", \"step\")")),
		},
	}
}

func journeyTimes() []panel {
	return []panel{
		{
			id: 4, width: 12, height: 8, title: "How long does the whole way take?",
			text:  "All but one in ten journeys took no longer; the legend says what is still good. The waiting of all steps, without what the test cleans up.",
			links: toOperations(),
			shows: lines("s", over("A", withLimit("(\n  touchpoint:channelwatch_probe_duration_seconds:p90_1h{"+ofPages+"}\nand on (channel, touchpoint) "+stepPasses+"increase1h\n)"), "{{title}}{{good}}")),
		},
		{
			id: 5, width: 12, height: 8, title: "Which step makes people wait?",
			text:  "The mean time of each step over the hour before, one on the other. A band that grows alone names the service to look at.",
			links: toOperations(),
			shows: stacked("s", over("A", stepMean("1h"), "{{touchpoint}}: {{step}}")),
		},
		{
			id: 6, width: 24, height: 8, title: "When did which step fail?",
			text:  "The share of walks of the hour before that ended at the step. Why is on the journey's page in Channelwatch: compare the time with releases and alerts.",
			links: toShared(),
			shows: lines("percentunit", over("A", counted(stepFailures, "1h")+"\n/\n("+walked("1h")+" > 0)", "{{touchpoint}}: {{step}}")).Max(1),
		},
	}
}

func journeyPhases() section {
	return section{id: 20, title: "For IT: time, phase by phase", panels: []panel{
		{
			id: 21, width: 24, height: 9, title: "Which phase takes the time?",
			text:  "The mean time of each phase over the hour before, all steps together. A phase that grows alone names the team to ask.",
			links: toOperations(),
			shows: lines("s", over("A", withTouchpoint("(\n  touchpoint_phase:channelwatch_probe_phase_seconds:mean1h{"+ofPages+"}\nand on (channel, touchpoint) "+stepPasses+"increase1h\n)"), "{{title}}: {{phase}}")),
		},
	}}
}
