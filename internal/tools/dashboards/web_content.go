package main

// webContent is what pages are made of, and what of it goes wrong.
func webContent() []panel {
	return []panel{
		{
			id: 10, width: 12, height: 8, title: "What does the main content wait for?",
			text:  "The parts of the time until the main content is there, on average over the chosen pages and the hour before. Until the first byte it is the server and the network; discover is how late the page names its content, load the content's own way, and render what keeps it from the screen.",
			links: toHosts(),
			shows: stacked("s", over("A", mainContentParts(), "{{phase}}")),
		},
		{
			id: 11, width: 12, height: 8, title: "What weighs how much?",
			text:  "Bytes of a page as transferred, by what they are, on average over the chosen pages. Pictures and scripts that grow with every campaign cost customers on the road their time.",
			links: toOperations(),
			shows: stacked("bytes", over("A", ofOnePage("channelwatch_page_load_bytes", "type"), "{{type}}")),
		},
		{
			id: 12, width: 12, height: 8, title: "Who brings the weight?",
			text:  "Bytes of a page by who sends them: first is the site itself, third are others, such as tags, ads and fonts. What others bring is a decision of marketing, and IT cannot make it faster.",
			links: toOperations(),
			shows: stacked("bytes", over("A", ofOnePage("channelwatch_page_party_bytes", "party"), "{{party}} party")),
		},
		{
			id: 13, width: 12, height: 8, title: "How many others take part?",
			text:  "Sites of others that each page loads from. A step upwards is a new tag: ask who approved it.",
			links: toOperations(),
			shows: lines("none", each("A", "channelwatch_page_third_party_sites", "", "{{title}}")),
		},
		{
			id: 14, width: 8, height: 8, title: "Which requests of the page fail?",
			text:  "Requests of each page that got no answer, or one with an error of 400 and more. The page's evidence names them.",
			links: toOperations(),
			shows: lines("none", each("A", "channelwatch_page_failed_requests", "failure", "{{title}}: {{failure}}")),
		},
		{
			id: 15, width: 8, height: 8, title: "Do scripts break?",
			text:  "Errors of scripts that nobody caught, and errors and warnings in the browser's console. A rise after a release belongs to it.",
			links: toOperations(),
			shows: lines("none",
				each("A", "channelwatch_page_js_errors", "", "{{title}}: not caught"),
				each("B", "channelwatch_page_console_messages", "level", "{{title}}: console {{level}}")),
		},
		{
			id: 16, width: 8, height: 8, title: "What is stored on devices before anybody agrees?",
			text:  "Cookies that each page sets on its first visit, by who sets them: first is the site itself, third are others. Third ones before consent are a matter for whoever answers for privacy.",
			links: toOperations(),
			shows: lines("none", each("A", "channelwatch_page_cookies", "party", "{{title}}: {{party}} party")),
		},
	}
}

// mainContentParts adds up to the mean Largest Contentful Paint of the chosen pages.
func mainContentParts() string {
	const parts = "touchpoint_phase:channelwatch_probe_phase_seconds:mean1h{" + ofPages + `} and on (channel, touchpoint) channelwatch_touchpoint_info{kind="browser"}`
	return "sum by (phase) (" + parts + ")\n/ on () group_left ()\n  count (count by (channel, touchpoint) (" + parts + "))"
}

func webVisits() section {
	return section{id: 70, title: "For IT: the visits", panels: []panel{
		{
			id: 71, width: 12, height: 8, title: "Over which protocol do pages come?",
			text:  "The share of the requests of the chosen pages by the version of HTTP. Much of HTTP/1 means many connections, each with its own delay; our visits go through a proxy, which has no HTTP/3.",
			links: toOperations(),
			shows: lines("percentunit", over("A", share("channelwatch_page_protocol_requests", "protocol"), "{{protocol}}")).Max(1),
		},
		{
			id: 72, width: 12, height: 8, title: "How many requests does a page make?",
			text:  "Requests of a page by what they are for, on average over the chosen pages. Hundreds of them fill the connection of a phone, whatever they weigh.",
			links: toOperations(),
			shows: stacked("none", over("A", ofOnePage("channelwatch_page_load_requests", "type"), "{{type}}")),
		},
		{
			id: 73, width: 8, height: 8, title: "What does a visit take?",
			text:  "How long each visit lasts, and how much processor time the browser spends on it. Both are what the agent's host must have.",
			links: toHosts(),
			shows: lines("s",
				each("A", "channelwatch_visit_seconds", "", "{{title}}"),
				each("B", "channelwatch_visit_cpu_seconds", "", "{{title}}: processor")),
		},
		{
			id: 74, width: 8, height: 8, title: "How much do visits differ?",
			text:  "The largest difference of the main content's time between the runs of one result. Where it is as large as the time itself, take more runs before you believe a figure.",
			links: toHosts(),
			shows: lines("s", each("A", "channelwatch_web_vital_spread_seconds", "", "{{title}}")),
		},
		{
			id: 75, width: 8, height: 8, title: "Do pages come to rest?",
			text:  "Whether each page stopped loading before its time was over: 1 when it did. What never rests, such as a polling tag, hides what comes late.",
			links: toOperations(),
			shows: lines("none", each("A", "channelwatch_visit_settled", "", "{{title}}")).Max(1),
		},
		{
			id: 76, width: 8, height: 8, title: "How large is the page inside?",
			text:  "Nodes of each page's document. Above 1,400 browsers spend noticeable time on every change.",
			links: toOperations(),
			shows: lines("none", each("A", "channelwatch_page_dom_nodes", "", "{{title}}")),
		},
		{
			id: 77, width: 8, height: 8, title: "How often do scripts hold the page up?",
			text:  "Tasks of more than 50 ms during a visit. Each of them keeps a customer's tap waiting.",
			links: toOperations(),
			shows: lines("none", each("A", "channelwatch_page_long_tasks", "", "{{title}}")),
		},
		{
			id: 78, width: 8, height: 8, title: "What is on the way to the page?",
			text:  "Redirects before each page, and requests of it without encryption. Both should be zero.",
			links: toOperations(),
			shows: lines("none",
				each("A", "channelwatch_page_redirects", "", "{{title}}: redirects"),
				each("B", "channelwatch_page_insecure_requests", "", "{{title}}: not encrypted")),
		},
	}}
}
