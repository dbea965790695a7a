//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// A store that closes waits so long for receivers of remote write: until they have been told of all, then until they have
// taken it. It waits for all of them at the same time.
const (
	catchUpWithin = time.Second
	sendWithin    = 4 * time.Second
)

// remoteWrite sends what the store takes in to receivers of remote write. It follows the write-ahead log from the moment
// it is attached, so that a receiver gets each sample at most once: while the agent runs, what a receiver cannot take is
// sent again until it can; what is still unsent when the store closes is not sent by the next run. No receiver waits for
// another.
type remoteWrite struct {
	receivers []*receiver
	log       *slog.Logger
	giveUp    context.CancelFunc // setting receivers up, while attached
	trying    sync.WaitGroup
}

// newRemoteWrite returns nil without receivers. It looks at the options only; attach starts everything.
func newRemoteWrite(opts Options) (*remoteWrite, error) {
	parsed, hide, err := parseRemoteWrite(opts.RemoteWrite)
	if err != nil {
		return nil, fmt.Errorf("remote_write: %w", err)
	}
	if len(parsed) == 0 {
		return nil, nil //nolint:nilnil // no receivers are no mistake, and there is nothing to send to
	}
	r := &remoteWrite{log: foreignLog(opts.Log, hide)}
	for _, one := range parsed {
		r.receivers = append(r.receivers, &receiver{name: one.Name, hide: hide, log: r.log, conf: &config.Config{
			GlobalConfig: config.GlobalConfig{
				ExternalLabels: externalLabels(opts.ExternalLabels), MetricNameValidationScheme: model.UTF8Validation,
			},
			RemoteWriteConfigs: []*config.RemoteWriteConfig{one},
		}})
	}
	return r, nil
}

// attach sends what is committed to the storage that it returns from now on, which reads from db and appends to it; dir is
// the directory of db. Without receivers that is db itself. A receiver that cannot be set up is tried again until ctx
// ends or detach is called, and gets what is committed from then on.
func (r *remoteWrite) attach(ctx context.Context, db *tsdb.DB, dir string) storage.Storage {
	if r == nil {
		return db
	}
	ctx, r.giveUp = context.WithCancel(ctx)
	var all []storage.Storage
	for _, to := range r.receivers {
		all = append(all, to.open(dir))
		if !to.setUp() {
			r.trying.Go(func() { to.insist(ctx) })
		}
	}
	db.SetWriteNotified(r)
	// With all in one, the queues learn from appends how much there is to send, and grow in time.
	return storage.NewFanout(r.log, db, all...)
}

// Notify implements wlog.WriteNotified.
func (r *remoteWrite) Notify() {
	for _, to := range r.receivers {
		if st, _ := to.sending(); st != nil {
			st.Notify()
		}
	}
}

// detach waits until the receivers have everything, but no longer than catchUpWithin and sendWithin, and stops sending. It
// comes after the last commit and before the database closes.
func (r *remoteWrite) detach() error {
	if r == nil || r.giveUp == nil {
		return nil
	}
	r.giveUp()
	r.trying.Wait()
	r.catchUp()
	errs := make([]error, len(r.receivers))
	var closing sync.WaitGroup
	for i, to := range r.receivers {
		closing.Go(func() { errs[i] = to.close() })
	}
	closing.Wait()
	return errors.Join(errs...)
}

// catchUp waits a moment until every queue has read the log to its end. Closing a queue flushes what it holds, but reads no
// further: the last samples, and the marks that the series have ended, would be lost.
func (r *remoteWrite) catchUp() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(catchUpWithin); time.Now().Before(deadline); <-tick.C {
		if !slices.ContainsFunc(r.receivers, (*receiver).behind) {
			return
		}
	}
}

// notice says which receivers get nothing and why; empty when none.
func (r *remoteWrite) notice() string {
	if r == nil {
		return ""
	}
	var all []string
	for _, to := range r.receivers {
		if why := to.whyNot(); why != "" {
			all = append(all, fmt.Sprintf("nothing is sent to %s by remote write: %s", to.name, why))
		}
	}
	return strings.Join(all, "; ")
}

// readings returns how each receiver takes samples.
func (r *remoteWrite) readings() []metrics.Reading {
	if r == nil {
		return nil
	}
	var all []metrics.Reading
	for _, to := range r.receivers {
		all = append(all, to.readings()...)
	}
	return all
}
