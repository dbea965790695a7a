package notify

import (
	"fmt"
	"testing"
	"time"
)

const (
	poor     = "critical ChannelPoor channel=shop"
	degraded = "warning ChannelDegraded channel=shop"
	down     = "warning TouchpointDown channel=shop touchpoint=home instance=berlin"
	disagree = "info TouchpointLabFieldDisagree channel=shop touchpoint=home"
	blind    = "critical AgentBlind instance=berlin"
)

func TestNotifier_Incidents(t *testing.T) {
	tests := map[string]struct {
		script func(s *stage)
		want   []string
	}{
		"one message when it begins and one when it ends": {
			func(s *stage) {
				s.fire(poor)
				s.pass(3 * time.Hour)
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "3h1m0s mail ended shop: ChannelPoor"},
		},
		"what customers' browsers say is told to nobody": {
			func(s *stage) {
				s.fire(disagree)
				s.pass(5 * time.Hour)
				s.fire(poor)
				s.pass(time.Hour)
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"5h0m30s mail opened shop: ChannelPoor", "6h1m0s mail ended shop: ChannelPoor"},
		},
		"alerts that begin together are one message": {
			func(s *stage) {
				s.fire(degraded)
				s.pass(20 * time.Second)
				s.fire("critical CertificateExpiringSoon channel=shop touchpoint=home")
				s.pass(time.Minute)
			},
			[]string{"30s mail opened shop: CertificateExpiringSoon, ChannelDegraded"},
		},
		"what ends while alerts are gathered is not told": {
			func(s *stage) {
				for range 5 {
					s.fire(poor)
					s.pass(29 * time.Second)
					s.end(poor)
					s.pass(time.Second)
				}
				s.pass(time.Hour)
			},
			nil,
		},
		"what ends while others are gathered is not part of the message": {
			func(s *stage) {
				s.fire(degraded)
				s.pass(15 * time.Second)
				s.fire("warning HostPressureOnChannel channel=shop")
				s.end(degraded)
				s.pass(time.Minute)
			},
			[]string{"30s mail opened shop: HostPressureOnChannel"},
		},
		"a relapse within a minute is the same incident": {
			func(s *stage) {
				s.fire(poor)
				s.pass(5 * time.Minute)
				for range 10 {
					s.end(poor)
					s.pass(59 * time.Second)
					s.fire(poor)
					s.pass(time.Minute)
				}
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "25m50s mail ended shop: ChannelPoor"},
		},
		"a relapse after a minute is another incident": {
			func(s *stage) {
				s.fire(poor)
				s.pass(2 * time.Minute)
				s.end(poor)
				s.pass(time.Minute)
				s.fire(poor)
				s.pass(time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "3m0s mail ended shop: ChannelPoor", "3m30s mail opened shop: ChannelPoor"},
		},
		"what joins and what gets worse is told at the end": {
			func(s *stage) {
				s.fire(degraded)
				s.pass(10 * time.Minute)
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.end(poor, degraded)
				s.pass(10 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelDegraded", "21m0s mail ended shop: ChannelPoor, ChannelDegraded"},
		},
		"channels are told apart": {
			func(s *stage) {
				s.fire(poor, "critical ChannelPoor channel=app")
				s.pass(time.Minute)
				s.end(poor)
				s.pass(2 * time.Minute)
			},
			[]string{
				"30s mail opened app: ChannelPoor", "30s mail opened shop: ChannelPoor", "2m0s mail ended shop: ChannelPoor",
			},
		},
		"alerts about no channel are about the agent at a place": {
			func(s *stage) {
				s.fire("warning ConfigReloadFailed location=rome instance=a", "warning SeriesRejected location=rome instance=b", "critical AgentAbsent")
				s.pass(time.Minute)
				s.fire(blind)
				s.pass(time.Minute)
			},
			[]string{"30s mail opened berlin: AgentAbsent", "30s mail opened rome: ConfigReloadFailed, SeriesRejected"},
		},
		"the lesser alert of a pair is not told": {
			func(s *stage) {
				s.fire(poor, degraded, down, "warning HostPressureOnChannel channel=shop instance=web-1")
				s.pass(10 * time.Minute)
				s.end(poor, degraded, down, "warning HostPressureOnChannel channel=shop instance=web-1")
				s.pass(10 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "11m0s mail ended shop: ChannelPoor"},
		},
		"the lesser alert keeps the incident open, and is told once it stands alone": {
			func(s *stage) {
				s.fire(poor, down)
				s.pass(10 * time.Minute)
				s.end(poor)
				s.pass(10 * time.Minute)
				s.end(down)
				s.pass(10 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "21m0s mail ended shop: ChannelPoor, TouchpointDown"},
		},
		"pairs are of the same touchpoint": {
			func(s *stage) {
				s.fire("critical CertificateExpiringSoon channel=shop touchpoint=a", "warning CertificateExpiring channel=shop touchpoint=a",
					"warning CertificateExpiring channel=shop touchpoint=b")
				s.pass(time.Minute)
			},
			[]string{"30s mail opened shop: CertificateExpiringSoon, CertificateExpiring"},
		},
		"whoever is blind accuses nobody": {
			func(s *stage) {
				s.fire(blind, down)
				s.pass(10 * time.Minute)
				s.end(blind)
				s.pass(29 * time.Second)
				s.end(down)
				s.pass(10 * time.Minute)
			},
			[]string{"30s mail opened berlin: AgentBlind", "11m0s mail ended berlin: AgentBlind"},
		},
		"an incident does not end because the agent is blind": {
			func(s *stage) {
				s.fire(down)
				s.pass(time.Minute)
				s.fire(blind)
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: TouchpointDown", "1m30s mail opened berlin: AgentBlind"},
		},
		"what was inhibited is gathered from the moment it is not": {
			func(s *stage) {
				s.fire(blind, down)
				s.pass(10 * time.Minute)
				s.end(blind)
				s.pass(time.Minute)
			},
			[]string{
				"30s mail opened berlin: AgentBlind", "10m30s mail opened shop: TouchpointDown", "11m0s mail ended berlin: AgentBlind",
			},
		},
		"an alert that is no longer reported is waited for": {
			func(s *stage) {
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.mute = true
				s.pass(4*time.Minute + 59*time.Second)
				s.mute = false
				s.pass(10 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor"},
		},
		"an alert that is not reported for five minutes is said to be so": {
			func(s *stage) {
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.mute = true
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "16m0s mail unreported shop: ChannelPoor"},
		},
		"an alert that is reported again at the last moment ends as others do": {
			func(s *stage) {
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.mute = true
				s.pass(5*time.Minute + 30*time.Second)
				s.mute = false
				s.pass(10 * time.Minute)
				s.end(poor)
				s.pass(10 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "26m30s mail ended shop: ChannelPoor"},
		},
		"an end is told by whoever ended last": {
			func(s *stage) {
				s.fire(poor)
				s.pass(time.Minute)
				s.fire("critical CertificateExpiringSoon channel=shop touchpoint=home")
				s.pass(time.Minute)
				s.n.Alerts([]Alert{{Labels: s.alert(poor).Labels, Started: s.start, Ended: time.Now()}})
				delete(s.firing, poor)
				s.mute = true
				s.pass(time.Second)
				s.n.Alerts([]Alert{s.firing["critical CertificateExpiringSoon channel=shop touchpoint=home"]})
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "8m1s mail unreported shop: ChannelPoor, CertificateExpiringSoon"},
		},
		"an end that is said again and again changes nothing": {
			func(s *stage) {
				s.fire(poor)
				s.pass(2 * time.Minute)
				ended := s.firing[poor]
				ended.Ended = time.Now()
				delete(s.firing, poor)
				for range 15 {
					s.n.Alerts([]Alert{ended})
					s.pass(time.Minute)
				}
			},
			[]string{"30s mail opened shop: ChannelPoor", "3m0s mail ended shop: ChannelPoor"},
		},
		"an old end does not end what fires again": {
			func(s *stage) {
				s.fire(poor)
				s.pass(2 * time.Minute)
				ended := s.firing[poor]
				s.end(poor)
				ended.Ended = time.Now()
				s.pass(30 * time.Second)
				s.fire(poor)
				for range 15 {
					s.mute = true
					s.n.Alerts([]Alert{ended})
					s.pass(2 * time.Minute)
					s.mute = false
					s.pass(time.Minute)
				}
			},
			[]string{"30s mail opened shop: ChannelPoor"},
		},
		"without a time to gather, the message goes at once": {
			func(s *stage) {
				s.stop()
				s.wait = 0
				s.run()
				s.fire(poor)
				s.end(poor)
				s.pass(2 * time.Minute)
			},
			[]string{"0s mail opened shop: ChannelPoor", "1m0s mail ended shop: ChannelPoor"},
		},
		"an alert that begins and ends between two looks is not told": {
			func(s *stage) {
				a := s.alert(poor)
				s.n.Alerts([]Alert{a})
				a.Ended = time.Now()
				s.n.Alerts([]Alert{a})
				s.pass(time.Hour)
			},
			nil,
		},
		"nobody is told of what ended before anybody listened": {
			func(s *stage) {
				a := s.alert(poor)
				a.Ended = time.Now()
				s.n.Alerts([]Alert{a})
				s.pass(time.Hour)
			},
			nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.script, tt.want...) })
	}
}

func TestTracker_Bounds(t *testing.T) {
	began := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	fire := func(i int) Alert {
		return Alert{Labels: map[string]string{nameLabel: "A", channelLabel: "shop", "i": fmt.Sprint(i)}, Started: began}
	}
	t.Run("alerts", func(t *testing.T) {
		now := began
		tr := newTracker(0, time.Minute, "berlin")
		for i := range mostAlerts {
			if !tr.observe(fire(i), now) {
				t.Fatalf("no room for alert %d, want room for %d", i, mostAlerts)
			}
		}
		if tr.observe(fire(mostAlerts), now) {
			t.Errorf("room for more than %d alerts", mostAlerts)
		}
		if !tr.observe(fire(0), now) {
			t.Error("no room for an alert that is there already")
		}
	})
	t.Run("alerts that ended", func(t *testing.T) {
		tr := newTracker(0, time.Minute, "berlin")
		now := began
		tr.observe(fire(0), now)
		tr.step(now)
		for i := 1; i <= mostEnded+10; i++ {
			now = now.Add(time.Second)
			a := fire(i)
			a.Started = now
			tr.observe(a, now)
			tr.step(now)
			a.Ended = now
			tr.observe(a, now)
		}
		tr.step(now)
		if got, want := tr.alerts(), mostEnded+1; got != want {
			t.Errorf("%d alerts are kept, want the one that fires and %d that ended", got, mostEnded)
		}
		i := tr.incidents[group{Channel: "shop"}]
		if !i.Began.Equal(began) {
			t.Errorf("the incident began at %s, want %s", i.Began, began)
		}
		for _, key := range []int{0, 11, mostEnded + 10} {
			if i.Alerts[fingerprint(fire(key).Labels)] == nil {
				t.Errorf("alert %d is forgotten, want those that ended the longest ago", key)
			}
		}
	})
	t.Run("alerts that are not told go first", func(t *testing.T) {
		now := began
		tr := newTracker(0, time.Minute, "berlin")
		observe := func(labels map[string]string, ended bool) {
			a := Alert{Labels: labels, Started: now}
			tr.observe(a, now)
			tr.step(now)
			if ended {
				a.Ended = now
				tr.observe(a, now)
			}
		}
		observe(fire(0).Labels, true)
		observe(map[string]string{nameLabel: "AgentBlind", "instance": "berlin"}, false)
		for i := range mostEnded + 10 {
			now = now.Add(time.Second)
			observe(map[string]string{
				nameLabel: "TouchpointDown", channelLabel: "shop", "instance": "berlin", "touchpoint": fmt.Sprint(i),
			}, true)
		}
		tr.step(now)
		events, _ := tr.step(now.Add(time.Minute))
		if len(events) != 1 || !events[0].ended || len(events[0].told()) != 1 {
			t.Fatalf("got %+v, want the end of the incident with the alert that opened it", events)
		}
	})
}
