package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// operations is for those who run the agents: whether what the other dashboards say can be trusted.
func operations() page {
	return page{
		uid: operationsUID, title: "Channelwatch: operations",
		text:     "Whether the agents measure on time, and what keeps them from it. Look here when results are unknown or a panel elsewhere is empty.",
		audience: []string{"it"}, from: "now-6h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			anyOf(labelVariable("agent", "Agent", "The agents to show, as Prometheus calls them.", "channelwatch_build_info", "instance")),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(""), configLoaded()},
		panels:      append(append(operationsNow(), operationsProbes()...), operationsReasons()...),
		closed:      []section{operationsBrowser(), operationsCost(), operationsTrust()},
	}
}

func operationsNow() []panel {
	const ofAgent = `{instance=~"$agent"}`
	return []panel{
		{
			id: 1, width: 6, height: 4, title: "Do all agents see their network?",
			text:  "Whether any agent has lost its own network, so that its results are unknown. Then the fault is here and not in the channels.",
			links: toHosts(),
			shows: stateTile([]state{{0, "All see", goodColor}, {1, "Blind", poorColor}}, now("max (channelwatch_agent_blind"+ofAgent+")")),
		},
		{
			id: 2, width: 6, height: 4, title: "Is the newest configuration in force?",
			text:  "Whether any agent refused its last configuration and goes on with the old one. Its log and status page say where the mistake is.",
			links: toHosts(),
			shows: stateTile([]state{{0, "Refused", poorColor}, {1, "In force", goodColor}}, now("min (channelwatch_config_last_reload_successful"+ofAgent+")")),
		},
		{
			id: 3, width: 6, height: 4, title: "How many results a second?",
			text:  "Results of all chosen agents a second. It follows from the configuration: a drop means skipped or late probes.",
			links: toHosts(),
			shows: number("cps", 2, now("sum (rate(channelwatch_experience_total"+ofAgent+"[$__rate_interval]))")),
		},
		{
			id: 4, width: 6, height: 4, title: "How many series are exported?",
			text:  "Series of channels, touchpoints and hosts. At the limit of the configuration the agents refuse new ones.",
			links: toHosts(),
			shows: number("none", 0, now("sum (channelwatch_agent_series"+ofAgent+")")),
		},
		{
			id: 5, width: 24, height: 6, title: "Which alerts fire?",
			text:  "Alerts of Channelwatch that fire at this moment. An empty table means that nobody has to act.",
			links: toShared(),
			shows: sheet(nil, []column{
				{field: "alertname", title: "Alert"},
				{field: "severity", title: "Severity", width: 120},
				{field: "channel", title: "Channel"},
				{field: "touchpoint", title: "Touchpoint"},
				{field: "instance", title: "Agent"},
			}, rows("A", `ALERTS{alertstate="firing", alertname=~"(Channel|Touchpoint|Certificate|Host|Agent|Config|Series|Shard|Push).+"}`)),
		},
	}
}

func operationsProbes() []panel {
	const ofAgent = `{instance=~"$agent"}`
	return []panel{
		{
			id: 6, width: 12, height: 8, title: "What do probes find?",
			text:  "Results a second by rating. The sum should be a straight line.",
			links: toShared(),
			shows: stacked("cps", over("A", "sum by (rating) (rate(channelwatch_experience_total"+ofAgent+"[$__rate_interval]))", "{{rating}}")),
		},
		{
			id: 7, width: 12, height: 8, title: "Do probes start on time?",
			text:  "How much later than planned probes started: half of them at most the lower line, all but one in a hundred the upper. Above 10 ms the host is too busy.",
			links: toHosts(),
			shows: lines("s",
				over("A", quantile(0.5, "channelwatch_agent_schedule_lateness_seconds", `instance=~"$agent"`), "p50"),
				over("B", quantile(0.99, "channelwatch_agent_schedule_lateness_seconds", `instance=~"$agent"`), "p99")),
		},
		{
			id: 8, width: 12, height: 8, title: "Are probes skipped or waiting?",
			text:  "Ticks a second that passed without a probe, and due probes that wait for a worker or for their host. Both should be zero.",
			links: toHosts(),
			shows: lines("none",
				over("A", "sum by (instance) (rate(channelwatch_agent_schedule_skipped_total"+ofAgent+"[$__rate_interval]))", "{{instance}}: skipped"),
				over("B", "sum by (instance) (channelwatch_agent_schedule_queue"+ofAgent+")", "{{instance}}: waiting")),
		},
		{
			id: 9, width: 12, height: 8, title: "Was an agent starved?",
			text:  "How late a timer woke each agent at worst, and how long its threads waited for a processor. Results taken in such moments are unknown.",
			links: toHosts(),
			shows: lines("s",
				over("A", "channelwatch_agent_timer_late_seconds"+ofAgent, "{{instance}}: timer"),
				over("B", "channelwatch_agent_turn_wait_seconds"+ofAgent, "{{instance}}: processor")),
		},
	}
}

func operationsReasons() []panel {
	return []panel{
		{
			id: 10, width: 12, height: 8, title: "Why were results below good?",
			text:  "Results of the five minutes before by what decided them, over all channels. One cause in many channels speaks of something they share.",
			links: toShared(),
			shows: stacked("none", over("A", `topk(12, sum by (cause) (touchpoint:channelwatch_experience:increase5m{rating=~"fair|poor"}) > 0)`, "{{cause}}")),
		},
		{
			id: 11, width: 12, height: 8, title: "Why were results unknown?",
			text:  "Results of the five minutes before that could not be measured, by reason. They are no fault of a channel: repair the agent or its host.",
			links: toHosts(),
			shows: stacked("none", over("A", `sum by (cause) (touchpoint:channelwatch_experience:increase5m{rating="unknown"}) > 0`, "{{cause}}")),
		},
	}
}

func operationsCost() section {
	const ofAgent = `{instance=~"$agent"}`
	return section{id: 20, title: "What the agents cost", panels: []panel{
		{
			id: 21, width: 8, height: 8, title: "How much processor time?",
			text:  "Processors that each agent keeps busy. It should follow the number of results a second.",
			links: toHosts(),
			shows: lines("none", over("A", ofAgents("rate(process_cpu_seconds_total"+ofAgent+"[$__rate_interval])"), "{{instance}}")).Decimals(3),
		},
		{
			id: 22, width: 8, height: 8, title: "How much memory?",
			text:  "Resident memory of each agent, and what its recent results with their evidence take of it. Both are bounded by the configuration.",
			links: toHosts(),
			shows: lines("bytes",
				over("A", ofAgents("process_resident_memory_bytes"+ofAgent), "{{instance}}"),
				over("B", "channelwatch_agent_recent_bytes"+ofAgent, "{{instance}}: recent results")),
		},
		{
			id: 23, width: 8, height: 8, title: "How many goroutines?",
			text:  "Goroutines of each agent. A line that only rises is a leak: please report it.",
			links: toHosts(),
			shows: lines("none", over("A", ofAgents("go_goroutines"+ofAgent), "{{instance}}")),
		},
	}}
}

func operationsTrust() section {
	const ofAgent = `{instance=~"$agent"}`
	return section{id: 30, title: "Scrapes, series and versions", panels: []panel{
		{
			id: 31, width: 8, height: 8, title: "How long does a scrape take?",
			text:  "Time that Prometheus needs to read each agent. It grows with the number of touchpoints and stays far below the scrape interval.",
			links: toHosts(),
			shows: lines("s", over("A", ofAgents("scrape_duration_seconds"+ofAgent), "{{instance}}")),
		},
		{
			id: 32, width: 8, height: 8, title: "Were series refused?",
			text:  "New series a second that were refused because of the limit. Anything above zero means that dashboards lack data: raise the limit.",
			links: toHosts(),
			shows: lines("cps", over("A", "rate(channelwatch_series_rejected_total"+ofAgent+"[$__rate_interval])", "{{instance}}")),
		},
		{
			id: 33, width: 8, height: 8, title: "What runs where?",
			text:  "Version, place and configuration of each agent. Agents that watch the same channels should agree.",
			links: toHosts(),
			shows: sheet(nil, []column{
				{field: "instance", title: "Agent"},
				{field: "version", title: "Version", width: 120},
				{field: "location", title: "Location", width: 120},
				{field: "hash", title: "Configuration"},
			},
				rows("A", "channelwatch_config_info"+ofAgent+"\n* on (instance, job) group_left (version, location)\n  topk by (instance, job) (1, channelwatch_agent_info)")),
		},
		{
			id: 34, width: 24, height: 8, title: "Which agent looks at which channel?",
			text:  "The channels of each agent. Where agents share channels, each is looked at by as many as the configuration says.",
			links: toShared(),
			shows: sheet(nil, []column{
				{field: "title", title: "Channel"},
				{field: "channel", title: "Name", width: 220},
				{field: "instance", title: "Agent", width: 220},
				{field: "location", title: "Location", width: 160},
			}, rows("A", "channelwatch_channel_info"+ofAgent)).WithTransformation(sortBy("Channel", false)),
		},
	}}
}
