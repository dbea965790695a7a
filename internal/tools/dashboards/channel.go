package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// channel is one channel: how good, when, in which dimension, and why not better. IT finds the phases in closed rows.
func channel() page {
	return page{
		uid: channelUID, title: "Channelwatch: one channel",
		text:     "How good one channel is, part by part, and what keeps it from being better. The closed rows hold what IT needs to repair it.",
		audience: []string{"marketing", "it"}, from: "now-24h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			labelVariable("channel", "Channel", "The channel to look at.", "channelwatch_channel_info", "channel"),
			anyOf(labelVariable("touchpoint", "Touchpoint", "The pages, calls or messages of the channel to show.",
				`channelwatch_touchpoint_info{channel="$channel"}`, "touchpoint")),
			windowVariable(),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(`, channel="$channel"`)},
		panels:      append(channelNow(), channelHistory()...),
		closed:      []section{channelAgreement(), channelNetwork(), channelContent(), channelPush()},
	}
}

func channelNow() []panel {
	return []panel{
		{
			id: 1, width: 4, height: 4, title: "How good is it right now?",
			text:  "The rating of the channel over the last five minutes. The band below shows which part of it is the reason.",
			links: toShared(),
			shows: ratingTiles(nil, over("A", withChannel(`channel:channelwatch_rating:5m{channel="$channel"}`, "title"), "{{title}}")),
		},
		{
			id: 2, width: 4, height: 4, title: "How good was it over ${window}?",
			text:  "The share of results that were good or excellent, but at most 20 above the weakest critical part. Compare it with what you agreed on.",
			links: toShared(),
			shows: number("percent", 1, now(recorded("channel:channelwatch_score", `channel="$channel"`, ""))),
		},
		{
			id: 3, width: 4, height: 4, title: "How often was it up?",
			text:  "The share of results that were reachable: what an uptime monitor would say. It is always at least the share that was good.",
			links: toShared(),
			shows: number("percent", 1, now(recorded("channel:channelwatch_up", `channel="$channel"`, ""))),
		},
		{
			id: 4, width: 4, height: 4, title: "How much does \"up\" hide?",
			text:  "The experience gap: points between what an uptime monitor says and what customers get. The causes below say what it consists of.",
			links: toShared(),
			shows: number("suffix:points", 1, now(recorded("channel:channelwatch_gap", `channel="$channel"`, ""))),
		},
		{
			id: 12, width: 4, height: 4, title: "Is the agreement kept?",
			text:  "Whether the score over the agreed window is at least what both owners agreed on; at risk when less than a quarter of what may be bad is left. Open the row of the agreement below for the figures.",
			links: toShared(),
			shows: stateTile(agreementStates(), now(ofAgreement("state", `channel="$channel"`))),
		},
		{
			id: 13, width: 4, height: 4, title: "How much may still be bad?",
			text:  "The part of the results that may be bad in the agreed window and has not been used up. Below zero the agreement is broken: talk about it.",
			links: toShared(),
			shows: number("percentunit", 0, now(ofAgreement("budget_left:ratio", `channel="$channel"`))),
		},
	}
}

func channelHistory() []panel {
	const ofChannel = `{channel="$channel", touchpoint=~"$touchpoint"}`
	return []panel{
		{
			id: 5, width: 24, height: 7, title: "Which part was not good, and when?",
			text:  "The rating of each touchpoint over time; grey could not be measured. Select a band to see only this touchpoint below.",
			shows: ratingTimeline(touchpointOfSeries(), over("A", withTouchpoint("touchpoint:channelwatch_rating:5m"+ofChannel), "{{title}}")),
		},
		{
			id: 6, width: 24, height: 6, title: "Why is it not better over ${window}?",
			text:  "What took points from the channel's score, with a sentence for each side. Score and points add up to 100: the first row is worth most.",
			links: toOperations(),
			shows: sheet(nil, []column{
				{field: "Value", title: "Points", width: 90, extra: []dashboard.DynamicConfigValue{decimals(1)}},
				{field: "title", title: "Cause", width: 190},
				{field: "marketing", title: "What customers get", extra: wrapped()},
				{field: "it", title: "What IT can look at", extra: wrapped()},
			}, rows("A", withCheck(recorded("channel_cause:channelwatch_points_lost", `channel="$channel"`, ""), "title, marketing, it"))).
				WithTransformation(sortBy("Points", true)),
		},
		{
			id: 7, width: 12, height: 6, title: "Is it reachable, correct, fast and trusted?",
			text:  "The worst touchpoint in each of the four dimensions, by its last result. Grey means that the dimension was not measured.",
			links: toOperations(),
			shows: ratingTimeline(nil, over("A", `channel_dimension:channelwatch_dimension_rating:min{channel="$channel"}`, "{{dimension}}")),
		},
		{
			id: 8, width: 12, height: 6, title: "How good was each day?",
			text:  "The rating of each of the last 28 days, taken over 24 hours. Days before the first measurement are empty.",
			links: toShared(),
			shows: ratingDays(over("A", withChannel(`channel:channelwatch_rating:1d{channel="$channel"}`, "title"), "{{title}}")),
		},
		{
			id: 9, width: 12, height: 8, title: "How long do customers wait?",
			text:  "Nine of ten results of the hour before were at least this fast; the legend says what is still good. Steps upwards have a date: look for what changed then.",
			links: toHosts(),
			shows: lines("s", over("A", withLimit("touchpoint:channelwatch_probe_duration_seconds:p90_1h"+ofChannel), "{{title}}{{good}}")),
		},
		{
			id: 10, width: 12, height: 8, title: "Which causes come and go?",
			text:  "Points that each cause took from the score of the hour before. A cause that returns at the same time each day has a schedule behind it.",
			links: toOperations(),
			shows: stacked("none", over("A", withCheck(`channel_cause:channelwatch_points_lost:1h{channel="$channel"}`, "title"), "{{title}}")).Max(100),
		},
		{
			id: 11, width: 24, height: 7, title: "What is wrong at this moment?",
			text:  "Touchpoints whose last result was below good or could not be measured. An empty table means that all is well.",
			links: toOperations(),
			shows: sheet([]string{"channel", "touchpoint"}, []column{
				{field: "title", title: "Touchpoint", width: 180, extra: linked(touchpointOfRow()...)},
				{field: "rating", title: "Rating", width: 100, extra: wordCell()},
				{field: "dimension", title: "Dimension", width: 110},
				{field: "it", title: "What IT can look at", extra: wrapped()},
				{field: "instance", title: "Seen by agent", width: 180},
			}, rows("A", withTouchpoint(withCheck(
				`channelwatch_touchpoint_state{channel="$channel", touchpoint=~"$touchpoint", rating=~"unknown|poor|fair"}`, "it")))),
		},
	}
}

func channelAgreement() section {
	const ofChannel = `channel="$channel"`
	return section{id: 50, title: "The agreement", panels: []panel{
		{
			id: 51, width: 12, height: 8, title: "How close is the score to what was agreed?",
			text:  "The score over the agreed window, and the score that both owners agreed on. While the upper line is the measured one, the agreement is kept.",
			links: toShared(),
			shows: lines("percent",
				over("A", ofAgreement("score", ofChannel), "measured"),
				over("B", ofAgreement("objective", ofChannel), "agreed")).Max(100),
		},
		{
			id: 52, width: 12, height: 8, title: "How much of the agreed window has been measured?",
			text:  "The share of the agreed window for which there are results. Below half it is too early to speak of the agreement.",
			links: toOperations(),
			shows: lines("percentunit", over("A", ofAgreement("coverage:ratio", ofChannel), "measured")).Max(1),
		},
	}}
}

func channelNetwork() section {
	const ofChannel = `{channel="$channel", touchpoint=~"$touchpoint"}`
	return section{id: 20, title: "For IT: time, phase by phase, and certificates", panels: []panel{
		{
			id: 21, width: 16, height: 9, title: "Which phase takes the time?",
			text:  "The mean time of each phase over the hour before, for each touchpoint. A phase that grows alone names the team to ask.",
			links: toHosts(),
			shows: lines("s", over("A", withTouchpoint("touchpoint_phase:channelwatch_probe_phase_seconds:mean1h"+ofChannel), "{{title}}: {{phase}}")),
		},
		{
			id: 22, width: 8, height: 9, title: "How long do the certificates last?",
			text:  "Time until the certificate of each touchpoint ends. Renewal should have happened before a third of the lifetime is left.",
			links: toOperations(),
			shows: plainBars("title", "dtdurations", unknownColor, noMax, nil, rows("A", withTouchpoint(
				"(min by (channel, touchpoint) (channelwatch_tls_certificate_not_after_timestamp_seconds"+ofChannel+") - time())"))),
		},
	}}
}

func channelContent() section {
	const ofChannel = `{channel="$channel", touchpoint=~"$touchpoint"}`
	return section{id: 30, title: "For IT: weight and second looks", panels: []panel{
		{
			id: 31, width: 12, height: 8, title: "How heavy are the pages and answers?",
			text:  "Bytes of each document or answer as transferred. A page that suddenly weighs nothing is as suspicious as one that doubles.",
			links: toWeb(),
			shows: lines("bytes",
				over("A", withTouchpoint("max by (channel, touchpoint) (channelwatch_page_bytes"+ofChannel+")"), "{{title}}"),
				over("B", withTouchpoint("max by (channel, touchpoint) (channelwatch_api_response_bytes"+ofChannel+")"), "{{title}}")),
		},
		{
			id: 32, width: 12, height: 8, title: "Do second looks confirm what was poor?",
			text:  "A poor result is looked at again at once: these looks wake people or let them sleep, and never count in the score. Many that clear speak of short faults.",
			links: toOperations(),
			shows: stacked("none",
				over("A", "sum (increase(channelwatch_rechecks_total{channel=\"$channel\", touchpoint=~\"$touchpoint\", confirmed=\"true\"}[$__rate_interval]))", "confirmed"),
				over("B", "sum (increase(channelwatch_rechecks_total{channel=\"$channel\", touchpoint=~\"$touchpoint\", confirmed=\"false\"}[$__rate_interval]))", "cleared")),
		},
	}}
}

func channelPush() section {
	const ofChannel = `channel="$channel", touchpoint=~"$touchpoint"`
	return section{id: 40, title: "For IT: push messages", panels: []panel{
		{
			id: 41, width: 12, height: 8, title: "How did messages end?",
			text:  "Messages of the last day by how they ended. What was accepted and never arrived is lost, and no provider tells anybody.",
			links: toPush(),
			shows: plainBars("said", "none", unknownColor, noMax, nil, rows("A", inWords(
				"sum by (outcome) ("+ofDay("touchpoint_outcome:channelwatch_push_messages:increase1d", ofChannel)+") > 0", "outcome", outcomes()))),
		},
		{
			id: 42, width: 12, height: 8, title: "How long has nothing arrived?",
			text:  "Time since a message last got through, for each touchpoint. It should stay below a few intervals.",
			links: toPush(),
			shows: lines("s", over("A", withTouchpoint("(time() - "+silentSince+"{"+ofChannel+"})"), "{{title}}")),
		},
	}}
}
