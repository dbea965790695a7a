package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// push is what becomes of messages: whether they arrive, when, and why not. IT finds receivers, devices and receipts in closed
// rows.
func push() page {
	return page{
		uid: pushUID, title: "Channelwatch: push messages",
		text:     "Whether messages reach customers, how late, and what providers say to them. Accepted is not delivered: where nobody can see a message arrive, it says so.",
		audience: []string{"marketing", "it"}, from: "now-24h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			anyOf(labelVariable("channel", "Channel", "The channels whose messages to show.", silentSince, "channel")),
			anyOf(labelVariable("touchpoint", "Touchpoint", "The messages to show.", silentSince+`{channel=~"$channel"}`, "touchpoint")),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(`, channel=~"$channel"`)},
		panels:      append(append(pushWords(), pushTimes()...), pushReasons()...),
		closed:      []section{pushTrust(), pushReceivers(), pushReceipts()},
	}
}

// silentSince is recorded of every touchpoint that sends messages.
const silentSince = "touchpoint:channelwatch_push_silent_since_timestamp_seconds:max"

// silence is how long nothing has got through.
func silence() string { return "(time() - " + silentSince + "{" + ofPages + "})" }

// ofMessages reads a recorded series of a day of messages.
func ofMessages(series string) string { return ofDay(series, ofPages) }

// nameless is ofMessages for tables of several series, which merge by all labels.
func nameless(series string) string {
	return "max by (channel, touchpoint) (" + ofMessages(series) + ")"
}

// arrival is how long messages take to arrive: of an hour, or of a day where an hour holds too few of them.
func arrival(quantile string) string {
	return fmt.Sprintf("(\n  touchpoint:channelwatch_push_delivery_seconds:%[1]s_1h{%[2]s}\nor\n  last_over_time(touchpoint:channelwatch_push_delivery_seconds:%[1]s_1d{%[2]s}[15m])\n  and on (channel, touchpoint) channelwatch_touchpoint_interval_seconds > 1200\n)",
		quantile, ofPages)
}

// unseen is the share of messages of a day that nobody could see arrive.
func unseen() string {
	messages := func(outcome string) string {
		return "sum by (channel, touchpoint) (last_over_time(touchpoint_outcome:channelwatch_push_messages:increase1d{" + outcome + ofPages + "}[15m]))"
	}
	return messages(`outcome="unseen", `) + "\n/\n  (" + messages("") + " > 0)"
}

func pushWords() []panel {
	percent := []dashboard.DynamicConfigValue{decimals(1)}
	return []panel{
		{
			id: 1, width: 24, height: 2, title: "",
			shows: note("**How to read this.** We send messages of our own and watch them arrive. *On time* and *lost*: of the last day. " +
				"*Not seen*: the provider took it, and nobody can see whether it arrived."),
		},
		{
			id: 2, width: 24, height: 7, title: "Do messages get through?",
			text:  "Since when nothing has arrived, and how the messages of the last day did. Where nobody can see them arrive, the last acceptance counts: start with what has been silent longest.",
			links: toShared(),
			shows: sheet([]string{"channel", "touchpoint"}, []column{
				{field: "title", title: "Touchpoint", extra: linked(append(messagesOfRow(), touchpointOfRow()...)...)},
				{field: "Value #A", title: "Silent for", unit: "s", width: 120},
				{field: "Value #B", title: "On time", unit: "percentunit", width: 110, extra: percent},
				{field: "Value #C", title: "Lost", unit: "percentunit", width: 110, extra: percent},
				{field: "Value #D", title: "Half arrive within", unit: "s", width: 150},
				{field: "Value #E", title: "19 of 20 within", unit: "s", width: 150},
				{field: "limit_good", title: "Good up to (s)", width: 130},
				{field: "Value #F", title: "Not seen", unit: "percentunit", width: 110, extra: percent},
			},
				rows("A", withTouchpointLabels(silence(), "title, limit_good")),
				rows("B", nameless("touchpoint:channelwatch_push_on_time:ratio1d")),
				rows("C", nameless("touchpoint:channelwatch_push_lost:ratio1d")),
				rows("D", nameless("touchpoint:channelwatch_push_delivery_seconds:p50_1d")),
				rows("E", nameless("touchpoint:channelwatch_push_delivery_seconds:p95_1d")),
				rows("F", unseen()),
			),
		},
	}
}

func pushTimes() []panel {
	return []panel{
		{
			id: 3, width: 12, height: 8, title: "How long do messages take to arrive?",
			text:  "All but one in twenty of the hour before arrived within this time, of the day before where few are sent; the legend says what is still good. Lost ones are not in it: see them beside.",
			links: toOperations(),
			shows: lines("s",
				over("A", withLimit(arrival("p95")), "{{title}}{{good}}"),
				over("B", withTouchpoint(arrival("p50")), "{{title}}: half of them")),
		},
		{
			id: 4, width: 12, height: 8, title: "Which part of the messages gets lost?",
			text:  "The part of the messages of the hour before that the provider took and that never arrived, of the day before where few are sent. Anything that returns has a cause on the way: ask who runs it.",
			links: toOperations(),
			shows: lines("percentunit", over("A", withTouchpoint(ofMessages("touchpoint:channelwatch_push_lost:ratio")), "{{title}}")).Max(1),
		},
		{
			id: 5, width: 12, height: 8, title: "How long has nothing arrived?",
			text:  "Time since the last message got through. A line that climbs for more than four intervals raises an alert, whether messages are lost, refused or not sent; but not of a test device that is gone, and not of your own sender, which sends when it has to.",
			links: toOperations(),
			shows: lines("s", over("A", withTouchpoint(silence()), "{{title}}")),
		},
		{
			id: 6, width: 12, height: 8, title: "What was not seen to arrive?",
			text:  "The share of the messages of the last day whose arrival nobody could see. Their acceptance proves little: a test device with receipts would say more.",
			links: toOperations(),
			shows: plainBars("title", "percentunit", unknownColor, 1.1, messagesOfRow(), rows("A", withTouchpoint("(\n"+unseen()+"\n)"))),
		},
	}
}

// wording is a value of a label, and what people call it.
type wording struct{ value, words string }

// inWords puts the words for the value of a label into the label said.
func inWords(expr, label string, all []wording) string {
	for _, w := range all {
		expr = fmt.Sprintf("label_replace(\n%s,\n\"said\", %q, %q, %q)", expr, w.words, label, w.value)
	}
	return expr
}

func outcomes() []wording {
	return []wording{
		{"delivered", "arrived on time"},
		{"late", "arrived late"},
		{"corrupted", "arrived garbled"},
		{"lost", "accepted, never arrived"},
		{"rejected", "turned away"},
		{"unsent", "could not be sent"},
		{"unseen", "accepted, arrival not seen"},
	}
}

func answers() []wording {
	return []wording{
		{"accepted", "accepted"},
		{"throttled", "too many messages"},
		{"credential_rejected", "sender not accepted"},
		{"target_gone", "device is gone"},
		{"target_invalid", "no such device"},
		{"message_invalid", "message not taken"},
		{"provider_failed", "trouble of its own"},
		{"other", "something else"},
		{"none", "no answer"},
	}
}

func pushReasons() []panel {
	summed := func(series, by string) string {
		return "sum by (" + by + ") (" + ofMessages(series) + ") > 0"
	}
	return []panel{
		{
			id: 7, width: 12, height: 8, title: "How did the messages of the last day end?",
			text:  "Every message ends in one of these ways. Accepted and never arrived is what no provider tells anybody.",
			links: toShared(),
			shows: plainBars("said", "none", unknownColor, noMax, nil, rows("A",
				inWords(summed("touchpoint_outcome:channelwatch_push_messages:increase1d", "outcome"), "outcome", outcomes()))),
		},
		{
			id: 8, width: 12, height: 8, title: "What did providers answer?",
			text:  "Answers of the last day in words that hold for all providers. Their own codes and reasons are with the results on the touchpoint's page in Channelwatch.",
			links: toShared(),
			shows: plainBars("said", "none", unknownColor, noMax, nil, rows("A",
				inWords(summed("touchpoint_answer:channelwatch_push_provider_responses:increase1d", "answer"), "answer", answers()))),
		},
	}
}
