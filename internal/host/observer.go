package host

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// beat is how often the Observer asks to be woken; ten wake-ups a second cost next to nothing.
	beat = 100 * time.Millisecond
	// beatsPerSample is how many beats lie between two looks at the kernel's accounts.
	beatsPerSample = 10
	// remembered is how long starvation is remembered: no result is older when it is rated.
	remembered = 5 * time.Minute
	// recent is the time that Starving speaks of.
	recent = 10 * time.Second
)

// ObserverOptions configure an Observer. The zero value is what agents use.
//
// The limits are about what delays the agent itself, because only that changes what it times; pressure and steal are
// exported for people. Measured on two cores, beside an agent that wakes about a thousand times a second:
//
//	                                             wait per turn   timers late by
//	host at 46 to 70 % of its processors         0.1–0.4 ms      1–6 ms
//	host at 82 %                                 0.2–1.2 ms      2–13 ms
//	four greedy processes (pressure at 100 %)    0.7–2 ms        4–8 ms
//	eight greedy processes (pressure at 100 %)   2–6 ms          13–46 ms
//	quota of 3 % of a core, want of 5 %          6–8 ms          91–97 ms, throttled for 60 %
//	least share beside four greedy processes     67 ms           60–420 ms
type ObserverOptions struct {
	// Root is the directory that holds the agent's own proc and sys; default "/".
	Root string
	// MaxLate is how late a timer may wake the agent. Default 50 ms, which is beyond what a busy host does and still
	// within what limits of a second forgive.
	MaxLate time.Duration
	// MaxTurnWait is how long, on average over a second, a thread that could run may wait for a processor. Default
	// 10 ms: a page needs about six turns, so that it would read 60 ms too slow.
	MaxTurnWait time.Duration
	// MaxThrottled is the share of a second for which the agent's control group may be kept from running. Default 0.1.
	MaxThrottled float64
	// MinShare is how much of a result's time must have been starved to make it worthless. Default 0.1: speed limits lie
	// a factor of two apart, so that less hardly moves a rating. A pause of 60 ms spoils a result of 200 ms, but does not
	// excuse an outage that took 10 s to time out.
	MinShare float64
}

// Observer watches whether the agent is too starved to time anything. It is safe for concurrent use.
type Observer struct {
	opts ObserverOptions

	mu      sync.Mutex // guards the fields below
	due     time.Time  // of the next beat; zero while nobody watches
	worst   time.Duration
	beats   int
	before  accounts
	sampled time.Time
	now     observation
	spells  []spell // ordered by their end
	starved time.Duration
}

// observation is what the last second showed.
type observation struct {
	late      time.Duration // the worst
	turnWait  time.Duration
	throttled float64
}

// spell is a time in which the agent was starved.
type spell struct {
	from, to time.Time
	why      string
}

// NewObserver returns an Observer that watches while Run runs.
func NewObserver(opts ObserverOptions) *Observer {
	opts.Root = cmp.Or(opts.Root, "/")
	opts.MaxLate = cmp.Or(opts.MaxLate, 50*time.Millisecond)
	opts.MaxTurnWait = cmp.Or(opts.MaxTurnWait, 10*time.Millisecond)
	opts.MaxThrottled = cmp.Or(opts.MaxThrottled, 0.1)
	opts.MinShare = cmp.Or(opts.MinShare, 0.1)
	return &Observer{opts: opts}
}

// Run watches until ctx ends. Call it once at a time.
func (o *Observer) Run(ctx context.Context) {
	timer := time.NewTimer(beat)
	defer timer.Stop()
	o.start(time.Now())
	defer o.stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			o.wake(time.Now())
			timer.Reset(beat)
		}
	}
}

func (o *Observer) start(now time.Time) {
	before := readAccounts(files{o.opts.Root})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before, o.sampled, o.due = before, now, now.Add(beat)
}

func (o *Observer) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.due = time.Time{}
}

// wake takes note of a beat that came at now, and looks at the kernel's accounts when it is time to.
func (o *Observer) wake(now time.Time) {
	if o.beat(now) {
		o.sample(now, readAccounts(files{o.opts.Root}))
	}
}

func (o *Observer) beat(now time.Time) (sample bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	late := now.Sub(o.due)
	o.worst = max(o.worst, late)
	if late > o.opts.MaxLate {
		o.addLocked(spell{o.due, now, o.lateText(late)})
	}
	o.due = now.Add(beat)
	o.beats++
	return o.beats >= beatsPerSample
}

// sample compares the accounts with those of about a second ago.
func (o *Observer) sample(now time.Time, after accounts) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = observation{
		late:      o.worst,
		turnWait:  after.turnWait(o.before),
		throttled: after.throttled(o.before).Seconds() / now.Sub(o.sampled).Seconds(),
	}
	if o.now.turnWait > o.opts.MaxTurnWait {
		o.addLocked(spell{o.sampled, now, fmt.Sprintf("the agent's threads waited %s for a processor at each turn, want at most %s",
			o.now.turnWait.Round(time.Millisecond), o.opts.MaxTurnWait)})
	}
	if o.now.throttled > o.opts.MaxThrottled {
		o.addLocked(spell{o.sampled, now, fmt.Sprintf("the agent's control group was throttled for %.0f %% of the time, want at most %.0f %%",
			100*o.now.throttled, 100*o.opts.MaxThrottled)})
	}
	o.before, o.sampled, o.worst, o.beats = after, now, 0, 0
}

func (o *Observer) lateText(late time.Duration) string {
	return fmt.Sprintf("the agent's timer woke it %s late, want at most %s", late.Round(time.Millisecond), o.opts.MaxLate)
}

func (o *Observer) addLocked(s spell) {
	covered, _ := covered(o.spells, s.from, s.to)
	o.starved += s.to.Sub(s.from) - covered
	keep := 0
	for keep < len(o.spells) && s.to.Sub(o.spells[keep].to) > remembered {
		keep++
	}
	o.spells = append(o.spells[keep:], s)
}

// covered returns how much of the time between from and to lies in spells, and why in the latest of them. Spells may
// overlap; they are ordered by their end.
func covered(spells []spell, from, to time.Time) (sum time.Duration, why string) {
	low := to // everything above has been counted
	for i := len(spells) - 1; i >= 0 && spells[i].to.After(from); i-- {
		begin, end := spells[i].from, spells[i].to
		if begin.Before(from) {
			begin = from
		}
		if end.After(low) {
			end = low
		}
		if d := end.Sub(begin); d > 0 {
			sum, low, why = sum+d, begin, cmp.Or(why, spells[i].why)
		}
	}
	return sum, why
}

// Starved reports whether the agent was kept from running for so much of the time between from and to that what it
// timed then is worth nothing, and why, in one sentence. It remembers five minutes. It knows of a late timer at once,
// before it has fired even; what the kernel counts it learns once a second. While nobody watches, nothing is starved.
func (o *Observer) Starved(from, to time.Time) (starved bool, why string) {
	return o.starvedAt(time.Now(), from, to)
}

func (o *Observer) starvedAt(now, from, to time.Time) (starved bool, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	spells := o.spells
	if late := now.Sub(o.due); !o.due.IsZero() && late > o.opts.MaxLate {
		spells = append(slices.Clip(spells), spell{o.due, now, o.lateText(late)})
	}
	sum, why := covered(spells, from, to)
	if sum > 0 && sum.Seconds() >= o.opts.MinShare*to.Sub(from).Seconds() {
		return true, why
	}
	return false, ""
}

// Starving reports whether results of the last ten seconds would be called starved.
func (o *Observer) Starving() bool {
	now := time.Now()
	starved, _ := o.starvedAt(now, now.Add(-recent), now)
	return starved
}

// Collect returns the Observer's readings, sorted by name.
func (o *Observer) Collect() []Reading {
	starving := o.Starving()
	o.mu.Lock()
	defer o.mu.Unlock()
	values := []float64{flag(starving), o.starved.Seconds(), o.now.throttled, o.now.late.Seconds(), o.now.turnWait.Seconds()}
	var readings []Reading
	for i, desc := range observerMetrics() {
		readings = append(readings, desc.reading(values[i]))
	}
	return readings
}

func observerMetrics() []Desc {
	return []Desc{
		gauge("agent_starved", "Whether results of the last 10 seconds are unknown because the agent was too starved to time anything"),
		counter("agent_starved_seconds_total", "Seconds in which the agent was too starved to time anything"),
		gauge("agent_throttled_ratio", "Share of the last second in which the agent's control group was kept from running"),
		gauge("agent_timer_late_seconds", "How late a timer woke the agent at worst in the last second"),
		gauge("agent_turn_wait_seconds", "How long a thread of the agent waited for a processor at each turn in the last second"),
	}
}
