package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Whom the incidents of these tests hit, and whom they must not.
const (
	oneOfTen   = "one-of-ten"   // loses one probe, which the second look clears
	firstOfAll = "first-of-all" // loses its first probe, which the second look clears
	barrier    = "barrier"      // has the last incident: when it is told, everything before has been
)

// incidents is a desk and who hears of its incidents.
type incidents struct {
	*desk
	inbox *inbox // of Alertmanager
}

func openIncidents(t *testing.T, channels []string) *incidents {
	t.Helper()
	inbox := newInbox(t)
	i := &incidents{desk: openDesk(t, startAlertmanager(t, inbox), newPost(t), channels), inbox: inbox}
	eventually(t, "the history to record", func() string {
		if seen := i.values(`channelwatch_experience_total{rating="excellent"}`); len(seen) < len(channels) {
			return fmt.Sprintf("only %v", seen)
		}
		return ""
	})
	return i
}

// tellings returns what each receiver was told of a channel, as "opened ended opened".
func (i *incidents) tellings(channel string) map[string]string {
	mails, hooks := i.post.received()
	var foreign []told
	for _, m := range i.inbox.about(channel) {
		status := "opened"
		if !slices.ContainsFunc(m.Alerts, func(a alert) bool { return a.Status == "firing" }) {
			status = "ended"
		}
		foreign = append(foreign, told{Channel: channel, Status: status})
	}
	return map[string]string{"mail": about(mails, channel), "webhook": about(hooks, channel), "Alertmanager": about(foreign, channel)}
}

// waitForTellings waits until every receiver was told of the channels so often, and of nothing else.
func (i *incidents) waitForTellings(channels []string, want string) {
	i.t.Helper()
	eventually(i.t, "everybody to hear that incidents "+want, func() string {
		for _, channel := range channels {
			for receiver, got := range i.tellings(channel) {
				if got != want {
					return fmt.Sprintf("%s heard %q of %s; scores %v, alerts %v", receiver, got, channel,
						i.values("channel:channelwatch_score:5m"), i.values(`ALERTS{alertname="ChannelPoor",alertstate="firing"}`))
				}
			}
		}
		return ""
	})
}

// waitForAlerts waits until an alert fires for channels, as it was evaluated after a time.
func (i *incidents) waitForAlerts(name string, channels []string, after time.Time) {
	i.t.Helper()
	eventually(i.t, name+" to fire", func() string {
		firing := i.values(fmt.Sprintf(`timestamp(ALERTS{alertname=%q,alertstate="firing"}) > %.3f`, name, float64(after.UnixMilli())/1e3))
		for _, channel := range channels {
			if _, ok := firing[channel]; !ok {
				return fmt.Sprintf("not for %s, only %v", channel, firing)
			}
		}
		return ""
	})
}

// check checks what everybody heard of a channel in the end.
func (i *incidents) check(channel, want string) {
	i.t.Helper()
	for receiver, got := range i.tellings(channel) {
		if got != want {
			i.t.Errorf("%s heard %q of %s, want %q", receiver, got, channel, want)
		}
	}
}

// TestIncidents_AreToldOnceAndWhenTheyEnd plays twenty incidents: ten channels become poor twice. Alertmanager, both
// owners by mail and a chat room are told of each when it begins and when it ends, and never of single probes that were
// lost.
func TestIncidents_AreToldOnceAndWhenTheyEnd(t *testing.T) {
	t.Parallel()
	var hit, unreachable []string
	for n := range 10 {
		hit = append(hit, fmt.Sprintf("channel-%d", n))
		if n%2 == 0 {
			unreachable = append(unreachable, hit[n])
		}
	}
	i := openIncidents(t, append([]string{oneOfTen, firstOfAll, barrier}, hit...))
	for _, channel := range append([]string{oneOfTen, barrier}, hit...) {
		i.results(channel, 10, "")
	}
	i.waitForScores(hit, 100, 100)

	i.results(oneOfTen, 1, probe.ConnectRefused)
	i.rechecked(oneOfTen, false)
	i.results(firstOfAll, 1, probe.ConnectRefused)
	i.rechecked(firstOfAll, false)

	want, heap := "", 100
	for range 2 {
		began := time.Now()
		for n, channel := range hit {
			// Half of them cannot be reached, which is an alert of their touchpoint, too.
			i.results(channel, heap, []probe.Reason{probe.ConnectRefused, probe.BodyTruncated}[n%2])
			i.rechecked(channel, true)
		}
		want = strings.TrimSpace(want + " opened")
		i.waitForTellings(hit, want)
		i.waitForAlerts("TouchpointDown", unreachable, began)
		i.waitForTellings(hit, want)
		for _, channel := range hit {
			i.results(channel, 10*heap, "")
		}
		want += " ended"
		i.waitForTellings(hit, want)
		heap *= 100
	}
	i.results(oneOfTen, 1, "")
	i.results(firstOfAll, 10, "")

	i.results(barrier, 100, probe.ConnectRefused)
	i.waitForTellings([]string{barrier}, "opened")
	for _, channel := range hit {
		i.check(channel, "opened ended opened ended")
	}
	i.check(oneOfTen, "")
	i.check(firstOfAll, "")
	i.checkPost(2*len(hit) + 1)
}

// checkPost checks that mails and webhooks tell of the same incidents, as many as there were, and reach both owners.
func (i *incidents) checkPost(want int) {
	i.t.Helper()
	mails, hooks := i.post.received()
	for what, all := range map[string][]told{"mails": mails, "webhooks": hooks} {
		seen := make(map[string]int)
		for _, m := range all {
			if m.Status == "opened" {
				seen[m.Incident]++
			}
			if m.To != nil && !slices.Equal(m.To, []string{"it@shop.example", "marketing@shop.example"}) {
				i.t.Errorf("a mail about %s went to %q, want both owners", m.Channel, m.To)
			}
		}
		if len(seen) != want {
			i.t.Errorf("%s tell of %d incidents, want %d: %+v", what, len(seen), want, all)
		}
	}
}

// TestIncidents_AreNotToldAgainAfterARestart stops the agent in the middle of an incident. The incident goes on when it
// is back, and ends later.
func TestIncidents_AreNotToldAgainAfterARestart(t *testing.T) {
	t.Parallel()
	hit := []string{"unreachable", "wrong"}
	reasons := []probe.Reason{probe.ConnectRefused, probe.BodyTruncated}
	i := openIncidents(t, append([]string{barrier}, hit...))
	poor := func() {
		for n, channel := range hit {
			i.results(channel, 100, reasons[n])
			i.rechecked(channel, true)
		}
	}
	poor()
	i.waitForTellings(hit, "opened")
	i.waitForAlerts("TouchpointDown", hit[:1], time.Unix(0, 0))

	i.stop()
	back := time.Now()
	i.run()
	poor()
	i.waitForAlerts("ChannelPoor", hit, back)
	i.waitForAlerts("TouchpointDown", hit[:1], back) // else nobody says that it ends
	i.results(barrier, 100, probe.ConnectRefused)
	i.rechecked(barrier, true)
	i.waitForTellings([]string{barrier}, "opened")
	for _, channel := range hit {
		i.check(channel, "opened")
	}

	for _, channel := range hit {
		i.results(channel, 10_000, "")
	}
	i.waitForTellings(hit, "opened ended")
	i.checkPost(len(hit) + 1)
}
