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
	opts    Options
	log     *slog.Logger
	cache   *cache  // of Run
	space   space   // of Run
	retries backoff // of Run: between openings
	queries *queries
	rules   *evaluator   // nil without rules
	remote  *remoteWrite // nil without receivers
	suspect chan error   // holds one: what made somebody doubt a block

	mu     sync.Mutex
	open   *opened // nil while nothing can be asked
	status Status
	cause  string // of the state
	counts counts
	known  map[string]metrics.Family // by name: all that were ever recorded
}

// Open returns a Store for the options. It looks at nothing but them: the directory is opened by Run.
func Open(opts Options) (*Store, error) {
	switch {
	case opts.Dir == "":
		return nil, errors.New("history: no directory")
	case opts.Every < time.Second, opts.Every%time.Millisecond != 0:
		return nil, fmt.Errorf("history: every %v, want at least 1s in whole milliseconds", opts.Every)
	case opts.Retention < opts.Every:
		return nil, fmt.Errorf("history: retention %v is less than the %v from one round to the next", opts.Retention, opts.Every)
	case opts.MaxBytes < 0 || opts.MinFree < 0:
		return nil, fmt.Errorf("history: at most %d bytes, at least %d free: want none negative", opts.MaxBytes, opts.MinFree)
	case opts.Collect == nil:
		return nil, errors.New("history: nothing to collect")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		opts:    opts,
		log:     opts.Log,
		cache:   newCache(opts.Labels),
		space:   space{dir: opts.Dir, floor: opts.MinFree},
		suspect: make(chan error, 1),
		status:  Status{State: Opening, Since: time.Now()},
		known:   ownFamilies(),
		counts:  counts{freeBytes: -1},
	}
	s.queries = newQueries(slog.New(upstream{s.log.Handler()}), s.acquire, s.doubt)
	var mistakes [2]error
	s.rules, mistakes[0] = newEvaluator(opts, s.queries.engine)
	s.remote, mistakes[1] = newRemoteWrite(opts)
	if err := errors.Join(mistakes[:]...); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return s, nil
}

// Included says whether this build has a history.
func Included() bool { return true }

// Run opens the store, records a round of all series at every multiple of Options.Every and evaluates the rules, until ctx
// ends; then it marks all series as ended and closes. It waits for Alertmanagers no longer than 5 s in all, nor longer for
// receivers of remote write. Whatever goes wrong is shown by Status and tried again, so that it returns nil only. It must
// be called once.
func (s *Store) Run(ctx context.Context) error {
	defer s.become(Stopped, "")
	for {
		err := s.session(ctx)
		if ctx.Err() != nil {
			if err != nil {
				s.log.Error("closing the history", "error", err)
			}
			return nil
		}
		if err == nil {
			continue // it asked to be opened anew
		}
		state := Failed
		if o := (*obstacle)(nil); errors.As(err, &o) {
			state = o.state
		}
		s.become(state, err.Error())
		if !sleep(ctx, s.retries.next(time.Now())) {
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
	o.readers.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(o.closing, cancel)
	return ctx, o.db, sync.OnceFunc(func() {
		release()
		cancel()
		o.readers.Done()
	}), nil
}

// doubt is told of an error of reading. It makes the store check its blocks, in the background.
func (s *Store) doubt(err error) {
	select {
	case s.suspect <- err:
	default: // they will be checked anyway
	}
}

// ruler returns what evaluates the rules; nil for nothing.
func (s *Store) ruler() ruleSource {
	if s.rules == nil {
		return nil
	}
	return s.rules
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
