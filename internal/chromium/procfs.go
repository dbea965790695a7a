package chromium

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// member is one process as proc(5) has it.
type member struct {
	pid, parent, group, session int

	zombie bool
	cpu    time.Duration // its own, and that of its children which it has waited for
}

// clockTick is the unit of processor time in /proc (proc(5): sysconf(_SC_CLK_TCK), which is 100 on every Linux that Go
// runs on).
const clockTick = 10 * time.Millisecond

// processes reads all processes that the agent can see. Those that end meanwhile are left out.
func processes() []member {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, _ := proc.Readdirnames(-1) // as many as there are
	_ = proc.Close()
	all := make([]member, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if m, ok := readStat(pid); ok {
			all = append(all, m)
		}
	}
	return all
}

func readStat(pid int) (member, bool) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return member{}, false
	}
	return parseStat(pid, data)
}

// parseStat reads /proc/PID/stat.
func parseStat(pid int, data []byte) (member, bool) {
	// The name, in parentheses, may itself hold spaces and parentheses.
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return member{}, false
	}
	const state, parent, group, session, utime, cstime = 0, 1, 2, 3, 11, 14 // fields after the name
	f := strings.Fields(string(data[end+1:]))
	if len(f) <= cstime {
		return member{}, false
	}
	ok := true
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		ok = ok && err == nil
		return n
	}
	m := member{pid: pid, parent: number(f[parent]), group: number(f[group]), session: number(f[session]), zombie: f[state] == "Z"}
	for _, ticks := range f[utime : cstime+1] {
		m.cpu += time.Duration(number(ticks)) * clockTick
	}
	return m, ok
}

// memory is the proportional set size of a process in bytes: pages that it shares count in part. Where the kernel does not
// tell, it is what the process has resident and shares with nobody.
func memory(pid int) int64 {
	dir := "/proc/" + strconv.Itoa(pid)
	if data, err := os.ReadFile(dir + "/smaps_rollup"); err == nil {
		if bytes, ok := parseRollup(string(data)); ok {
			return bytes
		}
	}
	data, err := os.ReadFile(dir + "/statm")
	if err != nil {
		return 0
	}
	return parseStatm(string(data))
}

func parseRollup(data string) (int64, bool) {
	for line := range strings.Lines(data) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "Pss:" && f[2] == "kB" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}

func parseStatm(data string) int64 {
	const resident, shared = 1, 2 // in pages
	f := strings.Fields(data)
	if len(f) <= shared {
		return 0
	}
	all, err1 := strconv.ParseInt(f[resident], 10, 64)
	some, err2 := strconv.ParseInt(f[shared], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(all-some, 0) * int64(os.Getpagesize())
}
