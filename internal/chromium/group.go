package chromium

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// group is the process group that a browser leads. The processes that it starts stay in it.
type group struct {
	leader int
	reaped time.Duration // processor time of those that the agent had to wait for
}

// member is one process of a group.
type member struct {
	pid    int
	parent int
	zombie bool
	cpu    time.Duration // its own and that of its children which have ended
}

// kill ends all processes of the group. It must not be called after the leader was waited for: its number may be
// another's then.
func (g *group) kill() { _ = syscall.Kill(-g.leader, syscall.SIGKILL) }

// members reads the processes of the group, the ended among them that nobody has waited for.
func (g *group) members() []member {
	paths, _ := filepath.Glob("/proc/[1-9]*/stat")
	var all []member
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		m, id, ok := parseStat(data)
		if ok && id == g.leader {
			all = append(all, m)
		}
	}
	return all
}

// reap waits for the ended processes of the group that have become the agent's children because their own parents are
// gone. It leaves the leader to whoever started it, and children that other parts of the agent started are in other
// groups: nothing is taken from os/exec. It returns how many processes are left besides the leader.
func (g *group) reap() int {
	left := 0
	for _, m := range g.members() {
		if m.pid == g.leader {
			continue
		}
		left++
		if !m.zombie || m.parent != os.Getpid() {
			continue
		}
		var usage syscall.Rusage
		if pid, err := syscall.Wait4(m.pid, nil, syscall.WNOHANG, &usage); err == nil && pid == m.pid {
			g.reaped += cpuTime(&usage)
			left--
		}
	}
	return left
}

func cpuTime(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// clockTick is the unit of processor time in /proc (proc(5): sysconf(_SC_CLK_TCK), which is 100 on every Linux that Go
// runs on).
const clockTick = 10 * time.Millisecond

// parseStat reads /proc/PID/stat (proc(5)) and returns the process with its group.
func parseStat(data []byte) (m member, pgrp int, ok bool) {
	// The name, in parentheses, may itself hold spaces and parentheses.
	head, _, found := bytes.Cut(data, []byte(" ("))
	end := bytes.LastIndexByte(data, ')')
	if !found || end < 0 {
		return member{}, 0, false
	}
	f := strings.Fields(string(data[end+1:]))
	const state, ppid, group, utime, cstime = 0, 1, 2, 11, 14
	if len(f) <= cstime {
		return member{}, 0, false
	}
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		ok = ok && err == nil
		return n
	}
	ok = true
	m = member{pid: number(string(head)), parent: number(f[ppid]), zombie: f[state] == "Z"}
	for _, ticks := range f[utime : cstime+1] {
		m.cpu += time.Duration(number(ticks)) * clockTick
	}
	pgrp = number(f[group])
	return m, pgrp, ok
}

// memory is the proportional set size of the living processes of the group, in bytes: shared pages count once.
func (g *group) memory() int64 {
	var sum int64
	for _, m := range g.members() {
		if !m.zombie {
			sum += pss(m.pid)
		}
	}
	return sum
}

func pss(pid int) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}
