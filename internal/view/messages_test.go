package view_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/query"
	"github.com/channelwatch/channelwatch/internal/query/querytest"
	"github.com/channelwatch/channelwatch/internal/view"
)

// messagesWorld scripts messages that two agents send: one that arrives, one that is sent rarely, and one that nobody can see
// arrive.
func messagesWorld(end time.Time) *world {
	w := newWorld(end, 2*time.Hour)
	w.record(line{name: "push", parts: []part{
		{"news", "critical", 1, fine}, {"canary", "standard", 1, fine}, {"dry-run", "standard", 1, fine}, {"sender", "standard", 1, fine}, {"page", "standard", 1, fine},
	}})
	unix := func(ago time.Duration) float64 { return float64(end.Add(-ago).Unix()) }
	for _, at := range w.evaluations(30*time.Second, 2*time.Hour) {
		recorded := func(value float64, name, touchpoint string, more ...string) {
			w.add(at, value, name, append([]string{"channel", "push", "touchpoint", touchpoint}, more...)...)
		}
		recorded(unix(90*time.Second), "touchpoint:channelwatch_push_silent_since_timestamp_seconds:max", "news")
		recorded(unix(time.Hour), "touchpoint:channelwatch_push_silent_since_timestamp_seconds:max", "canary")
		recorded(unix(time.Minute), "touchpoint:channelwatch_push_silent_since_timestamp_seconds:max", "dry-run")
		recorded(unix(time.Minute), "touchpoint:channelwatch_push_silent_since_timestamp_seconds:max", "sender")
		recorded(0, "touchpoint_outcome:channelwatch_push_messages:increase1d", "canary", "outcome", "delivered")
		for outcome, n := range map[string]float64{"delivered": 2700.2, "late": 3, "corrupted": 1, "lost": 7, "rejected": 0.3, "unseen": 0} {
			recorded(n, "touchpoint_outcome:channelwatch_push_messages:increase1d", "news", "outcome", outcome)
		}
		recorded(1440, "touchpoint_outcome:channelwatch_push_messages:increase1d", "dry-run", "outcome", "unseen")
		recorded(2710, "touchpoint_answer:channelwatch_push_provider_responses:increase1d", "news", "answer", "accepted")
		recorded(2, "touchpoint_answer:channelwatch_push_provider_responses:increase1d", "news", "answer", "none")
		recorded(0.9875, "touchpoint:channelwatch_push_on_time:ratio1d", "news")
		recorded(0.0025, "touchpoint:channelwatch_push_lost:ratio1d", "news")
		for quantile, seconds := range map[string]float64{"p50_1h": 0.125, "p95_1h": 0.75, "p50_1d": 0.25, "p95_1d": 1.5} {
			recorded(seconds, "touchpoint:channelwatch_push_delivery_seconds:"+quantile, "news")
		}
		recorded(40, "touchpoint:channelwatch_push_delivery_seconds:p50_1d", "canary")
		recorded(58, "touchpoint:channelwatch_push_delivery_seconds:p95_1d", "canary")
		for place, more := range map[string]float64{"berlin": 0, "athens": 1} {
			exported := func(value float64, name, touchpoint string, labels ...string) {
				recorded(value, "channelwatch_push_"+name, touchpoint, append(labels, "instance", place, "job", "channelwatch")...)
			}
			exported(unix(90*time.Second)-60*more, "last_delivered_timestamp_seconds", "news")
			exported(1, "receiver_up", "news")
			exported(0, "duplicates_total", "news")
			exported(2700, "messages_total", "news", "outcome", "delivered")
			exported(1440, "messages_total", "dry-run", "outcome", "unseen")
			exported(unix(30*time.Second)-60*more, "last_accepted_timestamp_seconds", "dry-run")
			exported(unix(20*time.Second), "last_delivered_timestamp_seconds", "sender")
			exported(unix(-48*time.Hour)+3600*more, "credential_expiry_timestamp_seconds", "news", "what", "tls_client")
			exported(unix(-time.Minute), "credential_expiry_timestamp_seconds", "news", "what", "access_token")
			exported(more, "credential_ok", "canary")
			exported(1-more, "target_valid", "canary")
			exported(unix(240*time.Hour)-more, "target_refreshed_timestamp_seconds", "canary")
		}
	}
	for _, s := range w.series {
		if s.Labels["__name__"] == "channelwatch_touchpoint_interval_seconds" && s.Labels["touchpoint"] == "canary" {
			for i := range s.Points {
				s.Points[i].Value = 1800
			}
		}
	}
	return w
}

// TestView_MessagesRealServers builds the models of messages from the same samples in Prometheus and in VictoriaMetrics.
func TestView_MessagesRealServers(t *testing.T) {
	t.Parallel()
	end := lately()
	series := messagesWorld(end).all()
	for name, start := range map[string]func(testing.TB, []query.Series) string{
		"prometheus": querytest.Prometheus, "victoria-metrics": querytest.VictoriaMetrics,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			remote, err := query.NewRemote(query.RemoteConfig{URL: start(t, series)})
			if err != nil {
				t.Fatal(err)
			}
			v := view.New(view.Options{Engine: remote})
			for touchpoint, want := range wantMessages(end) {
				got, err := v.Touchpoint(t.Context(), "push", touchpoint, view.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if got.Messages != nil {
					testDelivery(t, touchpoint, got.Messages.Delivery, end)
					got.Messages.Delivery = nil
					for _, q := range got.Queries[len(got.Queries)-2:] {
						if answer, err := remote.Query(t.Context(), q.Expr, end); err != nil || len(answer) == 0 && touchpoint == "news" {
							t.Errorf("%s: %s answers with %d series and error %v", q.Title, q.Expr, len(answer), err)
						}
					}
				}
				if diff := cmp.Diff(want, got.Messages); diff != "" {
					t.Errorf("messages of %s (-want +got):\n%s", touchpoint, diff)
				}
			}
		})
	}
}

func wantMessages(end time.Time) map[string]*view.Messages {
	ago := func(d time.Duration) *time.Time { return new(end.Add(-d).Truncate(time.Second).UTC()) }
	counted := new(end.Truncate(time.Millisecond).UTC())
	return map[string]*view.Messages{
		"news": {
			Silent: *ago(90 * time.Second), Delivered: ago(90 * time.Second), Counted: counted, Seen: new(true),
			Ended:   []view.Counted{{Value: "delivered", Count: 2700}, {Value: "late", Count: 3}, {Value: "corrupted", Count: 1}, {Value: "lost", Count: 7}},
			Answers: []view.Counted{{Value: "accepted", Count: 2710}, {Value: "none", Count: 2}},
			OnTime:  new(0.9875), Lost: new(0.0025), Half: new(0.25), Most: new(1.5), Receiver: new(true), Expires: ago(-48 * time.Hour),
		},
		// What one of two agents has trouble with is trouble.
		"canary": {
			Silent: *ago(time.Hour), Counted: counted, Half: new(40.0), Most: new(58.0), Credential: new(false), Target: new(false), Refreshed: ago(240 * time.Hour),
		},
		"sender":  {Silent: *ago(20 * time.Second), Delivered: ago(20 * time.Second), Beats: true},
		"dry-run": {Silent: *ago(time.Minute), Accepted: ago(30 * time.Second), Counted: counted, Seen: new(false), Ended: []view.Counted{{Value: "unseen", Count: 1440}}},
		"page":    nil,
	}
}

func testDelivery(t *testing.T, touchpoint string, got []view.DeliveryOverTime, end time.Time) {
	t.Helper()
	want := map[string][]float64{"news": {0.125, 0.75}, "canary": {40, 58}}[touchpoint]
	if len(got) != len(want) {
		t.Fatalf("%s: %d lines of deliveries, want %d", touchpoint, len(got), len(want))
	}
	for i, share := range []float64{0.5, 0.95}[:len(want)] {
		if got[i].Share != share {
			t.Errorf("%s: line %d is of %v of the messages, want %v", touchpoint, i, got[i].Share, share)
		}
		testFlat(t, touchpoint, got[i].Line, want[i], end)
	}
}
