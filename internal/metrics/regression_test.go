package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Other probers keep the series of success beside that of failure, or change a label with the state, so that one probe is
// counted in two series. Here every series is on the page once, and only causes are born when a state changes.
func TestRecord_NoDuplicatesWhenAStateChanges(t *testing.T) {
	m, home := one(t)
	refused := &probe.Result{Duration: time.Millisecond, Reason: probe.ConnectRefused}
	refused.Phases.Add(probe.Connect, time.Millisecond)
	expired := &probe.Result{Duration: time.Millisecond, Reason: probe.TLSExpired, Measurements: pageResult(1).Measurements[:2]}
	expired.Phases.Add(probe.TLS, time.Millisecond)
	good := pageResult(time.Millisecond)
	record(t, m, home, good)
	before := seriesOf(t, m)
	for _, result := range []*probe.Result{refused, good, expired, good, refused, refused, good} {
		record(t, m, home, result)
		seriesOf(t, m)
	}
	after := seriesOf(t, m)
	for series := range after {
		if !before[series] && !strings.Contains(series, "cause=") {
			t.Errorf("series %s was born when a state changed, want those of causes only", series)
		}
	}
	for series := range before {
		if !after[series] {
			t.Errorf("series %s is gone although the last result was as good as the first", series)
		}
	}
}

// seriesOf returns the series on the page, each of which must be there once.
func seriesOf(t *testing.T, m *metrics.Metrics) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	for line := range strings.Lines(serveTo(t, m.Handler(), "text/plain", "").Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series := line[:strings.LastIndexByte(line, ' ')]
		if all[series] {
			t.Errorf("series %s is on the page twice", series)
		}
		all[series] = true
	}
	return all
}
