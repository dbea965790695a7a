//go:build !nohistory

package history

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// cache knows the series of the last round, so that a round makes neither labels nor references anew. It is not safe for
// concurrent use.
type cache struct {
	extra  []metrics.Label // of every series
	byID   map[metrics.ID]*series
	byHash map[uint64]*series // those of equal hash follow each other by next
	round  uint64

	builder labels.ScratchBuilder
	scratch []metrics.Label
	built   labels.Labels // reused for looking up
}

// series is a series of the last round.
type series struct {
	ref    storage.SeriesRef // 0 when it must be looked up by the labels
	labels labels.Labels
	hash   uint64
	next   *series
	id     metrics.ID
	hasID  bool
	seen   uint64 // number of the round
}

func newCache(extra []metrics.Label) *cache {
	return &cache{
		extra: extra, byID: make(map[metrics.ID]*series), byHash: make(map[uint64]*series),
		builder: labels.NewScratchBuilder(16),
	}
}

// reset forgets the references, which another opening of the store gives anew, but not which series there were.
func (c *cache) reset() {
	for _, s := range c.byHash {
		for ; s != nil; s = s.next {
			s.ref = 0
		}
	}
}

// begin begins a round.
func (c *cache) begin() { c.round++ }

// find returns the series and marks it as seen.
func (c *cache) find(ref *metrics.Ref) *series {
	id, hasID := ref.ID()
	if hasID {
		if s, ok := c.byID[id]; ok {
			s.seen = c.round
			return s
		}
	}
	c.scratch = ref.Labels(c.scratch[:0])
	s := c.labelled(ref.Name(), c.scratch)
	if hasID {
		if s.hasID {
			delete(c.byID, s.id) // it came back as another
		}
		s.id, s.hasID = id, true
		c.byID[id] = s
	}
	return s
}

// own returns a series that has no labels but those of every series.
func (c *cache) own(name string) *series { return c.labelled(name, nil) }

func (c *cache) labelled(name string, of []metrics.Label) *series {
	c.builder.Reset()
	c.builder.Add(model.MetricNameLabel, name)
	for _, l := range of {
		if l.Value != "" {
			c.builder.Add(l.Name, l.Value)
		}
	}
	for _, l := range c.extra {
		if !slices.ContainsFunc(of, func(o metrics.Label) bool { return o.Name == l.Name && o.Value != "" }) {
			c.builder.Add(l.Name, l.Value)
		}
	}
	c.builder.Sort()
	c.builder.Overwrite(&c.built)
	hash := c.built.Hash()
	for s := c.byHash[hash]; s != nil; s = s.next {
		if labels.Equal(s.labels, c.built) {
			s.seen = c.round
			return s
		}
	}
	s := &series{labels: c.built.Copy(), hash: hash, next: c.byHash[hash], seen: c.round}
	c.byHash[hash] = s
	return s
}

// unseen returns the series that the current round did not have.
func (c *cache) unseen() []*series {
	var gone []*series
	for _, s := range c.byHash {
		for ; s != nil; s = s.next {
			if s.seen != c.round {
				gone = append(gone, s)
			}
		}
	}
	return gone
}

// forget removes series.
func (c *cache) forget(gone []*series) {
	for _, s := range gone {
		if s.hasID {
			delete(c.byID, s.id)
		}
		if first := c.byHash[s.hash]; first != s {
			for first.next != s {
				first = first.next
			}
			first.next = s.next
		} else if s.next != nil {
			c.byHash[s.hash] = s.next
		} else {
			delete(c.byHash, s.hash)
		}
	}
}
