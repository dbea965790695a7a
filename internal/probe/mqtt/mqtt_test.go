package mqtt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topic   = "channelwatch/test"
	timeout = 3500 * time.Millisecond
	window  = 1500 * time.Millisecond
)

// newProber builds a prober for the broker at url; change adapts its configuration.
func newProber(tb testing.TB, url string, change func(*mqtt.Config)) probe.Prober {
	tb.Helper()
	return newProberWithin(tb, timeout, url, change)
}

// newProberWithin is newProber with a timeout of its own.
func newProberWithin(tb testing.TB, timeout time.Duration, url string, change func(*mqtt.Config)) probe.Prober {
	tb.Helper()
	kind := mqtt.Kind()
	config := kind.NewConfig(probe.Push).(*mqtt.Config)
	config.URL, config.Topic, config.Window = url, topic, window
	if change != nil {
		change(config)
	}
	built, err := kind.Build(config, probe.Setup{Channel: "push", Touchpoint: "orders", Type: probe.Push, Timeout: timeout})
	if err != nil {
		tb.Fatalf("building the prober: %v", err)
	}
	tb.Cleanup(built.Close)
	return built.Prober
}

// take probes once and checks what holds for every result of this kind: one message ends in exactly one way.
func take(tb testing.TB, p probe.Prober) probe.Result {
	tb.Helper()
	return takeWithin(tb, timeout, p)
}

// takeWithin is take with a timeout of its own.
func takeWithin(tb testing.TB, timeout time.Duration, p probe.Prober) probe.Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	defer cancel()
	r, err := p.Probe(ctx)
	if err != nil {
		tb.Fatalf("Probe: %v", err)
	}
	endings := 0
	for _, m := range r.Measurements {
		if m.Metric == "push_messages_total" {
			endings++
		}
	}
	wantEndings := 1
	if _, withheld := measured(r, "push_skipped_total", "credential"); withheld || r.Reason == "mqtt_version_refused" {
		wantEndings = 0 // there was none, or nobody to send it to
	}
	if endings != wantEndings {
		tb.Errorf("the message ended in %d ways, want %d", endings, wantEndings)
	}
	if r.Duration <= 0 || r.Duration > timeout+time.Second {
		tb.Errorf("duration is %v, want more than 0 and at most about %v", r.Duration, timeout)
	}
	return r
}

// outcome returns how the message of a result ended.
func outcome(r probe.Result) string {
	for _, m := range r.Measurements {
		if m.Metric == "push_messages_total" {
			return m.Label
		}
	}
	return ""
}

// measured returns the sum of a measurement, and whether there is one.
func measured(r probe.Result, metric, label string) (float64, bool) {
	sum, found := 0.0, false
	for _, m := range r.Measurements {
		if m.Metric == metric && m.Label == label {
			sum, found = sum+m.Value, true
		}
	}
	return sum, found
}

// value returns a measurement; -1 when there is none.
func value(r probe.Result, metric, label string) float64 {
	if v, ok := measured(r, metric, label); ok {
		return v
	}
	return -1
}

func wantValue(tb testing.TB, r probe.Result, metric, label string, want float64) {
	tb.Helper()
	if got, ok := measured(r, metric, label); !ok || got != want {
		tb.Errorf("%s{%s} is %v (there: %v), want %v", metric, label, got, ok, want)
	}
}

// want checks reason and outcome.
func want(tb testing.TB, r probe.Result, reason probe.Reason, ending string) {
	tb.Helper()
	if r.Reason != reason || outcome(r) != ending {
		tb.Errorf("got reason %q, outcome %q (%s), want %q, %q", r.Reason, outcome(r), r.Detail, reason, ending)
	}
	if (r.Reason == "") != (r.Detail == "") {
		tb.Errorf("reason %q has detail %q", r.Reason, r.Detail)
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
	if fmt.Sprint(got) != fmt.Sprint(ids) {
		tb.Errorf("findings are %v, want %v", got, ids)
	}
}

func reached(r probe.Result, phase probe.Phase) bool {
	_, ok := r.Phases.Get(phase)
	return ok
}

// opened counts the connections that a probe opened.
func opened(r probe.Result) int {
	n := 0
	for _, exchange := range r.Evidence.Exchanges {
		if _, connected := exchange.Phases.Get(probe.Connect); connected {
			n++
		}
	}
	return n
}

func TestProbe_DeliversAtEveryQoSOverHeldConnections(t *testing.T) {
	broker := startMosquitto(t)
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			for qos := range 3 {
				t.Run(fmt.Sprintf("qos %d", qos), func(t *testing.T) {
					p := newProber(t, "mqtt://"+broker.address(), both(speak, func(c *mqtt.Config) { c.QoS = qos }))
					first := take(t, p)
					want(t, first, "", "delivered")
					wantFindings(t, first)
					if _, again := measured(first, "push_receiver_reconnects_total", ""); again {
						t.Error("the first connection counts as one more")
					}
					if got := opened(first); got != 2 {
						t.Errorf("the first probe opened %d connections, want 2", got)
					}
					wantConnections(t, first, "CONNECT as subscriber", "CONNECT as publisher")
					if deliver, _ := first.Phases.Get(probe.Deliver); deliver != first.Duration {
						t.Errorf("deliver took %v, want the duration of %v", deliver, first.Duration)
					}
					if reached(first, probe.Accept) != (qos > 0) {
						t.Errorf("accept is reached: %v, want it for QoS 1 and 2 only", qos == 0)
					}
					for range 5 {
						next := take(t, p)
						want(t, next, "", "delivered")
						wantFindings(t, next)
						if got := opened(next); got != 0 {
							t.Errorf("a later probe opened %d connections, want the held ones", got)
						}
						wantConnections(t, next, "CONNECT as subscriber", "CONNECT as publisher")
						if _, again := measured(next, "push_receiver_reconnects_total", ""); again {
							t.Error("the receiver connected again, want the held connection")
						}
					}
				})
			}
		})
	}
}

// wantConnections checks that evidence says what each connection is for.
func wantConnections(tb testing.TB, r probe.Result, methods ...string) {
	tb.Helper()
	var got []string
	for _, exchange := range r.Evidence.Exchanges {
		got = append(got, exchange.Method)
	}
	if !slices.Equal(got, methods) {
		tb.Errorf("evidence shows the connections %q, want %q", got, methods)
	}
}

func TestProbe_ReportsWhenTheMessageArrived(t *testing.T) {
	broker := startMosquitto(t)
	before := time.Now()
	r := take(t, newProber(t, "mqtt://"+broker.address(), nil))
	after := time.Now()
	for _, m := range r.Measurements {
		if m.Metric == "push_last_delivered_timestamp_seconds" {
			seconds, fraction := math.Modf(m.Value)
			at := time.Unix(int64(seconds), int64(fraction*1e9))
			if at.Before(before.Add(-time.Millisecond)) || at.After(after) {
				t.Errorf("last delivered at %v, want between %v and %v", at, before, after)
			}
			return
		}
	}
	t.Errorf("measurements are %v, want one of the time of the arrival", r.Measurements)
}

func TestProbe_PublishesAndReceivesOnDifferentBrokers(t *testing.T) {
	here, elsewhere := startMosquitto(t), startMosquitto(t)
	p := newProber(t, "mqtt://"+here.address(), func(c *mqtt.Config) { c.ReceiveURL = "mqtt://" + elsewhere.address() })
	want(t, take(t, p), "message_lost", "lost")
}

func TestProbe_CancelledIsAnError(t *testing.T) {
	broker := newFakeBroker(t, behaviour{publish: ignore})
	p := newProber(t, broker.url, nil)
	ctx, cancel := context.WithCancel(t.Context())
	broker.onPublish(cancel)
	if r, err := p.Probe(ctx); err == nil {
		t.Errorf("Probe of a cancelled context returned reason %q, want an error", r.Reason)
	}
	cancel()
	if _, err := p.Probe(ctx); err == nil {
		t.Error("Probe with a cancelled context returned no error")
	}
}

func TestConformance(t *testing.T) {
	broker := startMosquitto(t)
	probetest.Run(t, probetest.Subject{
		Kind: mqtt.Kind(),
		Type: probe.Push,
		With: func(target probetest.Target) map[string]any {
			return map[string]any{"url": strings.Replace(target.URL, "http", "mqtt", 1), "topic": topic}
		},
	}, probetest.Fixture{
		Healthy:    func(testing.TB) probetest.Target { return probetest.Target{URL: "mqtt://" + broker.address()} },
		Silent:     probetest.Silent,
		SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}

// everything returns all text that leaves a probe.
func everything(tb testing.TB, r probe.Result) string {
	tb.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data) + fmt.Sprintf("%+v", r)
}
