package dashboards_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/demo"
	"github.com/channelwatch/channelwatch/internal/push"
)

// messages are those of a touchpoint, a minute.
type messages struct {
	touchpoint, labels string
	interval           float64
	outcomes, answers  map[string]float64
	arrived            map[string]float64 // by the bucket's edge
	silent             time.Duration
}

func sentMessages() []messages {
	return []messages{
		{
			"news", `kind="mqtt", title="News", limit_excellent="1", limit_good="5", limit_fair="20"`, 30,
			map[string]float64{"delivered": 6, "late": 1, "corrupted": 0, "lost": 2, "rejected": 1, "unsent": 0, "unseen": 0},
			map[string]float64{"accepted": 9, "throttled": 1, "none": 0},
			map[string]float64{"0.05": 0, "0.25": 4, "1": 6, "5": 7, "+Inf": 7},
			50000 * time.Second,
		},
		{
			"canary", `kind="apns", title="Canary phone", limit_excellent="5", limit_good="30", limit_fair="300"`, 1800,
			map[string]float64{"delivered": 1.0 / 30, "late": 0, "lost": 1.0 / 90, "rejected": 0, "unsent": 0, "unseen": 0},
			map[string]float64{"accepted": 4.0 / 90, "throttled": 0, "none": 0},
			map[string]float64{"5": 0, "20": 0, "30": 1.0 / 30, "60": 1.0 / 30, "+Inf": 1.0 / 30},
			30000 * time.Second,
		},
		{
			"dry-run", `kind="fcm", title="Dry run", limit_excellent="0.3", limit_good="1", limit_fair="3"`, 60,
			map[string]float64{"delivered": 0, "late": 0, "lost": 0, "rejected": 0, "unsent": 0, "unseen": 1},
			map[string]float64{"accepted": 1, "throttled": 0, "none": 0},
			nil,
			40000 * time.Second,
		},
	}
}

// pushMessages writes what an agent exports of messages, and what was recorded of them.
func pushMessages(w *past) {
	const agent = `instance="a:1", job="channelwatch"`
	unix := func(at time.Time) func(time.Duration) float64 { return constant(float64(at.Unix())) }
	w.day(`channelwatch_channel_info{channel="push", type="push", title="Push messages", `+agent+`}`, constant(1))
	for _, m := range sentMessages() {
		recorded := fmt.Sprintf(`channel="push", touchpoint=%q`, m.touchpoint)
		at := recorded + ", " + agent
		w.day(`channelwatch_touchpoint_info{`+m.labels+`, `+at+`}`, constant(1))
		w.day(`channelwatch_touchpoint_interval_seconds{`+at+`}`, constant(m.interval))
		counted := func(metric, record, label string, values map[string]float64) {
			for value, n := range values {
				w.day(fmt.Sprintf(`channelwatch_%s{%s=%q, %s}`, metric, label, value, at), upTo(n))
				w.day(fmt.Sprintf(`%s:increase5m{%s=%q, %s}`, record, label, value, recorded), inMinutes(n))
			}
		}
		counted("push_messages_total", "touchpoint_outcome:channelwatch_push_messages", "outcome", m.outcomes)
		counted("push_provider_responses_total", "touchpoint_answer:channelwatch_push_provider_responses", "answer", m.answers)
		counted("push_delivery_duration_seconds_bucket", "touchpoint_le:channelwatch_push_delivery_duration_seconds_bucket", "le", m.arrived)
		last := "delivered"
		if m.arrived == nil {
			last = "accepted"
		}
		w.day(`channelwatch_push_last_`+last+`_timestamp_seconds{`+at+`}`, unix(w.end.Add(-m.silent)))
		w.day(`channelwatch_push_accept_duration_seconds_sum{`+at+`}`, upTo(m.interval/100))
		w.day(`channelwatch_push_accept_duration_seconds_count{`+at+`}`, upTo(1))
	}
	const news, canary = `channel="push", touchpoint="news", ` + agent, `channel="push", touchpoint="canary", ` + agent
	w.day(`channelwatch_push_receiver_up{`+news+`}`, constant(1))
	w.day(`channelwatch_push_credential_ok{`+news+`}`, constant(1))
	w.day(`channelwatch_push_credential_ok{`+canary+`}`, constant(0))
	w.day(`channelwatch_push_target_valid{`+canary+`}`, constant(0))
	w.day(`channelwatch_push_target_refreshed_timestamp_seconds{`+canary+`}`, unix(w.end.Add(-10*24*time.Hour)))
	w.day(`channelwatch_push_credential_expiry_timestamp_seconds{what="tls_client", `+news+`}`, unix(w.end.Add(20*24*time.Hour)))
	w.day(`channelwatch_push_credential_expiry_timestamp_seconds{what="access_token", `+canary+`}`, unix(w.end.Add(time.Hour)))
	for i, metric := range []string{"duplicates_total", "corrupted_total", "unacknowledged_deliveries_total", "receiver_reconnects_total"} {
		w.day(`channelwatch_push_`+metric+`{`+news+`}`, upTo(float64(i+1)))
	}
	w.day(`channelwatch_push_skipped_total{why="throttled", `+news+`}`, upTo(4))
	w.day(`channelwatch_push_skipped_total{why="credential", `+news+`}`, upTo(0))
	w.day(`channelwatch_push_outstanding_messages{`+news+`}`, constant(17))
	w.day(`channelwatch_push_receipts_total{what="receipt", `+agent+`}`, upTo(3))
	w.day(`channelwatch_push_receipts_rejected_total{why="expired", `+agent+`}`, upTo(2))
}

func TestDashboards_ShowPushMessages(t *testing.T) {
	t.Parallel()
	w := &past{end: time.Now().Add(-10 * time.Second).Truncate(time.Second)}
	pushMessages(w)
	p := startPrometheus(t, w.blocks(t), hastenedRules(t))
	eventually(t, "the last rule of each group", func() string {
		for _, recorded := range []string{
			"touchpoint:channelwatch_push_silent_since_timestamp_seconds:max",
			"touchpoint:channelwatch_push_delivery_seconds:p95_1h", "touchpoint:channelwatch_push_delivery_seconds:p95_1d",
		} {
			if a, err := p.query(t.Context(), recorded, time.Now()); err != nil || len(a.samples) == 0 {
				return fmt.Sprintf("no %s (%v)", recorded, err)
			}
		}
		return ""
	})
	for _, v := range pushValues() {
		v.check(t, p, w.end)
	}
	checkData(t, p, named(t, "channelwatch-push"))
}

func pushValues() []webValue {
	const uid = "channelwatch-push"
	one := func(panel int, ref, touchpoint string, value float64) webValue {
		return webValue{uid, panel, ref, nil, "channel touchpoint", map[string]float64{"push " + touchpoint: value}}
	}
	several := func(panel int, ref, by string, values map[string]float64) webValue {
		return webValue{uid, panel, ref, nil, by, values}
	}
	silent := map[string]float64{"News": 50000, "Canary phone": 30000, "Dry run": 40000}
	limits := map[string]float64{"News 5": 50000, "Canary phone 30": 30000, "Dry run 1": 40000}
	const minutes = 24 * 60
	ended := map[string]float64{
		"arrived on time": 6 * minutes, "arrived late": minutes, "accepted, never arrived": 2 * minutes, "turned away": minutes,
	}
	return []webValue{
		several(2, "A", "title limit_good", limits),
		several(2, "B", "touchpoint", map[string]float64{"news": 0.6, "canary": 0.75}),
		several(2, "C", "touchpoint", map[string]float64{"news": 2.0 / 9, "canary": 0.25}),
		// 0.05 + 0.2 * 3.5 / 4, and 1 + 4 * (0.95 * 7 - 6); all of the canary within the bucket that ends where good does.
		several(2, "D", "touchpoint", map[string]float64{"news": 0.225, "canary": 25}),
		several(2, "E", "touchpoint", map[string]float64{"news": 3.6, "canary": 29.5}),
		several(2, "F", "touchpoint", map[string]float64{"news": 0, "canary": 0, "dry-run": 1}),
		several(3, "A", "title good", map[string]float64{"News , good up to 5 s": 3.6, "Canary phone , good up to 30 s": 29.5}),
		several(3, "B", "title", map[string]float64{"News": 0.225, "Canary phone": 25}),
		several(4, "A", "title", map[string]float64{"News": 2.0 / 9, "Canary phone": 0.25}),
		several(5, "A", "title", silent),
		several(6, "A", "title", map[string]float64{"News": 0, "Canary phone": 0, "Dry run": 1}),
		{uid, 7, "A", choice{"touchpoint": "news"}, "said", ended},
		{uid, 7, "A", choice{"touchpoint": "dry-run"}, "said", map[string]float64{"accepted, arrival not seen": minutes}},
		{uid, 8, "A", choice{"touchpoint": "news"}, "said", map[string]float64{"accepted": 9 * minutes, "too many messages": minutes}},
		several(21, "A", "title", silent),
		several(21, "B", "touchpoint", map[string]float64{"news": 1, "canary": 0}),
		one(21, "C", "canary", 0), one(21, "D", "news", 1), one(21, "E", "news", 20*86400), one(21, "F", "canary", 10*86400),
		one(31, "A", "news", 1), one(31, "B", "news", 2), one(31, "C", "news", 3), one(33, "A", "news", 4),
		several(32, "A", "said", map[string]float64{"provider asked to wait": 20}),
		several(34, "A", "title", map[string]float64{"News": 0.3, "Canary phone": 18, "Dry run": 0.6}),
		several(41, "A", "what", map[string]float64{"receipt": 3}),
		several(42, "A", "why", map[string]float64{"expired": 2}),
		several(43, "A", "title", map[string]float64{"News": 17}),
		// The channel's own dashboard reads the same.
		{"channelwatch-channel", 41, "A", choice{"channel": "push", "touchpoint": "news"}, "said", maps.Clone(ended)},
		{"channelwatch-channel", 42, "A", choice{"channel": "push"}, "title", silent},
	}
}

// TestMessages_HaveWordsForAllThatIsExported keeps the closed lists of labels and the words of panels together.
func TestMessages_HaveWordsForAllThatIsExported(t *testing.T) {
	b := named(t, "channelwatch-push")
	for id, metric := range map[int]string{7: push.MessagesTotal, 8: push.ProviderResponsesTotal, 32: push.SkippedTotal} {
		of := b.panel(t, id)
		q := of.target(t, "A")
		for _, m := range push.Metrics(metric) {
			for _, value := range m.Values {
				if !strings.Contains(q.Expr, fmt.Sprintf(", %q, %q)", m.Label, value)) {
					t.Errorf("%s: no words for %s", of.Title, value)
				}
			}
		}
	}
}

// TestDashboards_ShowMessagesOfTheDemo asks for what needs no history, as soon as the demo has sent messages.
func TestDashboards_ShowMessagesOfTheDemo(t *testing.T) {
	t.Parallel()
	p := startPrometheus(t, t.TempDir(), hastenedRules(t), startShop(t, demo.Options{Script: script(), Every: 2 * time.Second}))
	chosen := choice{"channel": ".*", "touchpoint": ".*"}
	for _, id := range []int{2, 3, 4, 5, 6, 7, 8, 34} {
		of := named(t, "channelwatch-push").panel(t, id)
		for _, q := range of.Targets {
			eventually(t, of.Title+" "+q.RefID, func() string {
				a, err := reasonable(t.Context(), p, &of, &q, chosen, zoom)
				if err != nil {
					return err.Error()
				}
				if len(a.samples) == 0 {
					return "no data"
				}
				return ""
			})
		}
	}
}
