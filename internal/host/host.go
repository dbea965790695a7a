// Package host reads the machine that the agent runs on: processor, memory, pressure, disks, network, clock, container
// limits and processes of interest. It turns them into readings, and its Observer says whether the machine was too
// starved to time anything.
//
// It is the only package that imports gopsutil, and does so in one file; it imports nothing else of this module.
//
// It starts no other program, needs no privileges, and makes no series: package metrics does. It reads Linux only; a
// part that a host does not have is reported as not available, which is not a failure.
package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure a Host. The zero value reads everything of this machine with the defaults below.
type Options struct {
	// Root is the directory that holds proc and sys, and under which mount points are looked up. Default "/"; in a
	// container with the host's root mounted at /host it is "/host".
	Root string
	// Self is the directory that holds proc and sys as the agent's own namespaces show them, for the limits of its
	// container. Default "/".
	Self string
	// Collectors are the names of those that run; default all, see Collectors.
	Collectors []string
	// Filesystems filters by type. By default everything that is not storage, and every filesystem of a network, is left
	// out: a dead server would block whoever asks for its free space.
	Filesystems Filter
	// Mounts filters by mount point. By default the trees of the system and of container runtimes are left out.
	Mounts Filter
	// Disks filters block devices by name. By default loop, ram, zram, optical and floppy devices and partitions are left out.
	Disks Filter
	// Interfaces filters network interfaces by name. By default loopback and those of containers are left out.
	Interfaces Filter
	// Processes are names, as in /proc/PID/comm or the base name of the program, to be counted and measured.
	Processes []string
	// MaxAge is how long a collection is served again instead of reading anew; default 5 s.
	MaxAge time.Duration
	// Timeout bounds each collector; default 2 s.
	Timeout time.Duration
	// MaxLabelSets bounds each collector's label sets; those beyond it are left out and counted. Default 64.
	MaxLabelSets int
	// Log is told when a collector begins to fail and when it recovers; default nowhere.
	Log *slog.Logger
}

// Host collects readings. It is safe for concurrent use.
type Host struct {
	opts       Options
	collectors []*runner
	descs      map[string]Desc

	turn chan struct{} // holds one token: whoever has it may collect
	mu   sync.Mutex    // guards the fields below
	last []Reading
	at   time.Time
}

// New validates the options and returns a Host. It reads nothing yet. All mistakes are reported at once.
func New(opts Options) (*Host, error) {
	opts.Root = cmp.Or(opts.Root, "/")
	opts.Self = cmp.Or(opts.Self, "/")
	return newHost(opts, newSystem(opts.Root, opts.Self))
}

func newHost(opts Options, sys *system) (*Host, error) {
	opts.MaxAge = cmp.Or(opts.MaxAge, 5*time.Second)
	opts.Timeout = cmp.Or(opts.Timeout, 2*time.Second)
	opts.MaxLabelSets = cmp.Or(opts.MaxLabelSets, 64)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	choice, errs := newFilters(opts)
	h := &Host{opts: opts, descs: make(map[string]Desc), turn: make(chan struct{}, 1)}
	h.turn <- struct{}{}
	for _, name := range opts.Collectors {
		if !slices.Contains(Collectors(), name) {
			errs = append(errs, fmt.Errorf("collector %q: want one of %s", name, strings.Join(Collectors(), ", ")))
		}
	}
	for _, c := range collectors(sys, choice) {
		if len(opts.Collectors) == 0 || slices.Contains(opts.Collectors, c.name) {
			h.collectors = append(h.collectors, &runner{collector: c})
		}
	}
	for _, desc := range Describe() {
		h.descs[desc.Name] = desc
	}
	return h, errors.Join(errs...)
}

// Collect returns the readings of all collectors, at most MaxAge old, sorted by name. A collector that fails, hangs or
// panics has host_collector_success 0 and hides no other. It returns what it has when ctx ends. The result is shared:
// do not change it.
func (h *Host) Collect(ctx context.Context) []Reading {
	if readings, fresh := h.cached(); fresh {
		return readings
	}
	select {
	case <-h.turn:
		defer func() { h.turn <- struct{}{} }()
	case <-ctx.Done():
		readings, _ := h.cached()
		return readings
	}
	if readings, fresh := h.cached(); fresh {
		return readings
	}
	var readings []Reading
	for _, r := range h.collectors {
		o := r.run(ctx, h.opts)
		if ctx.Err() != nil {
			return readings // not kept: that the caller left says nothing about the collector
		}
		readings = append(readings, h.readings(r, o)...)
	}
	slices.SortStableFunc(readings, func(a, b Reading) int { return strings.Compare(a.Name, b.Name) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.at = readings, time.Now()
	return readings
}

func (h *Host) cached() (readings []Reading, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.last != nil && time.Since(h.at) < h.opts.MaxAge
}

// readings turns what one collector did into readings, its own state included.
func (h *Host) readings(r *runner, o outcome) []Reading {
	all := make([]Reading, 0, len(o.samples)+4)
	for _, s := range o.samples {
		desc, ok := h.descs[s.name]
		if !ok || len(desc.Labels) != len(s.values) {
			o.err = errors.Join(o.err, fmt.Errorf("metric %q with %d labels is not declared", s.name, len(s.values)))
			continue
		}
		all = append(all, desc.reading(s.value, s.values...))
	}
	nothing := errors.Is(o.err, errNothing)
	failed := o.err != nil && !nothing
	r.report(h.opts.Log, failed, o.err)
	return append(all,
		h.descs[metricAvailable].reading(flag(!nothing), r.name),
		h.descs[metricDropped].reading(float64(o.dropped), r.name),
		h.descs[metricDuration].reading(o.took.Seconds(), r.name),
		h.descs[metricSuccess].reading(flag(!failed), r.name),
	)
}

func (d Desc) reading(value float64, values ...string) Reading {
	var labels []Label
	for i, name := range d.Labels {
		labels = append(labels, Label{Name: name, Value: values[i]})
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return Reading{Name: d.Name, Help: d.Help, Type: d.Type, Labels: labels, Value: value}
}

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
