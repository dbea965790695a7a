package main

// pushTrust tells whether providers still know the sender and the test device.
func pushTrust() section {
	of := func(metric string) string {
		return "min by (channel, touchpoint) (channelwatch_push_" + metric + "{" + ofPages + "})"
	}
	return section{id: 20, title: "For IT: credentials and test devices", panels: []panel{
		{
			id: 21, width: 24, height: 7, title: "Are credentials, test devices and receivers in order?",
			text:  "What providers last said to the credential and to the test device, and whether our own receiver was ready. Nothing stands where nothing is known: no provider was asked yet, or there is no such thing.",
			links: toOperations(),
			shows: sheet([]string{"channel", "touchpoint"}, []column{
				{field: "title", title: "Touchpoint", extra: linked(messagesOfRow()...)},
				{field: "Value #B", title: "Credential", width: 130, extra: stateCell([]state{{0, "Rejected", poorColor}, {1, "Accepted", goodColor}})},
				{field: "Value #C", title: "Test device", width: 130, extra: stateCell([]state{{0, "Gone", poorColor}, {1, "Known", goodColor}})},
				{field: "Value #D", title: "Receiver", width: 130, extra: stateCell([]state{{0, "Not ready", poorColor}, {1, "Ready", goodColor}})},
				{field: "Value #E", title: "Certificate ends in", unit: "dtdurations", width: 170},
				{field: "Value #F", title: "Device's file is from", unit: "dtdurations", width: 170},
			},
				rows("A", withTouchpoint(silence())),
				rows("B", of("credential_ok")),
				rows("C", of("target_valid")),
				rows("D", of("receiver_up")),
				rows("E", `min by (channel, touchpoint) (channelwatch_push_credential_expiry_timestamp_seconds{what=~"tls_.+", `+ofPages+`}) - time()`),
				rows("F", "time() - "+of("target_refreshed_timestamp_seconds")),
			),
		},
	}}
}

// pushReceivers tells what arrived otherwise than it should, and what was not sent on purpose.
func pushReceivers() section {
	gained := func(metric, by string) string {
		return "sum by (" + by + ") (increase(channelwatch_push_" + metric + "{" + ofPages + "}[$__range]))"
	}
	each := func(ref, metric, legend string) target {
		return over(ref, withTouchpoint("sum by (channel, touchpoint) (increase(channelwatch_push_"+metric+"{"+ofPages+"}[$__rate_interval]))"), "{{title}}: "+legend)
	}
	return section{id: 30, title: "For IT: receivers, repeats and waits", panels: []panel{
		{
			id: 31, width: 12, height: 8, title: "Which messages arrived otherwise than they should?",
			text:  "Arrivals that came again, that were garbled or could not be decrypted, and those whose acceptance was not seen. Look for bridges in loops, and for keys that changed.",
			links: toOperations(),
			shows: stacked("none", each("A", "duplicates_total", "again"), each("B", "corrupted_total", "garbled"),
				each("C", "unacknowledged_deliveries_total", "not confirmed")),
		},
		{
			id: 32, width: 12, height: 8, title: "Which messages were held back?",
			text:  "Messages in the time range that were not sent on purpose, by reason. They are held back as long as the provider asks, or until a file changes.",
			links: toOperations(),
			shows: plainBars("said", "none", unknownColor, noMax, nil, rows("A", inWords(gained("skipped_total", "why")+" > 0", "why", []wording{
				{"throttled", "provider asked to wait"}, {"credential", "sender not accepted"}, {"target_invalid", "test device is gone"},
			}))),
		},
		{
			id: 33, width: 12, height: 8, title: "How often did receivers have to connect again?",
			text:  "New connections of our own receivers. Customers' devices are cut off as often: look for restarts and idle timeouts.",
			links: toOperations(),
			shows: stacked("none", each("A", "receiver_reconnects_total", "again")),
		},
		{
			id: 34, width: 12, height: 8, title: "How long do providers take to accept?",
			text:  "The mean time until the provider took a message. What messages take beyond it to arrive is spent behind the provider.",
			links: toOperations(),
			shows: lines("s", over("A", withTouchpoint("(\n  sum by (channel, touchpoint) (rate(channelwatch_push_accept_duration_seconds_sum{"+ofPages+"}[$__rate_interval]))\n/\n"+
				"  (sum by (channel, touchpoint) (rate(channelwatch_push_accept_duration_seconds_count{"+ofPages+"}[$__rate_interval])) > 0)\n)"), "{{title}}")),
		},
	}}
}

// pushReceipts tells what devices reported.
func pushReceipts() section {
	return section{id: 40, title: "For IT: receipts of devices", panels: []panel{
		{
			id: 41, width: 12, height: 8, title: "What is reported to the listener?",
			text:  "Receipts, reports of customers' own senders and heartbeats that were taken in. None at all means that no device reaches the public address.",
			links: toOperations(),
			shows: stacked("none", over("A", "sum by (what) (increase(channelwatch_push_receipts_total[$__rate_interval]))", "{{what}}")),
		},
		{
			id: 42, width: 12, height: 8, title: "Which receipts were rejected?",
			text:  "Receipts and reports that were not taken in, by reason. Expired ones came after the window: their message was counted as lost.",
			links: toOperations(),
			shows: stacked("none", over("A", "sum by (why) (increase(channelwatch_push_receipts_rejected_total[$__rate_interval]))", "{{why}}")),
		},
		{
			id: 43, width: 24, height: 8, title: "How many messages wait for their receipt?",
			text:  "Messages that customers' own senders reported and that are neither confirmed nor given up. A number that only grows means that no receipts come back.",
			links: toOperations(),
			shows: lines("none", over("A", withTouchpoint("sum by (channel, touchpoint) (channelwatch_push_outstanding_messages{"+ofPages+"})"), "{{title}}")),
		},
	}}
}
