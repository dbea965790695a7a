package web

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Steps stand one below the other, each where it began; one that was not reached has no time.
func TestNewSteps(t *testing.T) {
	t.Parallel()
	rows := newSteps([]probe.Step{
		{Name: "log-in", Title: "Log in", Outcome: probe.StepPassed, Duration: time.Second},
		{Name: "search", Title: "Search", Outcome: probe.StepFailed, At: time.Second, Duration: 3 * time.Second, Detail: "status 503, want 2xx"},
		{Name: "basket", Title: "Basket", Outcome: probe.StepSkipped, At: time.Hour, Duration: time.Hour},
	})
	want := []stepRow{
		{Title: "Log in", Name: "log-in", Outcome: "done", Passed: true, Took: "1.00 s", From: "0.00", Width: "25.00"},
		{Title: "Search", Name: "search", Outcome: "failed", Failed: true, Took: "3.00 s", From: "25.00", Width: "75.00", Detail: "status 503, want 2xx"},
		{Title: "Basket", Name: "basket", Outcome: "not reached", From: "0", Width: "0"},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("got %+v, want %+v", rows[i], want[i])
		}
	}
}
