package host_test

import (
	"fmt"
	"testing"

	"github.com/channelwatch/channelwatch/internal/host"
)

// process writes what the kernel shows of a process named "worker" that started some ticks after boot.
func (m machine) process(pid string, start, ticks int) {
	m.t.Helper()
	m.write("proc/"+pid+"/stat", fmt.Sprintf("%s (worker) S 1 1 1 0 -1 0 0 0 0 0 %d 0 0 0 20 0 1 0 %d 0 10 0\n", pid, ticks, start))
}

// A counter must neither fall when a process ends nor count anything twice.
func TestHost_ProcessTimeNeverFalls(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("proc/stat", "btime 1000\n")
	h := newHost(t, host.Options{Root: m.root, Collectors: []string{"process"}, Processes: []string{"worker"}, MaxAge: 1}, nil)
	steps := []struct {
		name   string
		change func()
		want   float64
		count  float64
	}{
		{"none", func() {}, 0, 0},
		{"one starts", func() { m.process("7", 100, 250) }, 2.5, 1},
		{"it works", func() { m.process("7", 100, 300) }, 3, 1},
		{"another starts", func() { m.process("8", 200, 100) }, 4, 2},
		{"the first ends", func() { m.remove("proc/7") }, 4, 1},
		{"its number is used again", func() { m.process("7", 900, 50) }, 4.5, 2},
		{"a number passes straight to the next", func() { m.process("8", 950, 10) }, 4.6, 2},
		{"all end", func() { m.remove("proc/7"); m.remove("proc/8") }, 4.6, 0},
	}
	for _, s := range steps {
		s.change()
		values := make(map[string]float64)
		for _, r := range h.Collect(t.Context()) {
			values[r.Name] = r.Value
		}
		if got := values["host_process_cpu_seconds_total"]; got < s.want-1e-9 || got > s.want+1e-9 {
			t.Errorf("%s: host_process_cpu_seconds_total = %v, want %v", s.name, got, s.want)
		}
		if got := values["host_process_count"]; got != s.count {
			t.Errorf("%s: host_process_count = %v, want %v", s.name, got, s.count)
		}
	}
}
