package journey_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/journey"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// build returns a prober of a journey that is written as in a configuration.
func build(tb testing.TB, with string) (probe.Built, error) {
	tb.Helper()
	kind := journey.Kind()
	config := kind.NewConfig(probe.DesktopWeb)
	decoder := yaml.NewDecoder(strings.NewReader(with))
	decoder.KnownFields(true)
	if err := decoder.Decode(config); err != nil {
		tb.Fatalf("%v in\n%s", err, with)
	}
	return kind.Build(config, probe.Setup{Type: probe.DesktopWeb, Timeout: 10 * time.Second, UserAgent: "Channelwatch/test"})
}

// walk makes one run of a journey.
func walk(t *testing.T, with string) probe.Result {
	t.Helper()
	built, err := build(t, with)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// serve starts a server.
func serve(tb testing.TB, handler http.Handler) string {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server.URL
}

// rate returns the rating and the cause of a result.
func rate(t *testing.T, result *probe.Result) (probe.Rating, probe.CheckID) {
	t.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{journey.Kind()})
	if err != nil {
		t.Fatal(err)
	}
	verdict := quality.Rate(catalogue, probe.Limits{}, result)
	return verdict.Rating, verdict.Cause
}

// outcomes returns how the steps ended, as "name outcome".
func outcomes(result *probe.Result) []string {
	var all []string
	for _, s := range result.Evidence.Steps {
		all = append(all, s.Name+" "+string(s.Outcome))
	}
	return all
}

// expect checks how the steps ended and how the result is rated.
func expect(t *testing.T, result *probe.Result, rating probe.Rating, cause probe.CheckID, steps ...string) {
	t.Helper()
	if diff := cmp.Diff(steps, outcomes(result)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if gotRating, gotCause := rate(t, result); gotRating != rating || gotCause != cause {
		text, _ := json.MarshalIndent(result, "", " ")
		t.Errorf("rated %v because of %q, want %v because of %q: %s", gotRating, gotCause, rating, cause, text)
	}
}
