package host

import (
	"context"
	"slices"
	"strings"
)

func diskCollector(sys *system, choice filter) collector {
	return collector{
		name: "disk",
		metrics: []Desc{
			counter("host_disk_reads_total", "Reads that the device completed", "device"),
			counter("host_disk_writes_total", "Writes that the device completed", "device"),
			counter("host_disk_read_bytes_total", "Bytes read from the device", "device"),
			counter("host_disk_written_bytes_total", "Bytes written to the device", "device"),
			counter("host_disk_read_seconds_total", "Seconds that all reads together took", "device"),
			counter("host_disk_write_seconds_total", "Seconds that all writes together took", "device"),
			counter("host_disk_active_seconds_total", "Seconds in which the device was busy", "device"),
			counter("host_disk_waiting_seconds_total", "Seconds that all requests together waited and were served", "device"),
		},
		collect: func(ctx context.Context, out *samples) error {
			disks, err := sys.disks(ctx)
			if err != nil {
				return err
			}
			slices.SortFunc(disks, func(a, b diskIO) int { return strings.Compare(a.name, b.name) })
			for _, d := range disks {
				if !choice.takes(d.name) {
					continue
				}
				out.add("host_disk_reads_total", float64(d.reads), d.name)
				out.add("host_disk_writes_total", float64(d.writes), d.name)
				out.add("host_disk_read_bytes_total", float64(d.readBytes), d.name)
				out.add("host_disk_written_bytes_total", float64(d.writtenBytes), d.name)
				out.add("host_disk_read_seconds_total", milliseconds(d.readTime), d.name)
				out.add("host_disk_write_seconds_total", milliseconds(d.writeTime), d.name)
				out.add("host_disk_active_seconds_total", milliseconds(d.activeTime), d.name)
				out.add("host_disk_waiting_seconds_total", milliseconds(d.weightedTime), d.name)
			}
			return nil
		},
	}
}

// milliseconds returns n of them in seconds.
func milliseconds(n uint64) float64 { return float64(n) / 1000 }
