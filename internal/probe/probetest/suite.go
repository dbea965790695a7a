package probetest

import (
	"cmp"
	"context"
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// Fixture is what the suite points a subject at.
type Fixture struct {
	Healthy    func(testing.TB) Target // a service in which the kind finds nothing wrong
	Silent     func(testing.TB) Target // a service that takes the connection and never says anything
	SilentWant probe.Reason            // what a probe of it is given up with
	ClosedPort func(testing.TB) Target // a port on which nothing listens
	ClosedWant probe.Reason            // what a probe of it says; empty is ConnectRefused
}

// Run is the conformance suite. It leaves no goroutine behind.
func Run(t *testing.T, subject Subject, fixture Fixture) {
	t.Helper()
	running := goleak.IgnoreCurrent()
	defer leavesNothing(t, running)
	steps := []struct {
		name string
		run  func(*testing.T, Subject, Fixture)
	}{
		{"the kind is documented", documented},
		{"the sample loads", sampleLoads},
		{"the profile is complete", profileComplete},
		{"a healthy service has a complete and good result", healthy},
		{"a closed port is refused", closedPort},
		{"a deadline gives the reason of what hung", deadline},
		{"a deadline that has passed gives a reason", passedDeadline},
		{"a cancelled probe returns with an error", cancelled},
		{"a probe cancelled before its start returns with an error", cancelledBefore},
		{"one prober serves many at once", concurrent},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) { step.run(t, subject, fixture) })
	}
}

// leavesNothing fails the test when goroutines are left: those of servers and connections take a moment to end.
func leavesNothing(t *testing.T, running goleak.Option) {
	t.Helper()
	end := time.Now().Add(grace)
	err := goleak.Find(running) // waits a little by itself
	for err != nil && time.Now().Before(end) {
		err = goleak.Find(running)
	}
	if err != nil {
		t.Error(err)
	}
}

// documented checks what people read about the kind and what the loader relies on.
func documented(t *testing.T, s Subject, _ Fixture) {
	t.Helper()
	kind := s.Kind
	if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(kind.Name) {
		t.Errorf("name %q, want one lower-case word", kind.Name)
	}
	if !strings.HasSuffix(kind.Summary, ".") {
		t.Errorf("summary %q, want a sentence", kind.Summary)
	}
	if kind.Every < kind.Timeout || kind.Timeout <= 0 {
		t.Errorf("every %v and timeout %v, want a timeout that is over before the next probe", kind.Every, kind.Timeout)
	}
	catalogue, err := probe.NewCatalogue([]probe.Kind{kind})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range catalogue.KindChecks(kind.Name) {
		if check.Title == "" || !strings.HasSuffix(check.Marketing, ".") || !strings.HasSuffix(check.IT, ".") {
			t.Errorf("check %q: got %+v, want a title and a sentence for each side", check.ID, check)
		}
	}
	for _, metric := range kind.Metrics {
		if !strings.HasSuffix(metric.Help, ".") || metric.Label == "" && len(metric.Values) > 0 {
			t.Errorf("metric %q: got %+v, want a sentence, and a label when there are values", metric.Name, metric)
		}
	}
	for _, channelType := range probe.ChannelTypes() {
		if limits := kind.Limits(channelType); limits != (probe.Limits{}) &&
			(limits.Excellent <= 0 || limits.Good <= limits.Excellent || limits.Fair <= limits.Good) {
			t.Errorf("limits of %s: got %+v, want none or each longer than the one before", channelType, limits)
		}
	}
}

// sampleLoads loads the sample as a touchpoint of a file.
func sampleLoads(t *testing.T, s Subject, _ Fixture) {
	t.Helper()
	var sample map[string]any
	if err := yaml.Unmarshal([]byte(s.Kind.Sample), &sample); err != nil {
		t.Fatal(err)
	}
	touchpoint := s.load(t, sample)
	if touchpoint.Kind != s.Kind.Name || touchpoint.Prober == nil {
		t.Errorf("got a touchpoint of kind %q, want a ready one of %q", touchpoint.Kind, s.Kind.Name)
	}
	if !strings.HasPrefix(s.Kind.Sample, "# ") {
		t.Errorf("the sample begins with %.20q, want a comment that says what it watches", s.Kind.Sample)
	}
}

// maxValues is how many values the label of a metric can have at one touchpoint; see probe.Profile.Values.
const maxValues = 20

func profileComplete(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	profile := s.build(t, f.Healthy(t)).Profile
	if _, _, err := net.SplitHostPort(profile.Target); err != nil {
		t.Errorf("target %q: %v, want host:port", profile.Target, err)
	}
	// What others tell can be that somebody is alive, which takes no time.
	if profile.URL == "" || len(profile.Phases) == 0 && !profile.Receipts {
		t.Errorf("got %+v, want a URL and phases", profile)
	}
	if dates := slices.Contains(profile.Metrics, probe.CertificateNotAfter); dates != profile.TLS {
		t.Errorf("certificate dates are in the profile: %v, want it as TLS says: %v", dates, profile.TLS)
	}
	for _, metric := range s.Kind.Metrics {
		open := metric.Label != "" && len(metric.Values) == 0 && slices.Contains(profile.Metrics, metric.Name)
		if n := len(profile.Values[metric.Name]); open != (n > 0) || n > maxValues {
			t.Errorf("%d values of the label of %q are in the profile, want 1 to %d where the kind declares none, else 0", n, metric.Name, maxValues)
		}
	}
	for _, name := range profile.Metrics {
		if !slices.ContainsFunc(s.Kind.Metrics, func(m probe.Metric) bool { return m.Name == name }) {
			t.Errorf("metric %q is in the profile, but not declared by the kind", name)
		}
	}
}

func healthy(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	built := s.build(t, f.Healthy(t))
	before := time.Now()
	got := probeWithin(t, built.Prober, s.Kind.Timeout)
	result := got.result
	if result.Start.Before(before) {
		t.Errorf("start %v, want it within the probe, which began at %v", result.Start, before)
	}
	s.checkResult(t, built.Profile, got)
	if verdict := s.rate(t, &result); verdict.Rating < probe.Good {
		t.Errorf("rated %v because of %q: %s", verdict.Rating, verdict.Cause, explain(&result))
	}
}

func closedPort(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	s.expectReason(t, f.ClosedPort(t), s.Kind.Timeout, cmp.Or(f.ClosedWant, probe.ConnectRefused))
}

func deadline(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	s.expectReason(t, f.Silent(t), hangs, f.SilentWant)
}

func (s Subject) expectReason(t *testing.T, target Target, deadline time.Duration, want probe.Reason) {
	t.Helper()
	built := s.build(t, target)
	got := probeWithin(t, built.Prober, deadline)
	s.checkResult(t, built.Profile, got)
	result := got.result
	if result.Reason != want {
		t.Errorf("got reason %q, want %q: %s", result.Reason, want, explain(&result))
	}
}

func passedDeadline(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	built := s.build(t, f.Healthy(t))
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	got := probeUntil(ctx, built.Prober, grace)
	if got.err != nil || got.result.Reason == "" {
		t.Errorf("got the error %v and the reason %q, want the reason of the phase that had no time", got.err, got.result.Reason)
	}
	s.checkFindings(t, &got.result)
}

func cancelled(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	built := s.build(t, f.Silent(t))
	ctx, cancel := context.WithCancel(t.Context())
	// Whether the cancel comes before, during or after the connection is made, the prober must return.
	timer := time.AfterFunc(hangs/4, cancel)
	defer timer.Stop()
	defer cancel()
	expectCancelled(t, probeUntil(ctx, built.Prober, grace))
}

func expectCancelled(t *testing.T, got answer) {
	t.Helper()
	switch {
	case errors.Is(got.err, errNotBack):
		t.Error(got.err)
	case got.err == nil:
		t.Errorf("got a result (%s), want an error: a cancelled probe says nothing about the channel", explain(&got.result))
	}
}

func cancelledBefore(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	built := s.build(t, f.Healthy(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	expectCancelled(t, probeUntil(ctx, built.Prober, grace))
}

func concurrent(t *testing.T, s Subject, f Fixture) {
	t.Helper()
	built := s.build(t, f.Healthy(t))
	var probes sync.WaitGroup
	for range 8 {
		probes.Go(func() {
			switch got := ask(t.Context(), built.Prober); {
			case got.err != nil:
				t.Error(got.err)
			case got.result.Reason != "":
				t.Errorf("got reason %q, want none: %s", got.result.Reason, explain(&got.result))
			default:
				s.checkResult(t, built.Profile, got)
			}
		})
	}
	probes.Wait()
}

// rate rates a result by its findings alone: how fast a loaded machine is says nothing about the kind.
func (s Subject) rate(tb testing.TB, result *probe.Result) quality.Verdict {
	tb.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{s.Kind})
	if err != nil {
		tb.Fatal(err)
	}
	return quality.Rate(catalogue, probe.Limits{}, result)
}
