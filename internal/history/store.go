//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// Store records the series of an agent, and answers from what it recorded. All methods are safe for concurrent use.
type Store struct {
	opts  Options
	log   *slog.Logger
	cache *cache // of the goroutine of Run

	mu     sync.Mutex
	open   *opened // nil while nothing can be asked
	status Status
	counts counts
	known  map[string]metrics.Family // by name, of all rounds
}

// Open returns a Store for the options. It looks at nothing but them: the directory is opened by Run.
func Open(opts Options) (*Store, error) {
	switch {
	case opts.Dir == "":
		return nil, errors.New("history: no directory")
	case opts.Every < time.Second:
		return nil, fmt.Errorf("history: every %v, want at least 1s", opts.Every)
	case opts.Retention < opts.Every:
		return nil, fmt.Errorf("history: retention %v is less than one round, which is every %v", opts.Retention, opts.Every)
	case opts.Collect == nil:
		return nil, errors.New("history: nothing to collect")
	}
	s := &Store{
		opts:   opts,
		log:    opts.Log,
		cache:  newCache(opts.Labels),
		status: Status{State: Opening, Since: time.Now()},
		known:  make(map[string]metrics.Family),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Included says whether this build has a history.
func Included() bool { return true }

// Run opens the store, records a round of all series at every multiple of Options.Every and evaluates the rules, until ctx
// ends; then it marks all series as ended and closes. Whatever goes wrong is shown by Status and tried again, so that it
// returns nil only.
func (s *Store) Run(ctx context.Context) error {
	defer s.become(Stopped, "")
	for wait := (backoff{}); ; {
		reopen, err := s.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.become(stateOf(err), err.Error())
			s.log.Error("history", "error", err)
		}
		if reopen {
			continue
		}
		if !wait.sleep(ctx) {
			return nil
		}
	}
}

// acquire lends what the store holds until the function that it returns is called. The context that it returns ends before
// the store closes, which waits for the function: what was read must not be touched any more then, because part of it is
// files mapped into memory.
func (s *Store) acquire(ctx context.Context) (context.Context, storage.Queryable, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.open
	if o == nil {
		if s.status.Why != "" {
			return nil, nil, nil, fmt.Errorf("%w: %s", ErrNotReady, s.status.Why)
		}
		return nil, nil, nil, ErrNotReady
	}
	o.users.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(o.closing, cancel)
	return ctx, o.storage, sync.OnceFunc(func() {
		release()
		cancel()
		o.users.Done()
	}), nil
}

// families returns every family that was recorded, in any order.
func (s *Store) families() []metrics.Family {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]metrics.Family, 0, len(s.known))
	for _, f := range s.known {
		all = append(all, f)
	}
	return all
}
