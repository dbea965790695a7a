package freshness

import (
	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The kind's own checks; those of names, connections, HTTP and JSON are shared.
const (
	aging      probe.CheckID = "data_aging"
	stale      probe.CheckID = "data_stale"
	future     probe.CheckID = "data_from_future"
	zoneless   probe.CheckID = "data_time_without_zone"
	empty      probe.CheckID = "data_empty"
	unreadable probe.CheckID = "data_age_unreadable"
	unasked    probe.CheckID = "data_not_asked"
	missing    probe.CheckID = "data_file_missing"
	size       probe.CheckID = "data_file_size"
)

// The kind's own metrics.
const (
	ageSeconds = "freshness_age_seconds"
	fileBytes  = "freshness_file_bytes"
)

// checks returns the kind's own part of the catalogue. What says nothing about the age is not measured: neither an empty
// table nor a wrong password makes data old.
func checks() []probe.Check {
	return append([]probe.Check{
		{
			ID: aging, Dimension: probe.Fast, Cap: probe.Fair, Title: "aging data",
			Marketing: "What customers see is older than agreed: the newest changes are missing.",
			IT:        "The newest data is older than warn; check the job, queue or feed that brings it, and when it last ran.",
		},
		{
			ID: stale, Dimension: probe.Fast, Cap: probe.Poor, Title: "stale data",
			Marketing: "What customers see is out of date.",
			IT:        "The newest data is older than error; check whether the job, queue or feed that brings it has stopped.",
		},
		{
			ID: future, Dimension: probe.Correct, Cap: probe.Fair, Title: "time in the future",
			Marketing: "The data says that it was made later than now, so nobody can tell how old it is.",
			IT:        "The time is ahead of the agent's clock; check the clocks of both ends, and whether the time is in another zone than it says.",
		},
		{
			ID: zoneless, Dimension: probe.Correct, Cap: probe.Good, Title: "time without zone",
			Marketing: "The data does not say in which time zone its time is, so its age may be wrong by hours.",
			IT:        "The time names no zone and was read as UTC; add one to the data, or set zone.",
		},
		{
			ID: empty, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no data",
			Marketing: "We could not measure this: there is no data whose age could be told.",
			IT:        "The document, file or query has no value; check whether data was ever there, and the path or query.",
		},
		{
			ID: unreadable, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "age not readable",
			Marketing: "We could not measure this: the age of the data is written in a way that we do not understand.",
			IT:        "The value is no time or age that the kind knows, or not exactly one; compare the detail with value, and check the path or query.",
		},
		{
			ID: unasked, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "data not accessible",
			Marketing: "We could not measure this: we are not let to the data.",
			IT:        "The login, the query or access to the file was refused; see the detail, and check user, permissions and query.",
		},
		{
			ID: missing, Dimension: probe.Correct, Cap: probe.Poor, Title: "file missing",
			Marketing: "The data that customers should see was not delivered.",
			IT:        "The file does not exist; check the job that writes it, and the path.",
		},
		{
			ID: size, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong file size",
			Marketing: "The data that customers should see is far more or far less than it should be.",
			IT:        "The size of the file is outside of min_size and max_size; check the job that writes it for empty or partial results.",
		},
	}, assert.Checks()...)
}

func metrics() []probe.Metric {
	return append(probe.CertificateMetrics(),
		probe.Metric{
			Name: ageSeconds, Help: "Age of the newest data when it was last looked at; below 0 when its time is in the future.",
			Type: probe.Gauge, Momentary: true,
		},
		probe.Metric{Name: fileBytes, Help: "Size of the file when it was last looked at.", Type: probe.Gauge, Momentary: true})
}
