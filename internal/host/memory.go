package host

import (
	"context"
	"os"
)

func memoryCollector(sys *system) collector {
	return collector{
		name: "memory",
		metrics: []Desc{
			gauge("host_memory_total_bytes", "Memory that the host has"),
			gauge("host_memory_available_bytes", "Memory that programs can still get without swapping"),
			gauge("host_memory_free_bytes", "Memory that nothing uses"),
			gauge("host_memory_cached_bytes", "Memory that holds file contents and kernel caches that can be given back"),
			gauge("host_memory_buffers_bytes", "Memory that holds raw blocks of disks"),
			gauge("host_memory_dirty_bytes", "Memory that waits to be written to disk"),
			gauge("host_swap_total_bytes", "Swap space that the host has"),
			gauge("host_swap_free_bytes", "Swap space that nothing uses"),
			counter("host_swap_read_bytes_total", "Bytes read back from swap"),
			counter("host_swap_written_bytes_total", "Bytes written out to swap"),
			counter("host_memory_major_faults_total", "Page faults that had to wait for a disk"),
			counter("host_memory_oom_kills_total", "Processes killed because memory ran out"),
		},
		collect: func(ctx context.Context, out *samples) error {
			m, err := sys.memory(ctx)
			if err != nil {
				return err
			}
			out.add("host_memory_total_bytes", float64(m.total))
			out.add("host_memory_available_bytes", float64(m.available))
			out.add("host_memory_free_bytes", float64(m.free))
			out.add("host_memory_cached_bytes", float64(m.cached))
			out.add("host_memory_buffers_bytes", float64(m.buffers))
			out.add("host_memory_dirty_bytes", float64(m.dirty))
			out.add("host_swap_total_bytes", float64(m.swapTotal))
			out.add("host_swap_free_bytes", float64(m.swapFree))
			return pagingSamples(sys, out)
		},
	}
}

func pagingSamples(sys *system, out *samples) error {
	data, err := sys.read("proc/vmstat")
	if err != nil {
		return err
	}
	page := float64(os.Getpagesize())
	for name, n := range pairs(data) {
		switch name {
		case "pswpin":
			out.add("host_swap_read_bytes_total", float64(n)*page)
		case "pswpout":
			out.add("host_swap_written_bytes_total", float64(n)*page)
		case "pgmajfault":
			out.add("host_memory_major_faults_total", float64(n))
		case "oom_kill":
			out.add("host_memory_oom_kills_total", float64(n))
		}
	}
	return nil
}
