package quality

import (
	"cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// source says where a cause comes from, in tie-breaking order: what stopped the probe, what it found, how long it took.
type source uint8

const (
	fromReason source = iota
	fromFinding
	fromLimits
)

// cause is one thing that keeps a result from being excellent.
type cause struct {
	cap       probe.Rating
	dimension probe.Dimension
	source    source
	id        probe.CheckID
}

// before reports whether c explains a rating rather than o: the worse cap first, which puts Unknown before all.
func (c cause) before(o cause) bool {
	return cmp.Or(
		cmp.Compare(c.cap, o.cap),
		cmp.Compare(c.dimension, o.dimension),
		cmp.Compare(c.source, o.source),
		cmp.Compare(c.id, o.id),
	) < 0
}
