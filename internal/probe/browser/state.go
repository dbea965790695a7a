package browser

import (
	"strconv"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// readings tells of the browser. Counts begin anew when the last touchpoint went and another one came.
func (s *pool) readings() []probe.Reading { return readings(s.state()) }

// told returns at least one of every reading.
func told() []probe.Reading {
	return readings(chromium.State{Name: "chromium-headless-shell", Version: "0"})
}

// readings writes down a state.
func readings(state chromium.State) []probe.Reading {
	gauge := func(name, help string, value float64, labels ...probe.ReadingLabel) probe.Reading {
		return probe.Reading{Metric: name, Help: help, Type: probe.Gauge, Labels: labels, Value: value}
	}
	counter := func(name, help string, value float64, labels ...probe.ReadingLabel) probe.Reading {
		return probe.Reading{Metric: name, Help: help, Type: probe.Counter, Labels: labels, Value: value}
	}
	running := 0.0
	if state.Running {
		running = 1
	}
	list := []probe.Reading{
		gauge("browser_running", "Whether a browser runs (1) or is closed until the next visit (0).", running),
		gauge("browser_memory_bytes", "Memory of all processes of the browser: their proportional set size.", float64(state.Memory)),
		counter("browser_cpu_seconds_total", "Processor time of all processes of the browser.", state.CPU.Seconds()),
		counter("browser_launches_total", "Starts of a browser.", float64(state.Launches)),
		counter("browser_visits_total", "Visits of pages by a browser.", float64(state.Visits)),
	}
	if state.Version != "" {
		list = append(list, gauge("browser_info", "The browser that pages are opened with; figures of different ones are not to be compared.", 1,
			probe.ReadingLabel{Name: "browser", Value: state.Name}, probe.ReadingLabel{Name: "version", Value: state.Version},
			probe.ReadingLabel{Name: "sandbox", Value: strconv.FormatBool(state.Sandbox)}))
	}
	for _, reason := range []probe.CheckID{browserMissing, browserSandbox, browserFailed, browserCrashed} {
		list = append(list, counter("browser_failures_total", "Times that a browser did not start or ended by itself.",
			float64(state.Failures[reason]), probe.ReadingLabel{Name: "reason", Value: string(reason)}))
	}
	for _, why := range chromium.Recycles() {
		list = append(list, counter("browser_recycles_total", "Times that a browser was ended to be replaced.", float64(state.Recycles[why]),
			probe.ReadingLabel{Name: "why", Value: why}))
	}
	return list
}
