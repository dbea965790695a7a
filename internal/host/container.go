package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// limits is what the control group that limits a container says. In a tree of groups the tightest limit counts, and
// usage and throttling are those of the group that has it.
type limits struct {
	cpu    *cpuLimit
	memory *memoryLimit
}

// cpuLimit is a quota of processor time.
type cpuLimit struct {
	cores            float64 // 0: unlimited
	periods          uint64
	throttledPeriods uint64
	throttled        float64 // seconds
}

// memoryLimit is in bytes.
type memoryLimit struct {
	limit    uint64 // 0: unlimited
	usage    uint64
	oomKills uint64
}

func containerCollector(sys *system) collector {
	return collector{
		name: "container",
		metrics: []Desc{
			gauge("host_container_cpu_limit_cores", "Processors that the control group of the agent may use; absent without a limit"),
			counter("host_container_cpu_periods_total", "Periods in which the control group wanted to run"),
			counter("host_container_cpu_throttled_periods_total", "Periods in which the control group used up its processor time"),
			counter("host_container_cpu_throttled_seconds_total", "Seconds in which the control group was kept from running"),
			gauge("host_container_memory_limit_bytes", "Memory that the control group of the agent may use; absent without a limit"),
			gauge("host_container_memory_usage_bytes", "Memory that the control group uses, cached files included"),
			counter("host_container_memory_oom_kills_total", "Processes of the control group killed because it ran out of memory"),
		},
		collect: func(_ context.Context, out *samples) error {
			l, err := readLimits(sys.self)
			if err != nil {
				return err
			}
			if l.cpu == nil && l.memory == nil {
				return errNothing
			}
			if c := l.cpu; c != nil {
				if c.cores > 0 {
					out.add("host_container_cpu_limit_cores", c.cores)
				}
				out.add("host_container_cpu_periods_total", float64(c.periods))
				out.add("host_container_cpu_throttled_periods_total", float64(c.throttledPeriods))
				out.add("host_container_cpu_throttled_seconds_total", c.throttled)
			}
			if m := l.memory; m != nil {
				if m.limit > 0 {
					out.add("host_container_memory_limit_bytes", float64(m.limit))
				}
				out.add("host_container_memory_usage_bytes", float64(m.usage))
				out.add("host_container_memory_oom_kills_total", float64(m.oomKills))
			}
			return nil
		},
	}
}

// readLimits finds the agent's control groups and climbs from each to the root.
func readLimits(f files) (limits, error) {
	groups, err := readGroups(f)
	if err != nil {
		return limits{}, err
	}
	var l limits
	if l.cpu, err = tightest(groups.cpu, groups.readCPU, func(l cpuLimit) float64 { return l.cores }); err != nil {
		return limits{}, fmt.Errorf("reading processor limit: %w", err)
	}
	if l.memory, err = tightest(groups.memory, groups.readMemory, func(l memoryLimit) float64 { return float64(l.limit) }); err != nil {
		return limits{}, fmt.Errorf("reading memory limit: %w", err)
	}
	return l, nil
}

// tightest reads the group and those above it and returns the one with the lowest limit, or the group's own state when
// none has a limit, which is 0. It is nil when there is no such group.
func tightest[L any](group place, read func(dir string) (L, error), limit func(L) float64) (*L, error) {
	var best *L
	for _, dir := range group.upwards() {
		l, err := read(dir)
		if errors.Is(err, fs.ErrNotExist) { // the root has no limits, and a container does not see what is above it
			continue
		}
		if err != nil {
			return nil, err
		}
		if best == nil || limit(l) > 0 && (limit(*best) == 0 || limit(l) < limit(*best)) {
			best = &l
		}
	}
	return best, nil
}

// place is where a control group is: a directory below the one where its hierarchy is mounted.
type place struct{ mounted, group string }

// upwards returns the directories from the group up to the mounted one.
func (p place) upwards() []string {
	if p.mounted == "" {
		return nil
	}
	var dirs []string
	for group := path.Clean("/" + p.group); ; group = path.Dir(group) {
		dirs = append(dirs, path.Join(p.mounted, group))
		if group == "/" {
			return dirs
		}
	}
}
