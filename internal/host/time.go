package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clockState is what the kernel knows about its clock.
type clockState struct {
	synchronized bool
	offset       time.Duration // what the clock still has to be moved by
	maxError     time.Duration // upper bound that the time service vouches for
}

func timeCollector(sys *system) collector {
	return collector{
		name: "time",
		metrics: []Desc{
			gauge("host_boot_time_seconds", "When the host was started, in seconds since 1970"),
			gauge("host_uptime_seconds", "How long the host has been running"),
			gauge("host_clock_synchronized", "Whether a time service keeps the clock right (1) or not (0)"),
			gauge("host_clock_offset_seconds", "What the time service still has to correct; known only while synchronized"),
			gauge("host_clock_max_error_seconds", "Upper bound of the clock's error; known only while synchronized"),
		},
		collect: func(_ context.Context, out *samples) error {
			return errors.Join(bootSamples(sys, out), clockSamples(sys, out))
		},
	}
}

// bootSamples reads the boot time where the kernel keeps it: computed from uptime it would jitter.
func bootSamples(sys *system, out *samples) error {
	boot, err := bootTime(sys.files)
	if err != nil {
		return err
	}
	out.add("host_boot_time_seconds", float64(boot))
	data, err := sys.read("proc/uptime")
	if err != nil {
		return err
	}
	var uptime float64
	if _, err := fmt.Sscan(string(data), &uptime); err != nil {
		return fmt.Errorf("reading proc/uptime: %w", err)
	}
	out.add("host_uptime_seconds", uptime)
	return nil
}

// bootTime returns seconds since 1970.
func bootTime(f files) (uint64, error) {
	data, err := f.read("proc/stat")
	if err != nil {
		return 0, err
	}
	for name, n := range pairs(data) {
		if name == "btime" {
			return n, nil
		}
	}
	return 0, errors.New("reading proc/stat: no btime")
}

func clockSamples(sys *system, out *samples) error {
	clock, err := sys.clock()
	if err != nil {
		return fmt.Errorf("asking the kernel for its clock: %w", err)
	}
	out.add("host_clock_synchronized", flag(clock.synchronized))
	if clock.synchronized {
		out.add("host_clock_offset_seconds", clock.offset.Seconds())
		out.add("host_clock_max_error_seconds", clock.maxError.Seconds())
	}
	return nil
}

// readClock asks with adjtimex(2), which needs no privileges while it changes nothing.
func readClock() (clockState, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return clockState{}, err
	}
	unit := time.Microsecond
	if t.Status&unix.STA_NANO != 0 {
		unit = time.Nanosecond
	}
	return clockState{
		synchronized: t.Status&unix.STA_UNSYNC == 0,
		offset:       time.Duration(t.Offset) * unit,
		maxError:     time.Duration(t.Maxerror) * time.Microsecond,
	}, nil
}
