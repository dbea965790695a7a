package chromium

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// engine is a running browser, as far as its lifetime goes.
type engine interface {
	Done() <-chan struct{} // closed as soon as it is gone
	Close() error          // ends it and waits until nothing is left
	Memory() int64
	CPU() time.Duration
	crash() *Unavailable // why it went by itself; called after Done
}

// keeper has at most one browser for new visits: it launches it for the first visit, ends it when nobody visits anything,
// replaces it after visits, age and memory, and leaves a host alone where browsers do not start.
type keeper[E engine] struct {
	policy probe.Browser
	log    *slog.Logger
	launch func(context.Context) (E, error)
	turn   chan struct{}  // held by whoever launches
	stop   chan struct{}  // closed by close
	work   sync.WaitGroup // one for each lease

	mu      sync.Mutex
	closed  bool
	abort   func()                 // cancels the launch that is under way
	current *lease[E]              // for new visits
	live    map[*lease[E]]struct{} // all that are not cleaned up, the current among them
	last    E                      // that was launched
	retry   backoff
	counts  counts
}

// counts are what has happened so far.
type counts struct {
	launches, visits uint64
	failures         map[probe.CheckID]uint64
	recycles         map[string]uint64
	cpu              time.Duration // of browsers that have ended
}

// lease is a browser with the visits that use it. What changes is guarded by its keeper's mu.
type lease[E engine] struct {
	engine  E
	started time.Time
	users   int
	visits  int
	retired bool          // no new visits
	hung    bool          // it is ended without waiting for its visits
	changed chan struct{} // buffered; a visit began or ended
	ended   chan struct{} // closed when nothing of the browser is left
}

func newKeeper[E engine](policy probe.Browser, log *slog.Logger, launch func(context.Context) (E, error)) *keeper[E] {
	return &keeper[E]{
		policy: policy, log: log, launch: launch, turn: make(chan struct{}, 1), stop: make(chan struct{}),
		live:   make(map[*lease[E]]struct{}),
		counts: counts{failures: make(map[probe.CheckID]uint64), recycles: make(map[string]uint64)},
	}
}

var errClosed = errors.New("the browser is closed for good")

// acquire returns a browser for one visit, which release ends.
func (k *keeper[E]) acquire(ctx context.Context) (*lease[E], error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := k.running(cancel)
	if l != nil || err != nil {
		return l, err
	}
	e, err := k.launch(ctx)
	return k.launched(e, err)
}

// running begins a visit of the browser that runs. Without one that may be launched it returns nil and notes how to cancel
// the launch.
func (k *keeper[E]) running(cancel func()) (*lease[E], error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errClosed
	}
	if l := k.current; l != nil {
		select {
		case <-l.engine.Done():
			k.current, l.retired = nil, true
		default:
			k.beginLocked(l)
			return l, nil
		}
	}
	k.abort = cancel
	return nil, k.retry.wait(time.Now())
}

func (k *keeper[E]) launched(e E, err error) (*lease[E], error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		if err == nil {
			err = e.Close()
		}
		return nil, errors.Join(errClosed, err)
	}
	if u := (*Unavailable)(nil); errors.As(err, &u) {
		k.counts.failures[u.Check]++
		k.retry.failed(time.Now(), u)
	}
	if err != nil {
		return nil, err
	}
	k.retry = backoff{}
	k.counts.launches++
	k.last = e
	l := &lease[E]{engine: e, started: time.Now(), changed: make(chan struct{}, 1), ended: make(chan struct{})}
	k.work.Go(func() { k.own(l) })
	k.current = l
	k.live[l] = struct{}{}
	k.beginLocked(l)
	return l, nil
}

func (k *keeper[E]) beginLocked(l *lease[E]) {
	l.users++
	l.visits++
	k.counts.visits++
	l.notify()
}

func (l *lease[E]) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// release ends a visit. A browser that is due is replaced, and is gone when its last visit has been released; hung says
// that it has stopped answering.
func (k *keeper[E]) release(l *lease[E], hung bool) {
	memory := l.engine.Memory()
	k.mu.Lock()
	l.users--
	l.hung = l.hung || hung
	if why := k.due(l, memory); why != "" && !l.retired {
		k.retireLocked(l, why)
	}
	leave := l.retired && l.users == 0
	k.mu.Unlock()
	l.notify()
	if leave {
		<-l.ended
	}
}

// due says why a browser is to be replaced; empty when it is not.
func (k *keeper[E]) due(l *lease[E], memory int64) string {
	select {
	case <-l.engine.Done():
		return "" // it has ended, which is not counted as replacing it
	default:
	}
	switch {
	case l.hung:
		return recycleHung
	case k.policy.MaxRuns > 0 && l.visits >= k.policy.MaxRuns:
		return recycleRuns
	case k.policy.MaxAge > 0 && time.Since(l.started) >= k.policy.MaxAge:
		return recycleAge
	case k.policy.MaxMemory > 0 && memory >= k.policy.MaxMemory:
		return recycleMemory
	}
	return ""
}

func (k *keeper[E]) retireLocked(l *lease[E], why string) {
	l.retired = true
	k.counts.recycles[why]++
	if k.current == l {
		k.current = nil
	}
}

// close ends the browser and waits until nothing is left of it. No visit can begin any more. Further calls only wait.
func (k *keeper[E]) close() {
	k.mu.Lock()
	if !k.closed {
		k.closed = true
		close(k.stop)
		if k.abort != nil {
			k.abort()
		}
	}
	k.mu.Unlock()
	k.turn <- struct{}{} // a launch that is under way is cancelled, and over from here on
	<-k.turn
	k.work.Wait()
}
