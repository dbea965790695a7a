package probetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxDetail bounds a line for people, in bytes.
const maxDetail = 2 << 10

// checkResult checks what holds for every answer of a prober with the profile.
func (s Subject) checkResult(tb testing.TB, profile probe.Profile, got answer) {
	tb.Helper()
	result := &got.result
	if result.Start.IsZero() || result.Duration <= 0 {
		tb.Errorf("start %v and duration %v, want both: failures are timed too", result.Start, result.Duration)
	}
	if err := checkTimes(profile, got); err != nil {
		tb.Error(err)
	}
	for p := range probe.NumPhases {
		if _, reached := result.Phases.Get(p); reached && !slices.Contains(profile.Phases, p) {
			tb.Errorf("phase %v was reached, but is not in the profile %v", p, profile.Phases)
		}
	}
	s.checkFindings(tb, result)
	s.checkMeasurements(tb, profile, result)
	if _, err := json.Marshal(result.Evidence); err != nil || result.Evidence == nil {
		tb.Errorf("evidence %+v: %v, want some that JSON can hold", result.Evidence, err)
	}
}

// checkTimes compares the phases with the whole, and the whole with the clock of the suite.
func checkTimes(profile probe.Profile, got answer) error {
	const (
		rounding = time.Millisecond
		share    = 100       // of the duration that phases may miss, as its part
		overhead = hangs / 2 // of a busy machine before and after what is timed; a phase that hangs and is left out takes longer
	)
	result := &got.result
	if result.Duration > got.took {
		return fmt.Errorf("duration is %v, want at most the %v that the probe took", result.Duration, got.took)
	}
	// The phases of a message overlap, where there are any, and the connections that it takes are no part of what its
	// receiver waits.
	if slices.Contains(profile.Phases, probe.Accept) {
		return nil
	}
	sum := result.Phases.Sum()
	if missing := (sum - result.Duration).Abs(); missing > max(rounding, result.Duration/share) {
		return fmt.Errorf("phases take %v of %v, want the whole: %+v", sum, result.Duration, result.Phases)
	}
	// A page is watched for much longer than it takes to be painted.
	watched := slices.Contains(profile.Phases, probe.Render)
	if result.Duration < got.took-overhead && !watched {
		return fmt.Errorf("duration is %v of the %v that the probe took, want all of it", result.Duration, got.took)
	}
	return nil
}

// checkFindings checks that everything wrong is in the catalogue and has a line for people.
func (s Subject) checkFindings(tb testing.TB, result *probe.Result) {
	tb.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{s.Kind})
	if err != nil {
		tb.Fatal(err)
	}
	findings := result.Findings
	if result.Reason != "" {
		findings = append(slices.Clone(findings), probe.Finding{Check: result.Reason, Detail: result.Detail})
	}
	for _, finding := range findings {
		if check, ok := catalogue.Check(finding.Check); !ok || check.Cap == probe.Unknown {
			tb.Errorf("check %q, want one of the catalogue that rates the channel", finding.Check)
		}
		detail := finding.Detail
		if detail == "" || len(detail) > maxDetail || strings.ContainsRune(detail, '\n') || !utf8.ValidString(detail) {
			tb.Errorf("detail of %q: %q, want one line of at most %d bytes", finding.Check, detail, maxDetail)
		}
	}
}

// checkMeasurements checks that every number was announced.
func (s Subject) checkMeasurements(tb testing.TB, profile probe.Profile, result *probe.Result) {
	tb.Helper()
	for _, m := range result.Measurements {
		i := slices.IndexFunc(s.Kind.Metrics, func(metric probe.Metric) bool { return metric.Name == m.Metric })
		if i < 0 {
			tb.Errorf("measurement of %q, want a metric that the kind declares", m.Metric)
			continue
		}
		if !slices.Contains(profile.Metrics, m.Metric) {
			tb.Errorf("measurement of %q is not in the profile %+v", m.Metric, profile)
		}
		if values := slices.Concat(s.Kind.Metrics[i].Values, profile.Values[m.Metric]); m.Label != "" && !slices.Contains(values, m.Label) {
			tb.Errorf("label %q of %q, want one of %v", m.Label, m.Metric, values)
		}
	}
}

// explain writes a result for a failed test.
func explain(result *probe.Result) string {
	data, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}
