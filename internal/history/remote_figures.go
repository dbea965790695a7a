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

	remoteUp        = "history_remote_write_up"
	remoteUpHelp    = "Whether sending to a receiver of remote write could be set up; whether it takes what is sent, the others say."
	remoteTaken     = "history_remote_write_samples_total"
	remoteTakenHelp = "Samples that a receiver of remote write took. The last ones are counted a little later."
	remoteLag       = "history_remote_write_lag_seconds"
	remoteLagHelp   = "Time between the newest sample of the history and the newest that a receiver of remote write took."
)

func remoteFigures() []figure {
	const samples, histograms = remotePrefix + "samples_", remotePrefix + "histograms_"
	return []figure{
		{
			"history_remote_write_samples_failed_total", metrics.Counter, "Samples that a receiver of remote write refused for good, or that were given up.",
			[]string{samples + "failed_total", histograms + "failed_total"},
		},
		{
			"history_remote_write_samples_retried_total", metrics.Counter, "Samples that a receiver of remote write could not take and that are sent again, counted at each try.",
			[]string{samples + "retried_total", histograms + "retried_total"},
		},
		{
			"history_remote_write_samples_pending", metrics.Gauge, "Samples that wait to be sent to a receiver of remote write.",
			[]string{samples + "pending", histograms + "pending"},
		},
		{
			"history_remote_write_bytes_total", metrics.Counter, "Bytes of requests that a receiver of remote write took or refused for good.",
			[]string{remotePrefix + "bytes_total"},
		},
	}
}

// readings returns how the receiver takes samples.
func (r *receiver) readings() []metrics.Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := gatherFrom(r.registry)
	// Upstream counts samples before they are sent, and those that wait may be on their way. A total does not go back.
	const samples, histograms = remotePrefix + "samples_", remotePrefix + "histograms_"
	tries, waiting := 0.0, 0.0
	for _, prefix := range []string{samples, histograms} {
		tries += g.sum(prefix+"total", r.name) - g.sum(prefix+"retried_total", r.name) - g.sum(prefix+"failed_total", r.name)
		waiting += g.sum(prefix+"pending", r.name)
	}
	r.taken = max(r.taken, tries-waiting)
	return append(g.readings(remoteFigures(), r.name), ofReceiver(r.name, r.storage != nil && r.trouble == "", r.taken, g.lag(r.name, r.attached))...)
}

// ofReceiver returns the readings of a receiver that are not upstream's.
func ofReceiver(name string, up bool, taken, lag float64) []metrics.Reading {
	labels := []metrics.Label{{Name: "receiver", Value: name}}
	return []metrics.Reading{
		{Name: remoteUp, Help: remoteUpHelp, Type: metrics.Gauge, Labels: labels, Value: boolean(up)},
		{Name: remoteTaken, Help: remoteTakenHelp, Type: metrics.Counter, Labels: labels, Value: taken},
		{Name: remoteLag, Help: remoteLagHelp, Type: metrics.Gauge, Labels: labels, Value: lag},
	}
}

// lag is how many seconds a receiver is behind the store. What was there before it was attached is not sent.
func (g gathered) lag(receiver string, attached time.Time) float64 {
	newest := g.sum(remoteAppended, "")
	if newest == 0 {
		return 0
	}
	return max(0, newest-max(g.sum(remoteDelivered, receiver), float64(attached.Unix())))
}
