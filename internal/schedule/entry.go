package schedule

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// state says where an entry's current probe is.
type state uint8

const (
	resting state = iota // none: the next tick will start one
	waiting              // due, in a queue
	running              // handed to a worker
)

// entry is one touchpoint in the schedule. Scheduler.mu guards it. All times are those of clock.
type entry struct {
	tp    *probe.Touchpoint
	host  *host // nil without a limit
	phase time.Duration
	at    time.Duration // when the heap wakes it: due, or earlier for a recheck
	due   time.Duration // next tick

	planned  time.Duration // when the current probe was due
	until    time.Duration // when a recheck must have ended
	overdue  time.Duration // when the running probe's worker is given up: time for the probe, and overrun
	index    int           // in the heap
	state    state
	recheck  bool // the current probe is one
	lost     bool // its worker was given up
	panicked bool // its first panic was logged

	gone   atomic.Bool // removed or replaced
	report sync.Mutex  // held during Report, so that Apply can wait for it; never taken under Scheduler.mu
}

// host counts the probes against one target, or of one kind.
type host struct {
	name    string // in Scheduler.hosts
	limit   int    // probes at once
	line    bool   // of a kind
	refs    int    // entries
	running int    // slots taken
	waiting queue
}

// queue is first in, first out. Entries that are gone stay until they are popped.
type queue struct {
	items []*entry
	head  int
}

func (q *queue) push(e *entry) { q.items = append(q.items, e) }

// pop returns nil when the queue is empty.
func (q *queue) pop() *entry {
	if q.head == len(q.items) {
		return nil
	}
	e := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	switch {
	case q.head == len(q.items):
		*q = queue{}
	case q.head >= 64 && q.head*2 >= len(q.items): // half of it is spent: move the rest to the front
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return e
}

// tickHeap holds all entries, the one that wakes first at the root.
type tickHeap []*entry

func (h *tickHeap) init()           { heap.Init((*tickOrder)(h)) }
func (h *tickHeap) add(e *entry)    { heap.Push((*tickOrder)(h), e) }
func (h *tickHeap) remove(e *entry) { heap.Remove((*tickOrder)(h), e.index) }
func (h *tickHeap) moved(e *entry)  { heap.Fix((*tickOrder)(h), e.index) }

// tickOrder makes a tickHeap a heap.Interface.
type tickOrder tickHeap

func (o tickOrder) Len() int           { return len(o) }
func (o tickOrder) Less(i, j int) bool { return o[i].at < o[j].at }

func (o tickOrder) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].index, o[j].index = i, j
}

func (o *tickOrder) Push(x any) {
	e := x.(*entry)
	e.index = len(*o)
	*o = append(*o, e)
}

func (o *tickOrder) Pop() any {
	last := len(*o) - 1
	e := (*o)[last]
	(*o)[last] = nil
	*o = (*o)[:last]
	return e
}
