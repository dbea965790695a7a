package probetest_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// TestFaults_CoverEveryReason keeps the table as wide as the closed list of reasons: a reason that no service here has
// is one that nobody has ever seen work.
func TestFaults_CoverEveryReason(t *testing.T) {
	t.Parallel()
	catalogue, err := probe.NewCatalogue([]probe.Kind{{Name: "http", Checks: assert.Checks()}})
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	covered := make(map[probe.CheckID]bool)
	for _, fault := range append(probetest.Faults(), probetest.QUICFaults()...) {
		if names[fault.Name] {
			t.Errorf("two faults are named %q, want one", fault.Name)
		}
		names[fault.Name] = true
		covered[fault.Want] = true
		if check, ok := catalogue.Check(fault.Want); !ok || check.Cap != probe.Poor {
			t.Errorf("%s: want %q, which is %+v; a fault is a check that caps at poor", fault.Name, fault.Want, check)
		}
	}
	for _, check := range catalogue.Checks() {
		// A request that cannot be written has to be larger than the buffers of the system: only kind api can send one.
		elsewhere := check.Dimension == probe.Fast || check.Cap != probe.Poor || check.ID == probe.SendFailed
		for _, own := range assert.Checks() {
			elsewhere = elsewhere || own.ID == check.ID
		}
		if !elsewhere && !covered[check.ID] {
			t.Errorf("no fault has the reason %q", check.ID)
		}
	}
}
