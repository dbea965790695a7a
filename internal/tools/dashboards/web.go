package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// ofPages chooses the pages that are visited with a browser.
const ofPages = `channel=~"$channel", touchpoint=~"$touchpoint"`

// web is what a browser sees of pages: how they feel to customers first, what they load below, and in closed rows what
// customers' own browsers say, and how the same page does on another device.
func web() page {
	return page{
		uid: webUID, title: "Channelwatch: pages in a browser",
		text:     "How pages feel to customers who open them in a browser, and what these pages load. Marketing decides what is on them and IT how it is delivered: both find their part here.",
		audience: []string{"marketing", "it"}, from: "now-24h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			anyOf(labelVariable("channel", "Channel", "The channels whose pages to show.", `channelwatch_touchpoint_info{kind="browser"}`, "channel")),
			anyOf(labelVariable("touchpoint", "Page", "The pages to show.", `channelwatch_touchpoint_info{kind="browser", channel=~"$channel"}`, "touchpoint")),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(`, channel=~"$channel"`)},
		panels:      append(append(webWords(), webVitals()...), webContent()...),
		closed:      []section{webField(), webPairs(), webVisits()},
	}
}

// vital is a figure that Core Web Vitals or Lighthouse put bounds to.
type vital struct {
	name     string // value of the label vital
	word     string // title of a column
	question string // title of a chart
	meaning  string // its description, up to the bounds
	good     string // the bounds in words; good and fair are the same in numbers
	fair     string
	unless   string // which pages have other bounds; empty for none
	bounds   [2]float64
}

func vitals() []vital {
	return []vital{
		{
			"lcp", "Content is there", "How long until the main content is there?",
			"Largest Contentful Paint (LCP)", "2.5 s", "4 s", " where a page has no limits of its own",
			[2]float64{2.5, 4},
		},
		{
			"cls", "Stands still", "How much does the page jump?",
			"Cumulative Layout Shift (CLS)", "0.1", "0.25", "",
			[2]float64{0.1, 0.25},
		},
		{
			"tbt", "Free to react", "How long is the page too busy to react?",
			"Total Blocking Time (TBT)", "200 ms", "600 ms", "",
			[2]float64{0.2, 0.6},
		},
		{
			"inp", "Answers a click", "How long until a click shows?",
			"Interaction to Next Paint (INP), of pages where a step clicks", "200 ms", "500 ms", "",
			[2]float64{0.2, 0.5},
		},
		{
			"fcp", "First sign", "How long until anything shows?",
			"First Contentful Paint (FCP)", "1.8 s", "3 s", "",
			[2]float64{1.8, 3},
		},
		{
			"ttfb", "Server answers", "How long until the server answers?",
			"Time to First Byte (TTFB), the way to the server included", "800 ms", "1.8 s", "",
			[2]float64{0.8, 1.8},
		},
	}
}

func webWords() []panel {
	hidden := []string{"channel", "touchpoint"}
	cols := []column{{field: "title", title: "Page", extra: linked(append(pageOfRow(), touchpointOfRow()...)...)}}
	var queries []target
	for i, v := range vitals() {
		ref := string(rune('A' + i))
		expr := "max by (channel, touchpoint) (" + ofDay("touchpoint_vital:channelwatch_web_vital_rating:1d", fmt.Sprintf("vital=%q, %s", v.name, ofPages)) + ")"
		if i == 0 { // whose word is not recorded where a page has limits of its own
			measured := ofDay("touchpoint_vital:channelwatch_web_vital_seconds:p75_1d", fmt.Sprintf("vital=%q, %s", v.name, ofPages))
			expr = withTouchpoint("(" + expr + "\nor\n0 * max by (channel, touchpoint) (" + measured + "))")
		}
		cols = append(cols, column{field: "Value #" + ref, title: v.word, width: 150, extra: ratingCell()})
		queries = append(queries, rows(ref, expr))
	}
	return []panel{
		{
			id: 1, width: 24, height: 2, title: "",
			shows: note("**How to read this.** Each page is opened in a real browser every few minutes. Three of four visits were at least as good as shown, " +
				"which is how *Core Web Vitals* are judged. *Main content*, *anything* and *clicks*: seconds; *jumps*: part of the screen that moves."),
		},
		{
			id: 2, width: 24, height: 7, title: "How does each page feel?",
			text: "The word for each vital of the last day: excellent, good, fair or poor by the bounds of Core Web Vitals. Start with what is poor; the charts below show since when. " +
				"*Content is there* is unknown here for a page with limits of its own: its page in Channelwatch has the word.",
			links: toShared(),
			shows: sheet(hidden, cols, queries...),
		},
	}
}

func webVitals() []panel {
	var panels []panel
	for i, v := range vitals() {
		unit, expr := "s", fmt.Sprintf("touchpoint_vital:channelwatch_web_vital_seconds:p75_1h{vital=%q, %s}", v.name, ofPages)
		if v.name == "cls" {
			unit, expr = "none", "touchpoint:channelwatch_web_vital_layout_shift_ratio:p75_1h{"+ofPages+"}"
		}
		panels = append(panels, panel{
			id: uint32(3 + i), width: 8, height: 7, title: v.question,
			text: fmt.Sprintf("%s: three of four visits of the hour before were at least this good. Up to %s is good and above %s poor%s, as the dashed lines show; a step has a date, so look for what changed then.",
				v.meaning, v.good, v.fair, v.unless),
			links: toHosts(),
			shows: lines(unit, over("A", withTouchpoint(expr), "{{title}}")).Thresholds(bounds(v.bounds[0], v.bounds[1])).
				ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)),
		})
	}
	return panels
}

// each is one line for each page and value of a label, as the mean of all agents.
func each(ref, metric, by, legend string) target {
	labels := "channel, touchpoint"
	if by != "" {
		labels += ", " + by
	}
	return over(ref, withTouchpoint(fmt.Sprintf("avg by (%s) (%s{%s})", labels, metric, ofPages)), legend)
}

// ofOnePage is what the chosen pages have on average, by a label: the parts add up to the whole.
func ofOnePage(metric, by string) string {
	return fmt.Sprintf("sum by (%s) (%s)\n/ on () group_left ()\n  count (count by (channel, touchpoint) (%s{%s}))", by, mean(metric, by), metric, ofPages)
}

// share is the part of the whole that each value of a label has.
func share(metric, by string) string {
	return fmt.Sprintf("sum by (%s) (%s)\n/ on () group_left ()\n  sum (%s)", by, mean(metric, by), mean(metric, by))
}

// mean takes the mean of all agents.
func mean(metric, by string) string {
	return fmt.Sprintf("avg by (channel, touchpoint, %s) (%s{%s})", by, metric, ofPages)
}
