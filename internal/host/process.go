package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

const (
	// clockTicks is the unit of processor times in proc/PID/stat: USER_HZ, 100 on every Linux that Go runs on.
	clockTicks = 100
	// commLength is how much of its name the kernel keeps of a process.
	commLength = 15
)

// processes is what all running processes of one name use together.
type processes struct {
	count       int
	resident    uint64 // bytes
	openFiles   int    // -1 when the agent may not look into one of them
	oldestStart float64
}

// processWatch counts processes of interest. It remembers how much processor time each had used, so that the sum never
// falls when one of them ends.
type processWatch struct {
	cpuSeconds map[string]float64    // by name, of processes that have ended too
	used       map[processID]float64 // processor seconds at the last look
}

// processID tells apart processes that got the same number one after the other.
type processID struct {
	pid   string
	start float64
}

func processCollector(sys *system, names []string) collector {
	watch := processWatch{cpuSeconds: make(map[string]float64)}
	return collector{
		name: "process",
		metrics: []Desc{
			gauge("host_process_count", "Processes of this name that are running", "process"),
			counter("host_process_cpu_seconds_total", "Processor time that processes of this name have used", "process"),
			gauge("host_process_resident_bytes", "Memory that the processes of this name hold, shared pages counted for each", "process"),
			gauge("host_process_open_files", "Files that the processes of this name hold open; absent without the right to look", "process"),
			gauge("host_process_start_time_seconds", "When the oldest process of this name started, in seconds since 1970", "process"),
		},
		collect: func(ctx context.Context, out *samples) error {
			if len(names) == 0 {
				return errNothing
			}
			found, err := watch.look(ctx, sys.files, names)
			if err != nil {
				return err
			}
			for _, name := range names {
				p := found[name]
				out.add("host_process_count", float64(p.count), name)
				out.add("host_process_cpu_seconds_total", watch.cpuSeconds[name], name)
				if p.count == 0 {
					continue
				}
				out.add("host_process_resident_bytes", float64(p.resident), name)
				out.add("host_process_start_time_seconds", p.oldestStart, name)
				if p.openFiles >= 0 {
					out.add("host_process_open_files", float64(p.openFiles), name)
				}
			}
			return nil
		},
	}
}

// look reads every process once. Processes that end meanwhile are left out.
func (w *processWatch) look(ctx context.Context, f files, names []string) (map[string]*processes, error) {
	found := make(map[string]*processes, len(names))
	for _, name := range names {
		found[name] = &processes{}
	}
	boot, err := bootTime(f)
	if err != nil {
		return nil, err
	}
	pids, err := f.list("proc")
	if err != nil {
		return nil, err
	}
	used := make(map[processID]float64)
	for _, pid := range pids {
		if pid[0] < '0' || pid[0] > '9' {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := readProcess(f, pid)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH):
			continue
		case err != nil:
			return nil, err
		}
		if p := found[s.name]; p != nil {
			id := processID{pid, s.start}
			used[id] = s.cpuSeconds
			w.cpuSeconds[s.name] += s.cpuSeconds - w.used[id]
			p.add(f, pid, float64(boot), s)
		}
	}
	w.used = used
	return found, nil
}

func (p *processes) add(f files, pid string, boot float64, s process) {
	if start := boot + s.start; p.count == 0 || start < p.oldestStart {
		p.oldestStart = start
	}
	p.count++
	p.resident += s.resident
	open, err := f.list("proc/" + pid + "/fd")
	switch {
	case err != nil:
		p.openFiles = -1
	case p.openFiles >= 0:
		p.openFiles += len(open)
	}
}

// process is what one process says of itself.
type process struct {
	name       string
	cpuSeconds float64
	start      float64 // seconds after boot
	resident   uint64  // bytes
}

func readProcess(f files, pid string) (process, error) {
	dir := "proc/" + pid
	data, err := f.read(dir + "/stat")
	if err != nil {
		return process{}, err
	}
	p, err := parseProcess(data)
	if err != nil {
		return process{}, fmt.Errorf("reading %s/stat: %w", dir, err)
	}
	if len(p.name) == commLength { // the kernel has probably cut it
		cmdline, err := f.read(dir + "/cmdline")
		if err != nil {
			return process{}, err
		}
		program, _, _ := bytes.Cut(cmdline, []byte{0})
		if base := path.Base(string(program)); strings.HasPrefix(base, p.name) {
			p.name = base
		}
	}
	return p, nil
}

// parseProcess reads proc/PID/stat. The name stands in parentheses and may hold parentheses and blanks itself.
func parseProcess(data []byte) (process, error) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("%q: no name in parentheses", data)
	}
	fields := strings.Fields(string(data[end+1:])) // from field 3 on, in the count of proc(5)
	const utime, stime, start, resident = 14 - 3, 15 - 3, 22 - 3, 24 - 3
	if len(fields) <= resident {
		return process{}, fmt.Errorf("%d fields after the name, want more than %d", len(fields), resident)
	}
	var numbers [resident + 1]float64
	for _, i := range []int{utime, stime, start, resident} {
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return process{}, err
		}
		numbers[i] = n
	}
	return process{
		name:       string(data[open+1 : end]),
		cpuSeconds: (numbers[utime] + numbers[stime]) / clockTicks,
		start:      numbers[start] / clockTicks,
		resident:   uint64(max(0, numbers[resident])) * uint64(os.Getpagesize()), //nolint:gosec // positive
	}, nil
}
