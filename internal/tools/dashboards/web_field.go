package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// webField holds what customers' browsers report against our own visits.
func webField() section {
	const reported = `channel=~"$channel"`
	field := ofDay("group_device_vital:channelwatch_rum_web_vital_seconds:p75_1d", reported+`, vital="lcp"`)
	return section{id: 50, title: "Our visits against customers' own browsers", panels: []panel{
		{
			id: 51, width: 24, height: 8, title: "Do customers see what we measure?",
			text:  "What customers' browsers reported of each group of pages over the last day, beside our visits to the page of that name. Reports can be forged and few of them say little: where both differ by half, ask why before you trust either.",
			links: toShared(),
			shows: fieldTable(field),
		},
		{
			id: 52, width: 12, height: 8, title: "How do both move?",
			text:  "Largest Contentful Paint as customers report it, and as our visits see it: three of four over the day before were at least this fast. Lines that part have a reason: a cache, a country, a device that we do not test.",
			links: toHosts(),
			shows: lines("s",
				over("A", field, "{{channel}} {{page_group}}, {{device}}: customers"),
				over("B", withTouchpoint(ofDay("touchpoint_vital:channelwatch_web_vital_seconds:p75_1d", `vital="lcp", `+ofPages)), "{{title}}: our visits")),
		},
		{
			id: 53, width: 6, height: 8, title: "What becomes of reports?",
			text:  "Reports of browsers a second by what became of them. Many refused ones mean a wrong setting, or somebody who plays with the address.",
			links: toOperations(),
			shows: stacked("cps", over("A", "sum by (outcome) (rate(channelwatch_rum_beacons_total{"+reported+"}[$__rate_interval]))", "{{outcome}}")),
		},
		{
			id: 54, width: 6, height: 8, title: "Which values are left out?",
			text:  "Values of accepted reports that are not counted, by reason. They are of no use: names that nobody knows, or times that cannot be.",
			links: toOperations(),
			shows: stacked("cps", over("A", "sum by (why) (rate(channelwatch_rum_values_dropped_total{"+reported+"}[$__rate_interval]))", "{{why}}")),
		},
	}}
}

// fieldTable has a row for each group of pages and device.
func fieldTable(paint string) cog.Builder[dashboard.Panel] {
	ofVital := func(series, vital string) string {
		return "max by (channel, page_group, device) (" + ofDay("group_device_vital:channelwatch_rum_web_vital"+series, fmt.Sprintf(`channel=~"$channel", vital=%q`, vital)) + ")"
	}
	const ours = "sum by (channel, page_group) (label_replace(last_over_time(touchpoint_vital:channelwatch_web_vital_seconds:p75_1d{channel=~\"$channel\", vital=\"lcp\"}[15m]),\n\"page_group\", \"$1\", \"touchpoint\", \"(.+)\"))"
	paint = "max by (channel, page_group, device) (" + paint + ")"
	return sheet(nil, []column{
		{field: "channel", title: "Channel"},
		{field: "page_group", title: "Pages"},
		{field: "device", title: "Device", width: 100},
		{field: "Value #A", title: "Main content", unit: "s", width: 130},
		{field: "Value #B", title: "Our visits", unit: "s", width: 130},
		{field: "Value #C", title: "Content is there", width: 140, extra: ratingCell()},
		{field: "Value #D", title: "Answers a click", width: 140, extra: ratingCell()},
		{field: "Value #E", title: "Stands still", width: 140, extra: ratingCell()},
		{field: "Value #F", title: "Reports", width: 110},
	},
		rows("A", paint),
		rows("B", "0 * "+paint+"\n+ on (channel, page_group) group_left ()\n  "+ours),
		rows("C", ofVital("_rating:1d", "lcp")),
		rows("D", ofVital("_rating:1d", "inp")),
		rows("E", ofVital("_rating:1d", "cls")),
		rows("F", ofVital(":count1d", "lcp")),
	)
}

// webPairs compares one page on two devices.
func webPairs() section {
	const (
		time  = `last_over_time(touchpoint_vital:channelwatch_web_vital_seconds:p75_1d{vital="lcp"}[15m])`
		bytes = "sum by (channel, touchpoint) (avg by (channel, touchpoint, type) (channelwatch_page_load_bytes))"
		count = "sum by (channel, touchpoint) (avg by (channel, touchpoint, type) (channelwatch_page_load_requests))"
	)
	return section{id: 60, title: "The same page on two devices", panels: []panel{
		{
			id: 61, width: 24, height: 7, title: "Do phones get the same page?",
			text:  "Each page that is visited as a desktop and as a phone: what a phone has to wait, to load and to ask for, and how many times as much that is. Much more time for as many bytes is the network; more bytes is a page that was not made for phones.",
			links: toShared(),
			shows: pairTable(time, bytes, count),
		},
		{
			id: 62, width: 12, height: 8, title: "How long does the page take on each device?",
			text:  "Largest Contentful Paint of both sides of each pair: three of four visits of the hour before were at least this fast. What moves on one side only is of that device.",
			links: toHosts(),
			shows: lines("s", over("A", paired(`touchpoint_vital:channelwatch_web_vital_seconds:p75_1h{vital="lcp"}`), "{{pair}}: {{channel}}")),
		},
		{
			id: 63, width: 12, height: 8, title: "How heavy is the page on each device?",
			text:  "Bytes of both sides of each pair as transferred. A phone should never load more than a desktop.",
			links: toOperations(),
			shows: lines("bytes", over("A", paired(bytes), "{{pair}}: {{channel}}")),
		},
	}}
}

// pairTable has a row for each pair. A page that has more than one touchpoint for a device is as slow as the slowest.
func pairTable(time, bytes, count string) cog.Builder[dashboard.Panel] {
	cols := []column{{field: "pair", title: "Page"}}
	var queries []target
	for i, of := range []struct{ expr, title, times, unit string }{
		{time, "Main content", "Times as long", "s"},
		{bytes, "Weight", "Times as heavy", "bytes"},
		{count, "Requests", "Times as many", "none"},
	} {
		desktop, phone := side("and", of.expr), side("unless", of.expr)
		for j, part := range []struct{ title, unit, expr string }{
			{of.title + ", desktop", of.unit, desktop},
			{of.title + ", phone", of.unit, phone},
			{of.times, "none", phone + "\n/\n  " + desktop},
		} {
			ref := string(rune('A' + 3*i + j))
			cols = append(cols, column{field: "Value #" + ref, title: part.title, unit: part.unit, width: 150})
			queries = append(queries, rows(ref, part.expr))
		}
	}
	return sheet(nil, cols, queries...)
}

// side is what one side of each pair has.
func side(operator, measure string) string {
	return "max by (pair) (" + paired(measure) + "\n" + operator + " on (channel)\n  channelwatch_channel_info{type=\"desktop_web\"})"
}

// paired joins the name of the pair, where one of its touchpoints is chosen.
func paired(measure string) string {
	return measure + "\n* on (channel, touchpoint) group_left (pair)\n  topk by (channel, touchpoint) (1, channelwatch_touchpoint_info{pair!=\"\"})\nand on (pair)\n  channelwatch_touchpoint_info{pair!=\"\", " + ofPages + "}"
}
