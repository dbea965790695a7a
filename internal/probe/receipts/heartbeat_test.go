package receipts_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/receipts"
)

const expect = 5 * time.Minute

func heart(c *receipts.Config) { c.Mode, c.Expect = "heartbeat", expect }

func TestProbe_RatesHeartbeats(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		beats   []time.Duration // since the beginning
		at      time.Duration   // of the probe
		rating  probe.Rating
		cause   probe.CheckID
		silence time.Duration
		ends    ends
	}{
		{"none yet", nil, expect, probe.Unknown, "heartbeat_awaited", expect, ends{}},
		{"the first is late", nil, expect + 1, probe.Fair, "heartbeat_late", expect + 1, ends{}},
		{"the first may still come", nil, 2 * expect, probe.Fair, "heartbeat_late", 2 * expect, ends{}},
		{"the first is missing", nil, 2*expect + 1, probe.Poor, "heartbeat_missing", 2*expect + 1, ends{lost: 1}},
		{"three are missing", nil, 4*expect + 1, probe.Poor, "heartbeat_missing", 4*expect + 1, ends{lost: 3}},
		{"one just came", times(1, time.Minute), time.Minute, probe.Excellent, "", 1, ends{delivered: 1}},
		{"one came in time", times(1, time.Minute), time.Minute + expect, probe.Excellent, "", expect, ends{delivered: 1}},
		{"the second is late", times(1, time.Minute), time.Minute + expect + 1, probe.Fair, "heartbeat_late", expect + 1, ends{delivered: 1}},
		{"the second is missing", times(1, time.Minute), time.Minute + 2*expect + 1, probe.Poor, "heartbeat_missing", 2*expect + 1, ends{delivered: 1, lost: 1}},
		{"the second came at the last moment", []time.Duration{0, expect}, expect + time.Second, probe.Excellent, "", time.Second, ends{delivered: 2}},
		{"the second came late", []time.Duration{0, expect + 1}, 2 * expect, probe.Fair, "heartbeat_late", expect - 1, ends{delivered: 1, late: 1}},
		{"two were missing and the next came", []time.Duration{0, 3*expect + 1}, 3*expect + 2, probe.Poor, "heartbeat_missing", 1, ends{delivered: 1, late: 1, lost: 2}},
		{"one came late and the next is late too", []time.Duration{0, expect + 1}, 2*expect + 2, probe.Fair, "heartbeat_late", expect + 1, ends{delivered: 1, late: 1}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, start := newDesk(t, heart), time.Now()
				for _, at := range test.beats {
					<-time.After(at - time.Since(start))
					d.beat()
				}
				<-time.After(test.at - time.Since(start))
				result := d.probe()
				v := d.rate(&result)
				if v.Rating != test.rating || v.Cause != test.cause || result.Duration != test.silence {
					t.Errorf("got %v because of %q after %v (%s), want %v because of %q after %v",
						v.Rating, v.Cause, result.Duration, result.Detail, test.rating, test.cause, test.silence)
				}
				if len(result.Findings) > 1 {
					t.Errorf("got %+v, want one thing to be found once", result.Findings)
				}
				if got := endsOf(&result); got != test.ends {
					t.Errorf("got %+v, want %+v", got, test.ends)
				}
				for _, m := range result.Measurements {
					if m.Metric != "push_last_delivered_timestamp_seconds" {
						t.Errorf("measured %+v: a heartbeat is no message", m)
					}
				}
				last, n := measured(&result, "push_last_delivered_timestamp_seconds", "")
				if len(test.beats) == 0 && n > 0 || len(test.beats) > 0 && last != unix(start.Add(test.beats[len(test.beats)-1])) {
					t.Errorf("the last heartbeat was at %v, told %d times", last, n)
				}
			})
		})
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// TestProbe_CountsEveryHeartbeatOnce probes as often as it can be: the sums are those of a single probe.
func TestProbe_CountsEveryHeartbeatOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, start := newDesk(t, heart), time.Now()
		var sum ends
		beats := map[time.Duration]bool{
			time.Minute: true, 6 * time.Minute: true, // on time
			12 * time.Minute: true, // late
			27 * time.Minute: true, // late, after one was lost
		}
		for at := time.Duration(0); at <= 48*time.Minute; at += 30 * time.Second {
			<-time.After(at - time.Since(start))
			if beats[at] {
				d.beat()
			}
			result := d.probe()
			got := endsOf(&result)
			sum.delivered, sum.late, sum.lost = sum.delivered+got.delivered, sum.late+got.late, sum.lost+got.lost
		}
		// From 27 to 48 minutes the heartbeats due at 32, 37 and 42 are lost at 37, 42 and 47.
		if want := (ends{delivered: 2, late: 2, lost: 1 + 3}); sum != want {
			t.Errorf("got %+v, want %+v", sum, want)
		}
	})
}
