package mqtt_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/channelwatch/channelwatch/internal/broker"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// startMochi starts a broker of both versions that interferes with every message, and returns its URL.
func startMochi(tb testing.TB, does broker.Interference) string {
	tb.Helper()
	b, err := broker.Start(nil, does)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Close() })
	return "mqtt://" + b.Address()
}

// rate rates a result as an agent does.
func rate(tb testing.TB, r probe.Result) quality.Verdict {
	tb.Helper()
	kind := mqtt.Kind()
	catalogue, err := probe.NewCatalogue([]probe.Kind{kind})
	if err != nil {
		tb.Fatal(err)
	}
	return quality.Rate(catalogue, kind.Limits(probe.Push), &r)
}

// A broker that takes 200 messages and drops them has lost 200 messages, whatever it said.
func TestProbe_EveryDroppedMessageIsLost(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			url := startMochi(t, func(_ *mochi.Server, message packets.Packet) (packets.Packet, error) {
				return message, packets.CodeSuccessIgnore // acknowledged, not delivered
			})
			const probers, messages = 40, 200
			results := make(chan probe.Result, messages)
			var probing sync.WaitGroup
			for i := range probers {
				p := newProber(t, url, both(speak, func(c *mqtt.Config) {
					c.Topic, c.Window, c.QoS = fmt.Sprintf("%s/%d", topic, i), time.Second, 1+i%2
				}))
				probing.Go(func() {
					for range messages / probers {
						results <- take(t, p)
					}
				})
			}
			probing.Wait()
			lost, good := 0, 0
			for range messages {
				r := <-results
				if outcome(r) == "lost" && r.Reason == "message_lost" && value(r, "push_provider_responses_total", "accepted") == 1 {
					lost++
				}
				if rate(t, r).Rating != probe.Poor {
					good++
				}
			}
			if lost != messages || good != 0 {
				t.Errorf("%d of %d messages were seen as lost and %d rated better than poor, want all and none", lost, messages, good)
			}
		})
	}
}

// What happens to a message on its way is seen as what it is.
func TestProbe_Interference(t *testing.T) {
	t.Parallel()
	const late = window / 2
	cases := []struct {
		name    string
		does    broker.Interference
		outcome string
		finding probe.CheckID
		metric  string // that counts it
		rating  probe.Rating
	}{
		{"none", func(_ *mochi.Server, m packets.Packet) (packets.Packet, error) { return m, nil }, "delivered", "", "", probe.Excellent},
		{
			"delayed", func(_ *mochi.Server, m packets.Packet) (packets.Packet, error) {
				<-time.After(late)
				return m, nil
			}, "late", "message_late", "", probe.Fair,
		},
		{
			"duplicated", func(s *mochi.Server, m packets.Packet) (packets.Packet, error) {
				return m, s.Publish(m.TopicName, m.Payload, false, 1)
			}, "delivered", "message_duplicated", "push_duplicates_total", probe.Fair,
		},
		{
			"corrupted", func(_ *mochi.Server, m packets.Packet) (packets.Packet, error) {
				m.Payload = append(bytes.Clone(m.Payload[:60]), '?')
				return m, nil
			}, "corrupted", "message_corrupted", "push_corrupted_total", probe.Poor,
		},
	}
	for version, speak := range versions() {
		for _, tc := range cases {
			t.Run(version+", "+tc.name, func(t *testing.T) {
				t.Parallel()
				url := startMochi(t, tc.does)
				p := newProber(t, url, both(speak, func(c *mqtt.Config) {
					if tc.outcome == "late" {
						c.Deadline = late
					}
				}))
				// A repeat that comes when its own probe is over is reported by the next, and a busy machine is slow.
				const attempts = 20
				r := take(t, p)
				for i := 1; i < attempts && rate(t, r).Rating != tc.rating; i++ {
					r = take(t, p)
				}
				want(t, r, "", tc.outcome)
				if tc.finding == "" {
					wantFindings(t, r)
				} else {
					wantFindings(t, r, tc.finding)
				}
				if tc.metric != "" && value(r, tc.metric, "") < 1 {
					t.Errorf("%s is not counted: %v", tc.metric, r.Measurements)
				}
				if got := rate(t, r).Rating; got != tc.rating {
					t.Errorf("rated %v, want %v", got, tc.rating)
				}
			})
		}
	}
}
