package webpush_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/quality"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	timeout    = 4 * time.Second
	window     = 2 * time.Second
	every      = 5 * time.Minute
	receiptURL = "https://receipts.example.com"
)

// setup is what the agent tells a touchpoint.
func setup() probe.Setup {
	return probe.Setup{Channel: "push", Touchpoint: "offers", Type: probe.Push, Every: every, Timeout: timeout, Receipts: receiptURL}
}

// newProber builds a prober; change sets its configuration.
func newProber(tb testing.TB, receipts *ledger.Ledger, change func(*webpush.Config)) probe.Prober {
	tb.Helper()
	built, err := build(receipts, change)
	if err != nil {
		tb.Fatalf("building the prober: %v", err)
	}
	tb.Cleanup(built.Close)
	return built.Prober
}

func build(receipts *ledger.Ledger, change func(*webpush.Config)) (probe.Built, error) {
	kind := webpush.Kind(receipts)
	config := kind.NewConfig(probe.Push).(*webpush.Config)
	config.Window = window
	change(config)
	return kind.Build(config, setup())
}

// selfProber builds a prober that is its own receiver.
func selfProber(tb testing.TB, s *stage, change func(*webpush.Config)) probe.Prober {
	tb.Helper()
	return newProber(tb, nil, func(c *webpush.Config) {
		c.Receive, c.Service = "self", s.url()
		if change != nil {
			change(c)
		}
	})
}

// fileProber builds a prober whose messages go to the subscription in a file.
func fileProber(tb testing.TB, receive, file string, receipts *ledger.Ledger, change func(*webpush.Config)) probe.Prober {
	tb.Helper()
	return newProber(tb, receipts, func(c *webpush.Config) {
		c.Receive, c.SubscriptionFile = receive, file
		if change != nil {
			change(c)
		}
	})
}

// take probes once and checks what holds for every result of this kind: a message that was due ended in exactly one way,
// or was withheld.
func take(tb testing.TB, p probe.Prober) probe.Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	defer cancel()
	r, err := p.Probe(ctx)
	if err != nil {
		tb.Fatalf("Probe: %v", err)
	}
	ends := 0
	for _, m := range r.Measurements {
		if m.Metric == "push_messages_total" || m.Metric == "push_skipped_total" {
			ends++
		}
	}
	if ends != 1 {
		tb.Errorf("the message ended or was withheld in %d ways, want 1: %+v", ends, r.Measurements)
	}
	if r.Duration <= 0 || r.Duration > timeout+time.Second {
		tb.Errorf("duration is %v, want more than 0 and at most about %v", r.Duration, timeout)
	}
	return r
}

// label returns the label of the result's only measurement of a metric; empty when there is none.
func label(r probe.Result, metric string) string {
	for _, m := range r.Measurements {
		if m.Metric == metric {
			return m.Label
		}
	}
	return ""
}

// value returns the result's measurement of a metric, and whether there is one.
func value(r probe.Result, metric string) (float64, bool) {
	for _, m := range r.Measurements {
		if m.Metric == metric {
			return m.Value, true
		}
	}
	return 0, false
}

// wantValue checks the measurement of a metric.
func wantValue(tb testing.TB, r probe.Result, metric string, want float64) {
	tb.Helper()
	if got, ok := value(r, metric); !ok || got != want {
		tb.Errorf("%s is %v (measured: %v), want %v", metric, got, ok, want)
	}
}

// want checks reason and outcome.
func want(tb testing.TB, r probe.Result, reason probe.Reason, outcome string) {
	tb.Helper()
	if got := label(r, "push_messages_total"); r.Reason != reason || got != outcome {
		tb.Errorf("got reason %q, outcome %q (%s), want %q, %q", r.Reason, got, r.Detail, reason, outcome)
	}
	if (r.Reason == "") != (r.Detail == "") {
		tb.Errorf("reason %q has the detail %q", r.Reason, r.Detail)
	}
}

// wantWithheld checks that nothing was sent, and why.
func wantWithheld(tb testing.TB, r probe.Result, reason probe.Reason, why string) {
	tb.Helper()
	if got := label(r, "push_skipped_total"); r.Reason != reason || got != why {
		tb.Errorf("got reason %q, withheld because of %q (%s), want %q, %q", r.Reason, got, r.Detail, reason, why)
	}
}

// wantFindings checks the ids of all findings.
func wantFindings(tb testing.TB, r probe.Result, ids ...probe.CheckID) {
	tb.Helper()
	var got []probe.CheckID
	for _, f := range r.Findings {
		got = append(got, f.Check)
		if f.Detail == "" {
			tb.Errorf("finding %q has no detail", f.Check)
		}
	}
	if !slices.Equal(got, ids) {
		tb.Errorf("findings are %v, want %v", got, ids)
	}
}

// rate rates a result as the agent does, by its findings alone.
func rate(tb testing.TB, r probe.Result) quality.Verdict {
	tb.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{webpush.Kind(nil)})
	if err != nil {
		tb.Fatal(err)
	}
	return quality.Rate(catalogue, probe.Limits{}, &r)
}

// events returns what a result tells of its way, in one text.
func events(r probe.Result) string {
	var text strings.Builder
	for _, e := range r.Evidence.Events {
		fmt.Fprintln(&text, e.Text)
	}
	return text.String()
}
