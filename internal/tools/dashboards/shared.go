package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// shared is the view that marketing and IT read together: words first, numbers below.
func shared() page {
	return page{
		uid: sharedUID, title: "Channelwatch: all channels",
		text:     "How good customers find each channel, and why it is not better. Marketing and IT read the same recorded numbers here.",
		audience: []string{"marketing", "it"}, from: "now-24h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			anyOf(labelVariable("channel", "Channel", "The channels to show.", "channelwatch_channel_info", "channel")),
			windowVariable(),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(`, channel=~"$channel"`)},
		panels:      append(sharedNow(), sharedWhy()...),
		closed:      []section{sharedEvidence()},
	}
}

func sharedNow() []panel {
	rated := withChannel(`channel:channelwatch_rating:5m{channel=~"$channel"}`, "title")
	return []panel{
		{
			id: 1, width: 24, height: 2, title: "",
			shows: note("**How to read this.** Each channel is *excellent*, *good*, *fair* or *poor*, as customers get it. " +
				"*Score*: share of good or excellent results. *Gap*: reachable, yet not good. *Unknown* is never counted as good or bad."),
		},
		{
			id: 2, width: 24, height: 4, title: "How good is each channel right now?",
			text:  "The rating of each channel over the last five minutes. Select a tile to see what it is made of.",
			shows: ratingTiles(channelOfSeries(), over("A", rated, "{{title}}")),
		},
		{
			id: 3, width: 24, height: 6, title: "When was it not good?",
			text:  "The rating of each channel over time; grey could not be measured. Select a band to open the channel, and zoom in to see short moments in long ranges.",
			shows: ratingTimeline(channelOfSeries(), over("A", rated, "{{title}}")),
		},
	}
}

func sharedWhy() []panel {
	const chosen = `channel=~"$channel"`
	lowest := "bottomk(12, " + recorded("channel:channelwatch_score", chosen, "") + ")"
	return []panel{
		{
			id: 4, width: 8, height: 7, title: "How good over the last ${window}?",
			text: "The score: the share of results that were good or excellent, the twelve lowest first. Start with the first bar.",
			shows: scoreBars(channelOfRow(),
				rows("A", withChannel(lowest, "title")),
				rows("B", withChannel("("+recorded("channel:channelwatch_rating", chosen, "")+" and on (channel) "+lowest+")", "title"))),
		},
		{
			id: 5, width: 8, height: 7, title: "How much does \"up\" hide?",
			text: "The experience gap: reachable for a monitor, but not good for a customer. A long bar means that uptime tells the wrong story.",
			shows: plainBars("title", "percent", fairColor, 110, channelOfRow(),
				rows("A", withChannel("topk(12, "+recorded("channel:channelwatch_gap", chosen, "")+")", "title"))),
		},
		{
			id: 6, width: 8, height: 7, title: "What took the points?",
			text:  "Points that each cause took from a channel's score; score and points add up to 100. The longest bar is the first thing to repair.",
			links: toPush(),
			shows: plainBars("what", "none", poorColor, 110, channelOfRow(), rows("A", lostPoints())),
		},
		{
			id: 7, width: 24, height: 7, title: "Why, in one line?",
			text:  "For each channel the rating now, the score, how it changed against a week before, whether it keeps what was agreed, and what took most points. Talk to the two owners named in the row.",
			shows: whyTable(),
		},
	}
}

// lostPoints labels each bar with channel and cause.
func lostPoints() string {
	lost := withCheck("topk(15, "+recorded("channel_cause:channelwatch_points_lost", `channel=~"$channel"`, "")+")", "title")
	why := "label_replace(\n" + lost + ",\n\"why\", \"$1\", \"title\", \"(.+)\")"
	return "label_join(\n" + withChannel(why, "title") + ",\n\"what\", \": \", \"title\", \"why\")"
}

func whyTable() cog.Builder[dashboard.Panel] {
	const chosen = `channel=~"$channel"`
	score := recorded("channel:channelwatch_score", chosen, "")
	change := []dashboard.DynamicConfigValue{decimals(1)}
	return sheet([]string{"channel"}, []column{
		{field: "title", title: "Channel", width: 220, extra: linked(channelOfRow()...)},
		{field: "Value #A", title: "Now", width: 110, extra: ratingCell()},
		{field: "Value #B", title: "Score", unit: "percent", width: 90, extra: []dashboard.DynamicConfigValue{decimals(1)}},
		{field: "Value #C", title: "Against a week before", unit: "suffix:points", width: 170, extra: change},
		{field: "Value #E", title: "Agreement", width: 110, extra: stateCell(agreementStates())},
		{field: "marketing", title: "Main cause", extra: wrapped()},
		{field: "owner_marketing", title: "Marketing", width: 200},
		{field: "owner_it", title: "IT", width: 200},
	},
		rows("A", withChannel(`channel:channelwatch_rating:5m{channel=~"$channel"}`, "title, owner_it, owner_marketing")),
		rows("B", score),
		rows("C", score+" - "+recorded("channel:channelwatch_score", chosen, " offset 7d")),
		rows("D", withCheck("topk by (channel) (1, "+recorded("channel_cause:channelwatch_points_lost", chosen+`, cause!="weakest_touchpoint"`, "")+")", "marketing")),
		rows("E", "max by (channel) ("+ofAgreement("state", chosen)+")"), // without its name, a label that the others lack
	)
}

func sharedEvidence() section {
	return section{id: 20, title: "For IT: what the words rest on", panels: []panel{
		{
			id: 21, width: 12, height: 8, title: "How did the scores move?",
			text:  "The score of each channel over the hour before each moment. Look for steps: they have a date, and usually a change behind them.",
			links: toOperations(),
			shows: lines("percent", over("A", withChannel(`channel:channelwatch_score:1h{channel=~"$channel"}`, "title"), "{{title}}")).Max(100),
		},
		{
			id: 22, width: 12, height: 8, title: "How much could not be measured?",
			text:  "The share of results over the last hour that are unknown. Above 40 % a channel has no rating: see why under operations.",
			links: toOperations(),
			shows: lines("percentunit", over("A", withChannel(`channel:channelwatch_unknown:ratio1h{channel=~"$channel"}`, "title"), "{{title}}")).Max(1),
		},
	}}
}
