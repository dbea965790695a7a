package schedule

import (
	"hash/fnv"
	"math/bits"
	"time"
)

// clock is the scheduler's time: durations since a start that was read once. They come from the monotonic clock, so
// setting the wall clock moves nothing; the grid stays where the wall clock was at the start.
type clock struct {
	start time.Time
	epoch time.Duration // start since 1970 on the wall clock; grids are multiples of intervals since then
}

func newClock(start time.Time) clock {
	return clock{start: start, epoch: time.Duration(start.UnixNano())}
}

// now returns the time since the start.
func (c clock) now() time.Duration { return time.Since(c.start) }

// at returns the point in time that lies d after the start.
func (c clock) at(d time.Duration) time.Time { return c.start.Add(d) }

// next returns the first tick at or after d of the grid with the given interval and phase.
func (c clock) next(d, every, phase time.Duration) time.Duration {
	wait := (phase - c.epoch - d) % every
	if wait < 0 {
		wait += every
	}
	return d + wait
}

// Phase returns the offset of a touchpoint's ticks from the whole multiples of its interval on the wall clock, which begins
// in 1970: from 0 up to, not including, every. key is that of the touchpoint.
func Phase(key string, every time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	phase, _ := bits.Mul64(mix(h.Sum64()), uint64(every))
	return time.Duration(phase)
}

// mix spreads every bit of h over the whole word (finalizer of MurmurHash3): FNV alone leaves the high bits of
// similar keys similar, and these decide the phase.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
