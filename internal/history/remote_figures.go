//go:build !nohistory

package history

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

const (
	remotePrefix    = "prometheus_remote_storage_"
	remoteAppended  = remotePrefix + "highest_timestamp_in_seconds"         // by whoever appends
	remoteRead      = remotePrefix + "queue_highest_timestamp_seconds"      // of the log, by a queue
	remoteDelivered = remotePrefix + "queue_highest_sent_timestamp_seconds" // by a queue
	remoteName      = "remote_name"                                         // label: the name of the receiver
	remoteLag       = "history_remote_write_lag_seconds"
	remoteLagHelp   = "Time between the newest sample of the history and the newest that a receiver of remote write took."
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
	registry, attached := r.registry, r.attached
	r.mu.Unlock()
	g := gatherFrom(registry)
	var all []metrics.Reading
	for _, receiver := range r.conf.RemoteWriteConfigs {
		all = append(all, g.readings(remoteFigures(), receiver.Name)...)
		all = append(all, g.lag(receiver.Name, attached))
	}
	return all
}

// lag is how far a receiver is behind the store. What was there before it was attached is not sent.
func (g gathered) lag(receiver string, attached time.Time) metrics.Reading {
	r := metrics.Reading{
		Name: remoteLag, Help: remoteLagHelp, Type: metrics.Gauge, Labels: []metrics.Label{{Name: "receiver", Value: receiver}},
	}
	if newest := g.sum(remoteAppended, ""); newest > 0 {
		r.Value = max(0, newest-max(g.sum(remoteDelivered, receiver), float64(attached.Unix())))
	}
	return r
}

// behind reports whether the queue of a receiver has yet to read what was appended.
func (g gathered) behind(receiver string) bool {
	return g.sum(remoteRead, receiver) < g.sum(remoteAppended, "")
}
