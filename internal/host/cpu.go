package host

import "context"

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
		collect: func(ctx context.Context, out *samples) error {
			loads, err := sys.loads(ctx)
			if err != nil {
				return err
			}
			out.add("host_load1", loads[0])
			out.add("host_load5", loads[1])
			out.add("host_load15", loads[2])
			return nil
		},
	}
}
