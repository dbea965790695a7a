package propagation

import "github.com/channelwatch/channelwatch/internal/probe"

// The kind's own checks.
const (
	writeRefused  probe.CheckID = "propagation_write_refused"
	late          probe.CheckID = "propagation_late"
	lost          probe.CheckID = "propagation_lost"
	unread        probe.CheckID = "propagation_sink_unread"
	cleanupFailed probe.CheckID = "propagation_cleanup_failed"
)

// Names of the kind's own metrics.
const (
	durationSeconds = "propagation_duration_seconds"
	pollSeconds     = "propagation_poll_seconds"
	lateTotal       = "propagation_late_total"
	lostTotal       = "propagation_lost_total"
	cleanupTotal    = "propagation_cleanup_failures_total"
)

func checks() []probe.Check {
	return []probe.Check{
		{
			ID: writeRefused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "change not taken",
			Marketing: "Changes cannot be made, so no channel gets them.",
			IT:        "The source did not answer the write with 2xx; check its status, the credentials and the body.",
		},
		{
			ID: late, Dimension: probe.Fast, Cap: probe.Fair, Title: "change comes late",
			Marketing: "Customers in this channel see old content for longer than agreed.",
			IT:        "The marker was seen after the deadline; check queues, jobs and caches between the source and this sink.",
		},
		{
			ID: lost, Dimension: probe.Correct, Cap: probe.Poor, Title: "change does not come",
			Marketing: "Customers in this channel do not get to see changes.",
			IT:        "The sink answers, but without the marker until the window was over; check what carries changes to it.",
		},
		{
			ID: unread, Dimension: probe.Reachable, Cap: probe.Poor, Title: "channel not readable",
			Marketing: "This channel shows customers nothing at all.",
			IT:        "The sink's last answer was none that could be read; see the detail for its status or reason.",
		},
		{
			ID: cleanupFailed, Dimension: probe.Correct, Cap: probe.Good, Title: "test change left behind",
			Marketing: "A change that was made as a test is still there.",
			IT:        "The cleanup was not answered with 2xx; remove what the agent wrote, and check the cleanup's request.",
		},
	}
}

func metrics() []probe.Metric {
	return []probe.Metric{
		{
			Name: durationSeconds, Type: probe.Histogram, Label: "sink",
			Help:    "Time from the write at the source until the sink showed it, too long by up to one poll step.",
			Buckets: []float64{0.25, 0.5, 1, 2, 5, 10, 30, 60, 300},
		},
		{Name: pollSeconds, Type: probe.Gauge, Help: "Time from one look at a sink to the next."},
		{Name: lateTotal, Type: probe.Counter, Label: "sink", Help: "Changes that the sink showed after the deadline."},
		{Name: lostTotal, Type: probe.Counter, Label: "sink", Help: "Changes that the sink did not show within the window."},
		{Name: cleanupTotal, Type: probe.Counter, Help: "Changes that could not be taken back."},
	}
}
