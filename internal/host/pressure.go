package host

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"
)

// pressure is one line of a file in proc/pressure.
// Spec: https://docs.kernel.org/accounting/psi.html.
type pressure struct {
	avg10 float64       // share of the last 10 s, 0 to 1
	total time.Duration // since boot
}

func pressureCollector(sys *system) collector {
	return collector{
		name: "pressure",
		metrics: []Desc{
			counter("host_pressure_waiting_seconds_total", "Seconds in which at least one task waited for the resource", "resource"),
			counter("host_pressure_stalled_seconds_total", "Seconds in which all tasks waited for the resource at once", "resource"),
			gauge("host_pressure_waiting_ratio", "Share of the last 10 seconds in which at least one task waited for the resource", "resource"),
			gauge("host_pressure_stalled_ratio", "Share of the last 10 seconds in which all tasks waited for the resource at once", "resource"),
		},
		collect: func(_ context.Context, out *samples) error {
			for _, resource := range []string{"cpu", "io", "memory"} {
				some, full, err := readPressure(sys.files, resource)
				if err != nil {
					return optional(err)
				}
				out.add("host_pressure_waiting_seconds_total", some.total.Seconds(), resource)
				out.add("host_pressure_waiting_ratio", some.avg10, resource)
				out.add("host_pressure_stalled_seconds_total", full.total.Seconds(), resource)
				out.add("host_pressure_stalled_ratio", full.avg10, resource)
			}
			return nil
		},
	}
}

// readPressure returns how long some and all tasks waited. For the processor, kernels before 5.13 have no full line:
// it is then zero, which it also is on newer ones.
func readPressure(f files, resource string) (some, full pressure, err error) {
	name := "proc/pressure/" + resource
	data, err := f.read(name)
	if err != nil {
		return pressure{}, pressure{}, err
	}
	if some, full, err = parsePressure(data); err != nil {
		return pressure{}, pressure{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return some, full, nil
}

func parsePressure(data []byte) (some, full pressure, err error) {
	for line := range bytes.Lines(data) {
		var kind string
		var avg10, avg60, avg300 float64
		var total uint64
		if _, err := fmt.Sscanf(string(line), "%s avg10=%f avg60=%f avg300=%f total=%d", &kind, &avg10, &avg60, &avg300, &total); err != nil {
			return pressure{}, pressure{}, fmt.Errorf("line %s: %w", strconv.Quote(string(bytes.TrimSpace(line))), err)
		}
		p := pressure{avg10: avg10 / 100, total: time.Duration(total) * time.Microsecond} //nolint:gosec // centuries
		switch kind {
		case "some":
			some = p
		case "full":
			full = p
		}
	}
	return some, full, nil
}
