//go:build !nohistory

package history

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// receiver is a receiver of remote write.
type receiver struct {
	name string
	conf *config.Config // with this receiver alone
	hide secrets
	log  *slog.Logger

	mu       sync.Mutex
	storage  *remote.Storage   // nil while closed
	registry *metrics.Registry // of storage
	attached time.Time
	trouble  string  // why it could not be set up; empty when it was
	taken    float64 // samples, at most
}

// open makes the storage by whose appends it is told what there is to send. It sends nothing before it is set up.
func (r *receiver) open(dir string) storage.Storage {
	registry := metrics.Library()
	// The function is for remote read, and the missing scrape manager for metadata of protocol 1.0, which is only sent
	// for scraped targets. Protocol 2.0 takes metadata from the log.
	started := func() (int64, error) { return math.MaxInt64, nil }
	st := remote.NewStorage(r.log, registry, started, dir, sendWithin, nil, false)
	r.publish(st, registry)
	return st
}

// setUp begins to send, and reports whether that is possible: a file that the configuration names may be missing by now.
func (r *receiver) setUp() bool {
	st, _ := r.sending()
	why := ""
	if err := st.ApplyConfig(r.conf); err != nil {
		why = r.hide.in(err.Error())
	}
	r.mu.Lock()
	before := r.trouble
	r.trouble = why
	r.mu.Unlock()
	switch {
	case why != "" && why != before:
		r.log.Error("nothing is sent by remote write; it is tried again", "receiver", r.name, "error", why)
	case why == "" && before != "":
		r.log.Warn("remote write sends again; what was recorded before is not sent", "receiver", r.name)
	}
	return why == ""
}

// insist tries to set the receiver up until that succeeds or ctx ends.
func (r *receiver) insist(ctx context.Context) {
	var retries backoff
	for sleep(ctx, retries.next(time.Now())) {
		if r.setUp() {
			return
		}
	}
}

// close waits until the receiver has what was read for it, but no longer than sendWithin.
func (r *receiver) close() error {
	st, _ := r.sending()
	if st == nil {
		return nil
	}
	err := st.Close()
	r.publish(nil, nil)
	return err
}

func (r *receiver) publish(st *remote.Storage, registry *metrics.Registry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.storage, r.registry, r.attached, r.taken, r.trouble = st, registry, time.Now(), 0, ""
}

func (r *receiver) sending() (*remote.Storage, *metrics.Registry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.storage, r.registry
}

// whyNot returns why nothing is sent; empty when something is.
func (r *receiver) whyNot() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble
}

// behind reports whether what was appended has yet to be read for the receiver.
func (r *receiver) behind() bool {
	_, registry := r.sending()
	g := gatherFrom(registry)
	return r.whyNot() == "" && g.sum(remoteRead, r.name) < g.sum(remoteAppended, "")
}
