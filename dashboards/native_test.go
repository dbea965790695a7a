package dashboards_test

import (
	"fmt"
	"testing"
	"time"
)

// TestDashboards_ReadNativeHistograms lets Prometheus keep native histograms, and then no buckets.
func TestDashboards_ReadNativeHistograms(t *testing.T) {
	t.Parallel()
	p := startWith(t, []string{"--enable-feature=native-histograms"}, t.TempDir(), hastenedRules(t), startDemo(t))
	for _, look := range []struct {
		uid    string
		panel  int
		ref    string
		chosen choice
	}{
		{"channelwatch-operations", 7, "A", choice{"agent": ".*"}},
		{"channelwatch-operations", 7, "B", choice{"agent": ".*"}},
		{"channelwatch-channel", 9, "A", choice{"channel": "desktop-web", "touchpoint": ".*"}},
		{"channelwatch-push", 2, "E", choice{"channel": ".*", "touchpoint": ".*"}},
		{"channelwatch-push", 3, "A", choice{"channel": ".*", "touchpoint": ".*"}},
	} {
		of := named(t, look.uid).panel(t, look.panel)
		q := of.target(t, look.ref)
		eventually(t, of.Title, func() string {
			a, err := reasonable(t.Context(), p, &of, &q, look.chosen, zoom)
			if err != nil {
				return err.Error()
			}
			if len(a.samples) == 0 {
				return "no data"
			}
			return ""
		})
	}
	for _, name := range []string{"channelwatch_probe_duration_seconds", "channelwatch_push_delivery_duration_seconds", "channelwatch_agent_schedule_lateness_seconds"} {
		eventually(t, name, func() string {
			a, err := p.query(t.Context(), name+"_bucket or histogram_count("+name+")", time.Now())
			if err != nil {
				return err.Error()
			}
			for _, s := range a.samples {
				if s.labels["le"] != "" {
					t.Fatalf("%s has buckets: this Prometheus was to keep native histograms only", name)
				}
			}
			if len(a.samples) == 0 {
				return fmt.Sprintf("no %s", name)
			}
			return ""
		})
	}
}
