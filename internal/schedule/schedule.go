// Package schedule probes every touchpoint in its own rhythm and reports each outcome.
//
// A touchpoint's ticks lie on a fixed grid: multiples of its interval on the wall clock, shifted by a phase that is a
// stable hash of its key. So the phases of many touchpoints are spread evenly, do not drift, and survive restarts and
// reloads. The wall clock is read once, in New; from then on only the monotonic clock counts, so that a clock that is
// set neither bunches nor loses ticks. A new touchpoint does not wait for its grid: its first probe follows at once,
// at most 100 of them a second, and its grid takes over after that.
//
// Touchpoints wait in one heap of ticks, and workers that exist only while they are needed run the probes. A tick that
// comes due while the touchpoint's previous probe still runs is skipped and counted, never queued. When enough probes
// run, in all, against one host, or of a kind that has a line of its own, the next one waits in turn until its own next
// tick takes its place.
//
// The package imports probe and the standard library only. It neither rates nor stores what it sees.
package schedule

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Outcome is what one probe of a touchpoint gave.
type Outcome struct {
	Touchpoint *probe.Touchpoint
	Result     probe.Result // its Start is always set
	Err        error        // not nil: could not be measured
	Due        time.Time    // when the schedule wanted the probe to start
	Started    time.Time    // when it did
	Recheck    bool         // whether this is the second look at a result that Report asked for
}

// Lateness returns how much later than planned the probe started.
func (o *Outcome) Lateness() time.Duration { return o.Started.Sub(o.Due) }

// Stats counts what the schedule does. Its methods are called often and from several goroutines: they must be quick
// and must not call the scheduler.
type Stats interface {
	// Late is called for every probe with Outcome.Lateness.
	Late(d time.Duration)
	// Skipped is called when n ticks of a touchpoint passed without a probe.
	Skipped(tp *probe.Touchpoint, n int)
	// Queue is called with the number of due probes that wait for a worker or for their host, when it changes.
	Queue(waiting int)
}

// Options configures a Scheduler.
type Options struct {
	// Report is called after every probe, from several goroutines, but never twice at once for one touchpoint. It
	// returns whether the touchpoint should be probed once more soon; of a recheck the answer is ignored. The time that
	// it takes is added to the probe's; it must not call the scheduler. It is required.
	Report func(*Outcome) (recheck bool)
	// Stats may be nil.
	Stats Stats
	// MaxConcurrent is the largest number of probes that run at once; 0 means 1024.
	MaxConcurrent int
	// PerHost is the largest number of probes that run at once against one Profile.Target; 0 means no limit.
	PerHost int
	// Lines has the largest number of probes that run at once of touchpoints of a kind, for kinds whose probes wait in a
	// line of their own. PerHost is not asked for them.
	Lines map[string]int
	// Log may be nil.
	Log *slog.Logger
}

// defaultMaxConcurrent keeps 10,000 touchpoints at 10 s going while one in ten hangs until a timeout of 10 s.
const defaultMaxConcurrent = 1024

// Scheduler probes touchpoints. All methods are safe for concurrent use, except from within Report.
type Scheduler struct {
	opts   Options
	clock  clock
	base   context.Context // parent of every probe; cancelled by Stop
	cancel context.CancelFunc
	done   chan struct{} // closed when the last goroutine has ended
	wg     sync.WaitGroup

	mu       sync.Mutex // guards everything below and the fields of all entries
	stopping bool
	entries  map[string]*entry // by key
	ticks    tickHeap
	hosts    map[string]*host // by Profile.Target, or by kind where Options.Lines has it
	ready    queue            // due, with a slot of their host; waiting for a place among the running
	waiting  int              // entries in ready and in the queues of the hosts
	told     int              // waiting, as Stats knows it
	running  int              // probes, without those that were given up
	watcher  *worker          // nil before Start and after Stop
	idle     []*worker        // last in, first out: those at the front have been idle the longest
}

// New returns a scheduler without touchpoints.
func New(opts Options) *Scheduler {
	if opts.MaxConcurrent <= 0 {
		opts.MaxConcurrent = defaultMaxConcurrent
	}
	if opts.Stats == nil {
		opts.Stats = noStats{}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{
		opts:    opts,
		clock:   newClock(time.Now()),
		done:    make(chan struct{}),
		entries: make(map[string]*entry),
		hosts:   make(map[string]*host),
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start begins to probe. A second call does nothing.
func (s *Scheduler) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watcher != nil || s.stopping {
		return
	}
	now := s.clock.now()
	for i, e := range s.ticks {
		s.planFirst(e, now, i)
	}
	s.ticks.init()
	s.watcher = s.takeWorker()
	s.arm()
}

// noStats stands in for absent Stats.
type noStats struct{}

func (noStats) Late(time.Duration)             {}
func (noStats) Skipped(*probe.Touchpoint, int) {}
func (noStats) Queue(int)                      {}
