//go:build !nohistory

package history

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// Figures of the database's own that are passed on.
const (
	logRepairs         = "prometheus_tsdb_wal_corruptions_total"
	headRepairs        = "prometheus_tsdb_mmap_chunk_corruptions_total"
	compactionFailures = "prometheus_tsdb_compactions_failed_total"
)

// atRest returns the readings that every store has while it is open, without what it reads.
func atRest() readings {
	var all readings
	all.state(Status{LastAppend: time.Unix(1, 0)})
	all.totals(&counts{})
	all.space(0)
	all.contents(contents{oldest: time.Unix(1, 0)})
	return all
}

// Describe returns all metrics of a store, sorted by name.
func Describe() []metrics.Family {
	byName := make(map[string]metrics.Family)
	for _, r := range append(atRest(), partReadings()...) {
		f := metrics.Family{Name: r.Name, Type: r.Type, Help: r.Help}
		for _, l := range r.Labels {
			f.Labels = append(f.Labels, l.Name)
		}
		byName[r.Name] = f
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b metrics.Family) int { return strings.Compare(a.Name, b.Name) })
}

// Series returns how many readings there are while the store is open and records. It need not be open for that.
func (s *Store) Series() int {
	return len(atRest()) + len(s.rules.readings()) + len(s.remote.readings())
}

// Readings returns how the store is, for /metrics. Their names begin with history_.
func (s *Store) Readings() []metrics.Reading {
	s.mu.Lock()
	status, counts, o := s.status, s.counts, s.open
	if o != nil {
		o.readers.Add(1)
	}
	s.mu.Unlock()

	var all readings
	all.state(status)
	all.totals(&counts)
	if counts.freeBytes >= 0 { // not measured here: a file system that hangs must not hold up /metrics
		all.space(counts.freeBytes)
	}
	if o != nil {
		all.contents(contentsOf(o))
		o.readers.Done()
	}
	all = append(all, s.rules.readings()...)
	return append(all, s.remote.readings()...)
}

// readings is a list that is being made.
type readings []metrics.Reading

func (r *readings) gauge(name, help string, v float64, labels ...metrics.Label) {
	*r = append(*r, metrics.Reading{Name: name, Help: help, Type: metrics.Gauge, Labels: labels, Value: v})
}

func (r *readings) total(name, help string, n uint64, labels ...metrics.Label) {
	*r = append(*r, metrics.Reading{Name: name, Help: help, Type: metrics.Counter, Labels: labels, Value: float64(n)})
}

func (r *readings) state(status Status) {
	const help = "What the history can do: 1 for the state that it is in."
	for _, state := range []State{Opening, Ready, Full, Waiting, ReadOnly, Failed, Stopped} {
		r.gauge("history_state", help, boolean(state == status.State), metrics.Label{Name: "state", Value: string(state)})
	}
	r.gauge("history_up", "Whether the history records.", boolean(status.State == Ready))
	if !status.LastAppend.IsZero() {
		r.gauge("history_last_append_timestamp_seconds", "Time of the last round that was recorded.", seconds(status.LastAppend))
	}
}

func (r *readings) totals(c *counts) {
	for o := range outcomes {
		r.total("history_rounds_total", "Rounds of recording by what became of them.", c.rounds[o], metrics.Label{Name: "outcome", Value: o.String()})
	}
	r.total("history_samples_total", "Samples that were recorded.", c.samples)
	for why := range reasons {
		r.total("history_append_errors_total", "Samples that were not recorded.", c.refused[why], metrics.Label{Name: "reason", Value: why.String()})
	}
	r.gauge("history_append_seconds", "Time that the last round took.", c.roundSeconds)
	r.gauge("history_open_seconds", "Time that opening took the last time.", c.openSeconds)
	r.total("history_openings_total", "Times that the history was opened.", c.openings)
	const help = "Parts of the history that could not be read. Blocks were set aside, logs cut off there."
	r.total("history_corruptions_total", help, c.corruptBlocks, metrics.Label{Name: "part", Value: "block"})
	r.total("history_corruptions_total", help, c.repairedLogs, metrics.Label{Name: "part", Value: "log"})
	r.gauge("history_set_aside_bytes", "Size of parts of the history that could not be used and are kept beside it.", float64(c.asideBytes))
}

func (r *readings) space(free int64) {
	r.gauge("history_free_bytes", "Space that is free for the history.", float64(free))
}

// contents is what an open store holds.
type contents struct {
	blocks                int
	blockBytes, headBytes int64
	series                uint64
	oldest                time.Time // zero when it is empty
	failures              float64   // of compactions
}

// contentsOf reads an open store. Somebody who keeps it open calls it.
func contentsOf(o *opened) contents {
	blocks, head := o.db.Blocks(), o.db.Head()
	c := contents{
		blocks: len(blocks), headBytes: head.Size(), series: head.NumSeries(),
		failures: gatherFrom(o.registry).sum(compactionFailures, ""),
	}
	oldest := head.MinTime()
	for _, b := range blocks {
		c.blockBytes += b.Size()
		oldest = min(oldest, b.MinTime())
	}
	if c.series > 0 || c.blocks > 0 {
		c.oldest = time.UnixMilli(oldest)
	}
	return c
}

func (r *readings) contents(c contents) {
	const help = "Size of the history on disk: blocks, or the head with its log."
	r.gauge("history_bytes", help, float64(c.blockBytes), metrics.Label{Name: "part", Value: "blocks"})
	r.gauge("history_bytes", help, float64(c.headBytes), metrics.Label{Name: "part", Value: "head"})
	r.gauge("history_series", "Series of the last hours.", float64(c.series))
	r.gauge("history_blocks", "Blocks that the history has been written into.", float64(c.blocks))
	if !c.oldest.IsZero() {
		r.gauge("history_oldest_timestamp_seconds", "Time of the oldest sample.", seconds(c.oldest))
	}
	r.total("history_compaction_failures_total", "Compactions that failed since the history was opened.", uint64(c.failures))
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
