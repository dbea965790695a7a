package main

// operationsBrowser tells of the browser that an agent starts for pages.
func operationsBrowser() section {
	const ofAgent = `{instance=~"$agent"}`
	return section{id: 40, title: "The browser", panels: []panel{
		{
			id: 41, width: 8, height: 8, title: "Which browser looks at pages?",
			text:  "The browser of each agent, and whether its sandbox is on. Figures of different browsers and versions are not to be compared.",
			links: toWeb(),
			shows: sheet(nil, []column{
				{field: "instance", title: "Agent"},
				{field: "browser", title: "Browser"},
				{field: "version", title: "Version"},
				{field: "sandbox", title: "Sandbox", width: 90},
			}, rows("A", "channelwatch_browser_info"+ofAgent)),
		},
		{
			id: 42, width: 8, height: 8, title: "Does the browser start, and what fails?",
			text:  "Starts of the browser, and its failures by reason. While it fails, what it should look at is unknown: the evidence of the touchpoint says what to install or change.",
			links: toWeb(),
			shows: stacked("none",
				over("A", "sum (increase(channelwatch_browser_launches_total"+ofAgent+"[$__rate_interval]))", "started"),
				over("B", "sum by (reason) (increase(channelwatch_browser_failures_total"+ofAgent+"[$__rate_interval]))", "{{reason}}")),
		},
		{
			id: 43, width: 8, height: 8, title: "Why was the browser replaced?",
			text:  "How often a browser was closed, by reason: nothing to do, its number of visits, its age or its memory. Mostly memory means pages that are too heavy for the limit.",
			links: toWeb(),
			shows: stacked("none", over("A", "sum by (why) (increase(channelwatch_browser_recycles_total"+ofAgent+"[$__rate_interval]))", "{{why}}")),
		},
		{
			id: 44, width: 8, height: 8, title: "How much memory does the browser take?",
			text:  "Memory of all processes of the browser of each agent, shared parts counted once. It is replaced above the limit of the configuration.",
			links: toHosts(),
			shows: lines("bytes", over("A", "channelwatch_browser_memory_bytes"+ofAgent, "{{instance}}")),
		},
		{
			id: 45, width: 8, height: 8, title: "How much processor time does the browser take?",
			text:  "Processors that the browser of each agent keeps busy. Near the number of the host's processors, its figures are those of the host and not of the pages.",
			links: toHosts(),
			shows: lines("none", over("A", "rate(channelwatch_browser_cpu_seconds_total"+ofAgent+"[$__rate_interval])", "{{instance}}")).Decimals(2),
		},
		{
			id: 46, width: 8, height: 8, title: "How many visits are there, and do others wait?",
			text:  "Visits of pages that each browser made, and all due probes of its agent that wait. One visit at a time is a measurement: where many wait, visit less often or with another agent.",
			links: toHosts(),
			shows: lines("none",
				over("A", "increase(channelwatch_browser_visits_total"+ofAgent+"[$__rate_interval])", "{{instance}}: visits"),
				over("B", "channelwatch_agent_schedule_queue"+ofAgent+" and on (instance, job) channelwatch_browser_running", "{{instance}}: waiting")),
		},
	}}
}
