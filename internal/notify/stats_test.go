package notify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/notify"
)

func TestReadings(t *testing.T) {
	mails, hook := newMailServer(t, "starttls"), newHookServer(t)
	conf := mails.config()
	a := start(t, "", notify.Config{Email: &conf, Webhooks: []notify.Webhook{hook.config(t), hook.config(t)}})
	alert := poor("shop")
	a.Alerts([]notify.Alert{alert, poor("app")})
	a.await(t, "messages", func() bool { return len(mails.received()) == 2 && len(hook.received()) == 4 })
	alert.Ended = time.Now()
	a.Alerts([]notify.Alert{alert})
	a.await(t, "the end", func() bool { return len(mails.received()) == 3 && len(hook.received()) == 6 })
	a.stop()
	got := make(map[string]float64)
	described := notify.Describe()
	for _, r := range a.Readings() {
		got[r.Name+fmt.Sprint(r.Labels)] = r.Value
		i := slices.IndexFunc(described, func(f metrics.Family) bool { return f.Name == r.Name })
		if i < 0 || described[i].Type != r.Type || described[i].Help != r.Help || len(described[i].Labels) != len(r.Labels) {
			t.Errorf("%s is not described as it is", r.Name)
		}
	}
	want := map[string]float64{
		"notify_incidents_open[]":                            1,
		"notify_messages_sent_total[{receiver email}]":       3,
		"notify_messages_sent_total[{receiver webhook}]":     6,
		"notify_messages_pending[{receiver email}]":          0,
		"notify_messages_pending[{receiver webhook}]":        0,
		"notify_messages_given_up_total[{receiver email}]":   0,
		"notify_messages_given_up_total[{receiver webhook}]": 0,
		"notify_deliveries_failed_total[{receiver email}]":   0,
		"notify_deliveries_failed_total[{receiver webhook}]": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	if !slices.IsSortedFunc(described, func(a, b metrics.Family) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("Describe is not sorted")
	}
}
