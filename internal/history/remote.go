//go:build !nohistory

package history

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// remoteWrite sends what the store takes in to receivers of remote write. It follows the write-ahead log from the moment
// it is attached, so that a receiver gets each sample at most once: while the agent runs, what a receiver cannot take is
// sent again until it can; what is still unsent when the store closes is not sent by the next run.
type remoteWrite struct {
	conf *config.Config
	log  *slog.Logger

	mu       sync.Mutex
	storage  *remote.Storage   // nil while closed
	registry *metrics.Registry // of storage
	attached time.Time
}

// newRemoteWrite returns nil without receivers. It looks at the options only; attach starts everything.
func newRemoteWrite(opts Options) (*remoteWrite, error) {
	receivers, hide, err := parseRemoteWrite(opts.RemoteWrite)
	if err != nil {
		return nil, fmt.Errorf("remote_write: %w", err)
	}
	if len(receivers) == 0 {
		return nil, nil //nolint:nilnil // no receivers are no mistake, and there is nothing to send to
	}
	conf := &config.Config{
		GlobalConfig: config.GlobalConfig{
			ExternalLabels: externalLabels(opts.ExternalLabels), MetricNameValidationScheme: model.UTF8Validation,
		},
		RemoteWriteConfigs: receivers,
	}
	return &remoteWrite{conf: conf, log: foreignLog(opts.Log, hide)}, nil
}

// attach sends what is committed to the storage that it returns from now on, which reads from db and appends to it; dir is
// the directory of db. Without receivers that is db itself, and when they cannot be set up, too: history goes on without.
func (r *remoteWrite) attach(db *tsdb.DB, dir string) storage.Storage {
	if r == nil {
		return db
	}
	registry := metrics.Library()
	// The function is for remote read, and the missing scrape manager for metadata of protocol 1.0, which is only sent
	// for scraped targets. Protocol 2.0 takes metadata from the log.
	started := func() (int64, error) { return math.MaxInt64, nil }
	st := remote.NewStorage(r.log, registry, started, dir, flushWithin, nil, false)
	if err := st.ApplyConfig(r.conf); err != nil {
		r.log.Error("nothing is sent by remote write", "error", errors.Join(err, st.Close())) // a file of the block cannot be read any more
		return db
	}
	r.publish(st, registry)
	db.SetWriteNotified(st)
	// With both in one, the queues learn from appends how much there is to send, and grow in time.
	return storage.NewFanout(r.log, db, st)
}

// detach waits until the receivers have everything, but no longer than flushWithin for each, and stops sending. It comes
// after the last commit and before the database closes.
func (r *remoteWrite) detach() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	st, registry := r.storage, r.registry
	r.mu.Unlock()
	if st == nil {
		return nil
	}
	r.catchUp(registry)
	err := st.Close()
	r.publish(nil, nil)
	return err
}

func (r *remoteWrite) publish(st *remote.Storage, registry *metrics.Registry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.storage, r.registry, r.attached = st, registry, time.Now()
}

// catchUp waits a moment until every queue has read the log to its end. Closing a queue flushes what it holds, but reads no
// further: the last samples, and the marks that the series have ended, would be lost.
func (r *remoteWrite) catchUp(registry *metrics.Registry) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); <-tick.C {
		g := gatherFrom(registry)
		if !slices.ContainsFunc(r.conf.RemoteWriteConfigs, func(c *config.RemoteWriteConfig) bool { return g.behind(c.Name) }) {
			return
		}
	}
}
