package journey_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/journey"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// first points the only step of a journey at a target.
func first(target probetest.Target) map[string]any {
	with := target.HTTP()
	expect := map[string]any{}
	if target.Text != "" {
		expect["contains"] = []any{target.Text}
	}
	with["steps"] = []any{map[string]any{"name": "only", "title": "Open the page", "expect": expect}}
	return with
}

// later returns a function that points the second step of a journey at a target, behind one that passes.
func later(tb testing.TB) func(probetest.Target) map[string]any {
	tb.Helper()
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "welcome") }))
	tb.Cleanup(good.Close)
	return func(target probetest.Target) map[string]any {
		with := first(target)
		before := map[string]any{"name": "before", "title": "Come in", "url": good.URL + "/start"}
		after := map[string]any{"name": "after", "title": "Go out", "url": good.URL + "/end"}
		with["steps"] = append(append([]any{before}, with["steps"].([]any)...), after)
		return with
	}
}

func subject(with func(probetest.Target) map[string]any) probetest.Subject {
	return probetest.Subject{Kind: journey.Kind(), Type: probe.DesktopWeb, With: with}
}

func TestConformance(t *testing.T) {
	fixture := probetest.Fixture{
		Healthy: probetest.HealthyHTTP, Silent: probetest.Silent, SilentWant: probe.ResponseTimeout, ClosedPort: probetest.ClosedPort,
	}
	t.Run("first step", func(t *testing.T) { probetest.Run(t, subject(first), fixture) })
	t.Run("later step", func(t *testing.T) { probetest.Run(t, subject(later(t)), fixture) })
}

func TestFaults_FirstStep(t *testing.T) { probetest.RunFaults(t, subject(first)) }

func TestFaults_LaterStep(t *testing.T) { probetest.RunFaults(t, subject(later(t))) }

func TestOddities(t *testing.T) {
	probetest.RunOddities(t, subject(first))
	probetest.RunOddities(t, subject(later(t)))
}
