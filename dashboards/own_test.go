package dashboards_test

import (
	"fmt"
	"testing"
	"time"
)

// TestDashboards_ShowDataOfTheAgentItself asks the agent's own history, which a Grafana may use as a Prometheus: it keeps
// native histograms of touchpoints and classic ones of the agent, and evaluates the rules as they are shipped.
func TestDashboards_ShowDataOfTheAgentItself(t *testing.T) {
	t.Parallel()
	p := newPrometheus()
	p.address, p.slow = startDemo(t), 20*time.Second // it shares the processors with all that it watches
	t.Cleanup(p.client.CloseIdleConnections)
	eventually(t, "the first scores", func() string {
		a, err := p.query(t.Context(), "channel:channelwatch_score:5m", time.Now())
		if err != nil {
			return err.Error()
		}
		if len(a.samples) < 4 {
			return fmt.Sprintf("%d scores, want 4", len(a.samples))
		}
		return ""
	})
	for _, b := range ofTheDemo(load(t)) {
		t.Run(b.UID, func(t *testing.T) {
			t.Parallel()
			checkData(t, p, &b)
		})
	}
	// What the demo has nothing of must still be understood.
	for _, uid := range filled() {
		for _, of := range named(t, uid).all() {
			for _, q := range of.Targets {
				if _, err := ask(t.Context(), p, &of, &q, choice{"channel": ".*", "touchpoint": ".*"}, zoom, time.Now()); err != nil {
					t.Errorf("%s/%s: %v", of.Title, q.RefID, err)
				}
			}
		}
	}
}
