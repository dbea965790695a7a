package host

import (
	"context"
	"fmt"
)

// cpuModes are those of proc/stat that do not overlap: guest time is part of user and nice.
func cpuModes() []string {
	return []string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}
}

func cpuCollector(sys *system) collector {
	return collector{
		name: "cpu",
		metrics: []Desc{
			counter("host_cpu_seconds_total", "Seconds that all processors together spent in each mode", "mode"),
			gauge("host_cpu_cores", "Processors that the host has online"),
		},
		collect: func(ctx context.Context, out *samples) error {
			seconds, err := sys.cpuSeconds(ctx)
			if err != nil {
				return err
			}
			for _, mode := range cpuModes() {
				out.add("host_cpu_seconds_total", seconds[mode], mode)
			}
			cores, err := sys.cores(ctx)
			if err != nil {
				return err
			}
			out.add("host_cpu_cores", float64(cores))
			return nil
		},
	}
}

func loadCollector(sys *system) collector {
	return collector{
		name: "load",
		metrics: []Desc{
			gauge("host_load1", "Tasks running or waiting, averaged over 1 minute"),
			gauge("host_load5", "Tasks running or waiting, averaged over 5 minutes"),
			gauge("host_load15", "Tasks running or waiting, averaged over 15 minutes"),
		},
		collect: func(_ context.Context, out *samples) error {
			// Not by gopsutil, which silently asks the agent's own kernel when it cannot read the file.
			data, err := sys.read("proc/loadavg")
			if err != nil {
				return err
			}
			var load1, load5, load15 float64
			if _, err := fmt.Sscan(string(data), &load1, &load5, &load15); err != nil {
				return fmt.Errorf("reading proc/loadavg: %w", err)
			}
			out.add("host_load1", load1)
			out.add("host_load5", load5)
			out.add("host_load15", load15)
			return nil
		},
	}
}
