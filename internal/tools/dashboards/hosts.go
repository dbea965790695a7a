package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// hosts shows what the machines did while their channels were not good, on one time axis.
func hosts() page {
	return page{
		uid: hostsUID, title: "Channelwatch: hosts beside their channels",
		text:     "What the computers did while their channels were not good. Which channel runs on which host is said in the configuration (serves), never guessed.",
		audience: []string{"it"}, from: "now-6h", refresh: "1m",
		variables: []cog.Builder[dashboard.VariableModel]{
			anyOf(labelVariable("host", "Host", "The hosts to show, as Prometheus calls their agents.", "channelwatch_host_uptime_seconds", "instance")),
		},
		annotations: []cog.Builder[dashboard.AnnotationQuery]{firingAlerts(`, instance=~"$host"`), configLoaded()},
		panels:      append(hostsVerdict(), hostsLoad()...),
		closed:      []section{hostsStorage(), hostsNetwork(), hostsCollectors()},
	}
}

func overloaded() []state {
	return []state{{0, "No", goodColor}, {1, "Overloaded", poorColor}}
}

func hostsVerdict() []panel {
	return []panel{
		{
			id: 1, width: 24, height: 6, title: "How good were the channels of these hosts?",
			text: "The ratings of the channels that run on the chosen hosts. Move along the time axis: the host's own state stands below on the same axis.",
			shows: ratingTimeline(channelOfSeries(), over("A", withChannel(
				"(channel:channelwatch_rating:5m and on (channel) channelwatch_host_serves_channel{instance=~\"$host\"})", "title"), "{{title}}")),
		},
		{
			id: 2, width: 24, height: 5, title: "When was the host overloaded?",
			text:  "Moments in which work waited for processor, memory or disk so long that it can explain slow answers. Compare it with the bands above.",
			links: toShared(),
			shows: timeline(overloaded(), nil, over("A", `instance:channelwatch_host_saturated:bool{instance=~"$host"}`, "{{instance}}")),
		},
		{
			id: 3, width: 24, height: 6, title: "Could the host explain it?",
			text: "Minutes in the time range in which a channel was below good, and how many of them the host was overloaded. Where the second number is small, look elsewhere.",
			shows: sheet([]string{"channel"}, []column{
				{field: "title", title: "Channel", extra: linked(channelOfRow()...)},
				{field: "instance", title: "Host"},
				{field: "Value #A", title: "Below good", unit: "m", width: 200, extra: []dashboard.DynamicConfigValue{decimals(0)}},
				{field: "Value #B", title: "Of these, host overloaded", unit: "m", width: 240, extra: []dashboard.DynamicConfigValue{decimals(0)}},
			},
				rows("A", withChannel("("+minutes(`instance_channel:channelwatch_below_good:bool{instance=~"$host"}`)+")", "title")),
				rows("B", minutes(`instance_channel:channelwatch_below_good_saturated:bool{instance=~"$host"}`))),
		},
	}
}

// minutes counts the half minutes in which a recorded yes or no was yes: the rhythm in which it is recorded.
func minutes(recorded string) string {
	return "sum by (channel, instance) (sum_over_time(" + recorded + "[$__range:30s])) / 2"
}

func hostsLoad() []panel {
	return []panel{
		{
			id: 4, width: 12, height: 7, title: "How busy are the processors?",
			text:  "Share of processor time that was used. Long times near 100 % with pressure below mean that work waits.",
			links: toShared(),
			shows: lines("percentunit", over("A", `1 - sum by (instance) (rate(channelwatch_host_cpu_seconds_total{instance=~"$host", mode=~"idle|iowait"}[$__rate_interval]))
/ sum by (instance) (rate(channelwatch_host_cpu_seconds_total{instance=~"$host"}[$__rate_interval]))`, "{{instance}}")).Max(1),
		},
		{
			id: 5, width: 12, height: 7, title: "How full is the memory?",
			text:  "Share of memory that programs can no longer get without swapping. Near 100 % the host swaps or kills programs.",
			links: toShared(),
			shows: lines("percentunit", over("A", `1 - channelwatch_host_memory_available_bytes{instance=~"$host"} / channelwatch_host_memory_total_bytes{instance=~"$host"}`, "{{instance}}")).Max(1),
		},
		{
			id: 6, width: 12, height: 7, title: "What does work wait for?",
			text:  "Share of time in which at least one task waited for a resource. This is what customers feel, however busy the processor looks.",
			links: toShared(),
			shows: lines("percentunit", over("A", `instance_resource:channelwatch_host_pressure:ratio5m{instance=~"$host"}`, "{{instance}}: {{resource}}")).Max(1),
		},
		{
			id: 7, width: 12, height: 7, title: "How busy are disks and network?",
			text:  "Share of time in which each disk was busy (left) and traffic of all interfaces (right). Both wait in line when they are full.",
			links: toShared(),
			shows: lines("percentunit",
				over("A", `rate(channelwatch_host_disk_active_seconds_total{instance=~"$host"}[$__rate_interval])`, "{{instance}}: disk {{device}}"),
				over("B", `sum by (instance) (rate(channelwatch_host_network_receive_bytes_total{instance=~"$host"}[$__rate_interval]))`, "{{instance}}: received"),
				over("C", `sum by (instance) (rate(channelwatch_host_network_transmit_bytes_total{instance=~"$host"}[$__rate_interval]))`, "{{instance}}: sent")).
				OverrideByRegexp("/received|sent/", []dashboard.DynamicConfigValue{
					{Id: "unit", Value: "Bps"}, {Id: "custom.axisPlacement", Value: "right"},
				}),
		},
	}
}

func hostsStorage() section {
	return section{id: 20, title: "Space, files and swap", panels: []panel{
		{
			id: 21, width: 8, height: 8, title: "How much space is left?",
			text:  "Share of each filesystem that is free. Programs fail without warning when it reaches zero.",
			links: toShared(),
			shows: lines("percentunit", over("A", `channelwatch_host_filesystem_available_bytes{instance=~"$host"} / channelwatch_host_filesystem_size_bytes{instance=~"$host"}`, "{{instance}}: {{mountpoint}}")).Max(1),
		},
		{
			id: 22, width: 8, height: 8, title: "How many files can still be open?",
			text:  "Share of the kernel's limit of open files that is in use. At the limit no connection is accepted.",
			links: toShared(),
			shows: lines("percentunit", over("A", `channelwatch_host_file_handles{instance=~"$host"} / channelwatch_host_file_handles_limit{instance=~"$host"}`, "{{instance}}")).Max(1),
		},
		{
			id: 23, width: 8, height: 8, title: "Does the host swap?",
			text:  "Bytes a second that came back from swap or went there. Steady traffic means that memory is missing.",
			links: toShared(),
			shows: lines("Bps",
				over("A", `rate(channelwatch_host_swap_read_bytes_total{instance=~"$host"}[$__rate_interval])`, "{{instance}}: read"),
				over("B", `rate(channelwatch_host_swap_written_bytes_total{instance=~"$host"}[$__rate_interval])`, "{{instance}}: written")),
		},
	}}
}

func hostsNetwork() section {
	return section{id: 30, title: "Disks and network in detail", panels: []panel{
		{
			id: 31, width: 8, height: 8, title: "How long does a disk take?",
			text:  "Mean time of a read or a write. Tens of milliseconds on a local disk mean that it is the bottleneck.",
			links: toShared(),
			shows: lines("s",
				over("A", perOperation("read_seconds_total", "reads_total"), "{{instance}}: {{device}} read"),
				over("B", perOperation("write_seconds_total", "writes_total"), "{{instance}}: {{device}} write")),
		},
		{
			id: 32, width: 8, height: 8, title: "Does the network lose packets?",
			text:  "Packets a second that an interface dropped or received broken. It should be zero.",
			links: toShared(),
			shows: lines("pps",
				over("A", `rate(channelwatch_host_network_receive_drops_total{instance=~"$host"}[$__rate_interval]) + rate(channelwatch_host_network_transmit_drops_total{instance=~"$host"}[$__rate_interval])`, "{{instance}}: {{device}} dropped"),
				over("B", `rate(channelwatch_host_network_receive_errors_total{instance=~"$host"}[$__rate_interval]) + rate(channelwatch_host_network_transmit_errors_total{instance=~"$host"}[$__rate_interval])`, "{{instance}}: {{device}} broken")),
		},
		{
			id: 33, width: 8, height: 8, title: "How much has to be sent again?",
			text:  "TCP segments sent again beside those sent. More than a few in a hundred slow every channel on this host.",
			links: toShared(),
			shows: lines("percentunit", over("A", `rate(channelwatch_host_tcp_retransmits_total{instance=~"$host"}[$__rate_interval])
/ (rate(channelwatch_host_tcp_retransmits_total{instance=~"$host"}[$__rate_interval]) + rate(channelwatch_host_tcp_sent_segments_total{instance=~"$host"}[$__rate_interval]) > 0)`, "{{instance}}")),
		},
	}}
}

// perOperation divides time by number; where nothing was done there is no value.
func perOperation(time, count string) string {
	const of = `{instance=~"$host"}[$__rate_interval])`
	return "rate(channelwatch_host_disk_" + time + of + "\n/ (rate(channelwatch_host_disk_" + count + of + " > 0)"
}

func hostsCollectors() section {
	return section{id: 40, title: "Clock and collectors", panels: []panel{
		{
			id: 41, width: 12, height: 7, title: "Is the clock kept right?",
			text:  "Whether a time service keeps the host's clock right. With a wrong clock, certificates and times of results cannot be trusted.",
			links: toOperations(),
			shows: timeline([]state{{0, "No", poorColor}, {1, "Yes", goodColor}}, nil,
				over("A", `channelwatch_host_clock_synchronized{instance=~"$host"}`, "{{instance}}")),
		},
		{
			id: 42, width: 12, height: 7, title: "Could everything be read?",
			text:  "Whether each part of the host could be read. A part that fails leaves its panels above without data.",
			links: toOperations(),
			shows: timeline([]state{{0, "Failed", poorColor}, {1, "Read", goodColor}}, nil,
				over("A", `channelwatch_host_collector_success{instance=~"$host"}`, "{{instance}}: {{collector}}")),
		},
	}}
}
