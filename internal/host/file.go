package host

import (
	"context"
	"fmt"
)

func fileCollector(sys *system) collector {
	return collector{
		name: "file",
		metrics: []Desc{
			gauge("host_file_handles", "Open files of all processes"),
			gauge("host_file_handles_limit", "Open files that the kernel allows"),
		},
		collect: func(_ context.Context, out *samples) error {
			data, err := sys.read("proc/sys/fs/file-nr")
			if err != nil {
				return err
			}
			var allocated, unused, limit uint64
			if _, err := fmt.Sscan(string(data), &allocated, &unused, &limit); err != nil {
				return fmt.Errorf("reading proc/sys/fs/file-nr: %w", err)
			}
			out.add("host_file_handles", float64(allocated-min(unused, allocated)))
			out.add("host_file_handles_limit", float64(limit))
			return nil
		},
	}
}
