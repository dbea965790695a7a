//go:build !nohistory

package history

import (
	"maps"
	"slices"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

const (
	remotePrefix    = "prometheus_remote_storage_"
	remoteAppended  = remotePrefix + "highest_timestamp_in_seconds"         // by whoever appends
	remoteRead      = remotePrefix + "queue_highest_timestamp_seconds"      // of the log, by a queue
	remoteDelivered = remotePrefix + "queue_highest_sent_timestamp_seconds" // by a queue
	remoteName      = "remote_name"                                         // label: the name of the receiver, or a checksum of its block
	remoteLag       = "history_remote_write_lag_seconds"
	remoteLagHelp   = "Time between the newest sample of the history and the newest that the receiver took."
)

func remoteFigures() []figure {
	const samples, histograms = remotePrefix + "samples_", remotePrefix + "histograms_"
	return []figure{
		{
			"history_remote_write_samples_total", metrics.Counter, "Samples that were sent to a receiver of remote write.",
			[]string{samples + "total", histograms + "total"},
		},
		{
			"history_remote_write_samples_failed_total", metrics.Counter, "Samples that a receiver of remote write refused for good.",
			[]string{samples + "failed_total", histograms + "failed_total"},
		},
		{
			"history_remote_write_samples_retried_total", metrics.Counter, "Samples that a receiver of remote write could not take and that are sent again.",
			[]string{samples + "retried_total", histograms + "retried_total"},
		},
		{
			"history_remote_write_samples_pending", metrics.Gauge, "Samples that wait to be sent to a receiver of remote write.",
			[]string{samples + "pending", histograms + "pending"},
		},
		{
			"history_remote_write_bytes_total", metrics.Counter, "Bytes that were sent to a receiver of remote write.",
			[]string{remotePrefix + "bytes_total"},
		},
	}
}

// readings returns how each receiver takes samples.
func (r *remoteWrite) readings() []metrics.Reading {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	registry, opened := r.registry, r.opened
	r.mu.Unlock()
	u := gatherFrom(registry)
	all := u.readings(remoteFigures(), remoteName)
	newest := u.by("", remoteAppended)[""]
	if newest == 0 {
		return all // nothing was appended yet
	}
	delivered := u.by(remoteName, remoteDelivered)
	for _, receiver := range slices.Sorted(maps.Keys(delivered)) {
		all = append(all, metrics.Reading{
			Name: remoteLag, Help: remoteLagHelp, Type: metrics.Gauge, Labels: []metrics.Label{{Name: "receiver", Value: receiver}},
			Value: max(0, newest-max(delivered[receiver], float64(opened.Unix()))),
		})
	}
	return all
}

// behind reports whether a queue has yet to read what was appended.
func (u gathered) behind() bool {
	newest := u.by("", remoteAppended)[""]
	for _, read := range u.by(remoteName, remoteRead) {
		if read < newest {
			return true
		}
	}
	return false
}
