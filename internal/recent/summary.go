package recent

import (
	"math"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// compact is a Summary in 16 bytes: ten thousand touchpoints hold twenty each.
type compact struct {
	start     int64  // nanoseconds since 1970
	duration  uint32 // microseconds
	cause     uint16 // index in causes
	rating    probe.Rating
	dimension probe.Dimension
}

// results is the short history of a touchpoint.
type results struct {
	ring [MaxHistory]compact
	n    uint8 // how many are held
	head uint8 // where the next one goes
}

func (s *results) push(c compact) {
	s.ring[s.head] = c
	s.head = (s.head + 1) % MaxHistory
	s.n = min(s.n+1, MaxHistory)
}

// get returns the i-th newest.
func (s *results) get(i int) compact {
	return s.ring[(int(s.head)+MaxHistory-1-i)%MaxHistory]
}

// causes numbers the check ids that were seen; there are few, because the catalogue is closed.
type causes struct {
	ids    []probe.CheckID
	number map[probe.CheckID]uint16
}

func newCauses() causes {
	return causes{ids: []probe.CheckID{""}, number: map[probe.CheckID]uint16{"": 0}}
}

func (c *causes) compact(e *Entry) compact {
	number, known := c.number[e.Verdict.Cause]
	if !known && len(c.ids) <= math.MaxUint16 {
		number = uint16(len(c.ids))
		c.ids = append(c.ids, e.Verdict.Cause)
		c.number[e.Verdict.Cause] = number
	}
	return compact{
		start:     e.Result.Start.UnixNano(),
		duration:  uint32(min(max(e.Result.Duration.Microseconds(), 0), math.MaxUint32)),
		cause:     number,
		rating:    e.Verdict.Rating,
		dimension: e.Verdict.Dimension,
	}
}

func (c *causes) expand(in compact) Summary {
	return Summary{
		Start:     time.Unix(0, in.start),
		Duration:  time.Duration(in.duration) * time.Microsecond,
		Rating:    in.rating,
		Dimension: in.dimension,
		Cause:     c.ids[in.cause],
	}
}
