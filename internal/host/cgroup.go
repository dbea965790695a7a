package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// groups are the control groups of the agent, of version 1 or 2.
// Spec: https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/.
type groups struct {
	files
	cpu, memory place
	readCPU     func(dir string) (cpuLimit, error)
	readMemory  func(dir string) (memoryLimit, error)
}

const cgroupRoot = "sys/fs/cgroup"

// unlimited is what version 1 shows for memory without a limit: the largest whole number of pages.
const unlimited = 1 << 62

// readGroups decides by what the kernel mounted: a host that runs both versions has its controllers in version 1.
func readGroups(f files) (groups, error) {
	data, err := f.read("proc/self/cgroup")
	if err != nil {
		return groups{}, optional(err)
	}
	g := groups{files: f}
	var unified string
	for line := range bytes.Lines(data) {
		// hierarchy-id:controllers:path; the path may hold colons.
		fields := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(fields) != 3 {
			return groups{}, fmt.Errorf("reading proc/self/cgroup: line %q: want three fields", line)
		}
		controllers := strings.Split(fields[1], ",")
		switch {
		case fields[0] == "0" && fields[1] == "":
			unified = fields[2]
		case slices.Contains(controllers, "cpu"):
			g.cpu, g.readCPU = place{g.mounted(fields[1], "cpu"), fields[2]}, g.cpuV1
		case slices.Contains(controllers, "memory"):
			g.memory, g.readMemory = place{g.mounted(fields[1], "memory"), fields[2]}, g.memoryV1
		}
	}
	if g.cpu.mounted == "" {
		g.cpu, g.readCPU = place{cgroupRoot, unified}, g.cpuV2
	}
	if g.memory.mounted == "" {
		g.memory, g.readMemory = place{cgroupRoot, unified}, g.memoryV2
	}
	return g, nil
}

// mounted returns where a version 1 hierarchy is: under all its controllers joined or under the one alone.
func (g groups) mounted(controllers, one string) string {
	joined := cgroupRoot + "/" + controllers
	if g.exists(joined) {
		return joined
	}
	return cgroupRoot + "/" + one
}

func (g groups) cpuV2(dir string) (cpuLimit, error) {
	data, err := g.read(dir + "/cpu.max")
	if err != nil {
		return cpuLimit{}, err
	}
	var l cpuLimit
	if !bytes.HasPrefix(data, []byte("max")) {
		var quota, period float64
		if _, err := fmt.Sscan(string(data), &quota, &period); err != nil || period <= 0 {
			return cpuLimit{}, fmt.Errorf("reading %s/cpu.max: %q, want quota and period", dir, data)
		}
		l.cores = quota / period
	}
	return l, g.throttling(dir, &l)
}

func (g groups) cpuV1(dir string) (cpuLimit, error) {
	data, err := g.read(dir + "/cpu.cfs_quota_us")
	if err != nil {
		return cpuLimit{}, err
	}
	var quota int64
	if _, err := fmt.Sscan(string(data), &quota); err != nil {
		return cpuLimit{}, fmt.Errorf("reading %s/cpu.cfs_quota_us: %w", dir, err)
	}
	period, err := g.number(dir + "/cpu.cfs_period_us")
	if err != nil {
		return cpuLimit{}, err
	}
	var l cpuLimit
	if quota > 0 && period > 0 {
		l.cores = float64(quota) / float64(period)
	}
	return l, g.throttling(dir, &l)
}

// throttling reads cpu.stat, whose throttled time is in nanoseconds in version 1 and in microseconds in version 2.
func (g groups) throttling(dir string, l *cpuLimit) error {
	data, err := g.read(dir + "/cpu.stat")
	if err != nil {
		return err
	}
	for name, n := range pairs(data) {
		switch name {
		case "nr_periods":
			l.periods = n
		case "nr_throttled":
			l.throttledPeriods = n
		case "throttled_time":
			l.throttled = float64(n) / 1e9
		case "throttled_usec":
			l.throttled = float64(n) / 1e6
		}
	}
	return nil
}

func (g groups) memoryV2(dir string) (memoryLimit, error) {
	data, err := g.read(dir + "/memory.max")
	if err != nil {
		return memoryLimit{}, err
	}
	var l memoryLimit
	if !bytes.HasPrefix(data, []byte("max")) {
		if l.limit, err = g.number(dir + "/memory.max"); err != nil {
			return memoryLimit{}, err
		}
	}
	if l.usage, err = g.number(dir + "/memory.current"); err != nil {
		return memoryLimit{}, err
	}
	l.oomKills, err = g.oomKills(dir + "/memory.events")
	return l, err
}

func (g groups) memoryV1(dir string) (memoryLimit, error) {
	var l memoryLimit
	var err error
	if l.limit, err = g.number(dir + "/memory.limit_in_bytes"); err != nil {
		return memoryLimit{}, err
	}
	if l.limit >= unlimited {
		l.limit = 0
	}
	if l.usage, err = g.number(dir + "/memory.usage_in_bytes"); err != nil {
		return memoryLimit{}, err
	}
	l.oomKills, err = g.oomKills(dir + "/memory.oom_control")
	return l, err
}

// oomKills reads the line oom_kill, which kernels before 4.13 do not have.
func (g groups) oomKills(name string) (uint64, error) {
	data, err := g.read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for key, n := range pairs(data) {
		if key == "oom_kill" {
			return n, nil
		}
	}
	return 0, nil
}
