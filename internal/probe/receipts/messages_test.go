package receipts_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/receipts"
)

const never = -1

// times returns n times d.
func times(n int, d time.Duration) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

func TestProbe_RatesMessagesByTheShareThatArrives(t *testing.T) {
	t.Parallel()
	all := func(c *receipts.Config) { c.Share = 1 }
	of := func(share float64) func(*receipts.Config) { return func(c *receipts.Config) { c.Share = share } }
	cases := []struct {
		name     string
		change   func(*receipts.Config)
		receipts []time.Duration // after the report of each
		rating   probe.Rating
		cause    probe.CheckID
		duration time.Duration
		ends     ends
	}{
		{"one within seconds", nil, times(1, 2*time.Second), probe.Excellent, "", 2 * time.Second, ends{1, 0, 0}},
		{"one at the deadline", nil, times(1, 30*time.Second), probe.Good, "", 30 * time.Second, ends{1, 0, 0}},
		{"one after the deadline", nil, times(1, 30*time.Second+1), probe.Fair, "message_late", 30*time.Second + 1, ends{0, 1, 0}},
		{"one at the end of the window", nil, times(1, 5*time.Minute), probe.Fair, "message_late", 5 * time.Minute, ends{0, 1, 0}},
		{"one after the window", nil, times(1, 5*time.Minute+1), probe.Poor, "message_lost", 5 * time.Minute, ends{0, 0, 1}},
		{"one that never arrives", nil, times(1, never), probe.Poor, "message_lost", 5 * time.Minute, ends{0, 0, 1}},
		{"one of 19 lost", nil, append(times(18, time.Second), never), probe.Poor, "message_lost", 5 * time.Minute, ends{18, 0, 1}},
		{"one of 20 lost", nil, append(times(19, time.Second), never), probe.Good, "", time.Second, ends{19, 0, 1}},
		{"two of 20 lost", nil, append(times(18, time.Second), never, never), probe.Poor, "message_lost", 5 * time.Minute, ends{18, 0, 2}},
		{"one of 20 late", nil, append(times(19, time.Second), time.Minute), probe.Good, "", time.Second, ends{19, 1, 0}},
		{"two of 20 late", nil, append(times(18, time.Second), 40*time.Second, time.Minute), probe.Fair, "message_late", 40 * time.Second, ends{18, 2, 0}},
		{"one of 20 late and one lost", nil, append(times(18, time.Second), time.Minute, never), probe.Fair, "message_late", time.Minute, ends{18, 1, 1}},
		{"the slowest of the share", nil, append(times(18, time.Second), 20*time.Second, 25*time.Second), probe.Good, "", 20 * time.Second, ends{20, 0, 0}},
		{"five of 100 lost", nil, append(times(95, time.Second), times(5, never)...), probe.Good, "", time.Second, ends{95, 0, 5}},
		{"six of 100 lost", nil, append(times(94, time.Second), times(6, never)...), probe.Poor, "message_lost", 5 * time.Minute, ends{94, 0, 6}},
		{"one of 100 lost where all have to arrive", all, append(times(99, time.Second), never), probe.Poor, "message_lost", 5 * time.Minute, ends{99, 0, 1}},
		{"a share that is no whole number of messages", of(0.72), append(times(8, time.Second), times(2, never)...), probe.Good, "", time.Second, ends{8, 0, 2}},
		{"a share that floating point makes a little more", of(0.56), append(times(14, time.Second), times(11, never)...), probe.Good, "", time.Second, ends{14, 0, 11}},
		{"200 that never arrive", nil, times(200, never), probe.Poor, "message_lost", 5 * time.Minute, ends{0, 0, 200}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, test.change)
				result := d.send(test.receipts)
				verdict := d.rate(&result)
				if verdict.Rating != test.rating || verdict.Cause != test.cause || result.Duration != test.duration {
					t.Errorf("got %v because of %q with %v (%s), want %v because of %q with %v",
						verdict.Rating, verdict.Cause, result.Duration, result.Detail, test.rating, test.cause, test.duration)
				}
				if diff := cmp.Diff(test.ends, endsOf(&result), cmp.AllowUnexported(ends{})); diff != "" {
					t.Errorf("ends (want -, got +):\n%s", diff)
				}
				d.checkTimes(&result, test.receipts)
				if deliver, ok := result.Phases.Get(probe.Deliver); ok != (result.Reason == "") || ok && deliver != result.Duration {
					t.Errorf("delivering took %v, %v, want the duration where enough arrived", deliver, ok)
				}
				if astray := test.rating == probe.Good && test.ends.late+test.ends.lost > 0; astray != (result.Find("push_stragglers") != nil) {
					t.Errorf("got the findings %+v, want stragglers: %v", result.Findings, astray)
				}
			})
		})
	}
}

// send reports messages, confirms each after a time, and probes when all have ended.
func (d *desk) send(receipts []time.Duration) probe.Result {
	d.t.Helper()
	for n := range receipts {
		d.sent(n)
	}
	start := time.Now()
	order := make([]int, 0, len(receipts))
	for n, after := range receipts {
		if after != never {
			order = append(order, n)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return int(receipts[a] - receipts[b]) })
	for _, n := range order {
		<-time.After(receipts[n] - time.Since(start))
		d.arrived(n)
	}
	<-time.After(5*time.Minute + 2 - time.Since(start))
	return d.probe()
}

// checkTimes checks that every delivery, and nothing else, is in the histogram, and when the last was.
func (d *desk) checkTimes(result *probe.Result, receipts []time.Duration) {
	d.t.Helper()
	var want, sum float64
	for _, after := range receipts {
		if after != never && after <= 5*time.Minute {
			want, sum = want+1, sum+after.Seconds()
		}
	}
	got, n := measured(result, "push_delivery_duration_seconds", "")
	if float64(n) != want || got-sum > 1e-6 || sum-got > 1e-6 {
		d.t.Errorf("%d deliveries took %v s, want %v that took %v s", n, got, want, sum)
	}
	if _, last := measured(result, "push_last_delivered_timestamp_seconds", ""); (last == 1) != (want > 0) {
		d.t.Errorf("last delivered is told %d times after %v deliveries", last, want)
	}
}

func TestProbe_NothingSentIsNeitherGoodNorBad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		<-time.After(time.Minute)
		result := d.probe()
		if v := d.rate(&result); v.Rating != probe.Unknown || v.Cause != "push_no_messages" {
			t.Errorf("got %v because of %q, want unknown because of push_no_messages", v.Rating, v.Cause)
		}
		d.sent(1)
		result = d.probe()
		outstanding, _ := measured(&result, "push_outstanding_messages", "")
		if v := d.rate(&result); v.Cause != "push_no_messages" || outstanding != 1 || !strings.Contains(result.Detail, "1 outstanding") {
			t.Errorf("got %q with %v outstanding: %s, want push_no_messages with 1", v.Cause, outstanding, result.Detail)
		}
		<-time.After(3 * time.Second)
		d.arrived(1)
		if result = d.probe(); result.Reason != "" || result.Duration != 3*time.Second {
			t.Errorf("got %q after %v, want a message that was sent before the last probe delivered after 3s", result.Reason, result.Duration)
		}
		result = d.probe()
		if got := endsOf(&result); got != (ends{}) {
			t.Errorf("the next probe counts %+v, want nothing twice", got)
		}
	})
}

// TestProbe_RatesByHowLongMessagesTookNotByWhenTheyCame has a message that overtakes another.
func TestProbe_RatesByHowLongMessagesTookNotByWhenTheyCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		d.sent(1)
		<-time.After(9 * time.Second)
		d.sent(2)
		<-time.After(time.Second)
		d.arrived(1)
		<-time.After(time.Second)
		d.arrived(2)
		if result := d.probe(); result.Duration != 10*time.Second {
			t.Errorf("got %v, want the 10s of the slower one", result.Duration)
		}
	})
}

func TestProbe_WantsTheLeastNumberInEachInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(c *receipts.Config) { c.Least = 2 })
		expect := func(what string, rating probe.Rating, cause probe.CheckID) {
			t.Helper()
			result := d.probe()
			if v := d.rate(&result); v.Rating != rating || v.Cause != cause {
				t.Errorf("%s: got %v because of %q (%s %+v), want %v because of %q", what, v.Rating, v.Cause, result.Detail, result.Findings, rating, cause)
			}
		}
		<-time.After(20 * time.Second)
		expect("soon after the start", probe.Unknown, "push_no_messages")
		<-time.After(40 * time.Second)
		expect("none in a minute", probe.Poor, "push_too_few_messages")
		d.sent(1)
		d.arrived(1)
		expect("one at once", probe.Excellent, "")
		<-time.After(time.Minute)
		expect("one in a minute", probe.Poor, "push_too_few_messages")
		for n := range 2 {
			d.sent(10 + n)
			<-time.After(30 * time.Second)
			d.arrived(10 + n)
		}
		expect("two in a minute", probe.Good, "")
		d.sent(20)
		d.arrived(20)
		<-time.After(time.Minute)
		expect("one that arrived, in a minute", probe.Poor, "push_too_few_messages")
	})
}

func TestProbe_CountsReceiptsThatComeTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		sent, repeated int
		rating         probe.Rating
		cause          probe.CheckID
	}{
		{"none", 1, 0, probe.Excellent, ""},
		{"the only one", 1, 1, probe.Fair, "message_duplicated"},
		{"one of 20", 20, 1, probe.Excellent, ""},
		{"two of 20", 20, 2, probe.Fair, "message_duplicated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, nil)
				for n := range test.sent {
					d.sent(n)
					d.arrived(n)
				}
				for n := range test.repeated {
					d.arrived(n)
				}
				result := d.probe()
				v := d.rate(&result)
				if n, _ := measured(&result, "push_duplicates_total", ""); v.Rating != test.rating || v.Cause != test.cause || n != float64(test.repeated) {
					t.Errorf("got %v because of %q with %v duplicates, want %v because of %q with %d", v.Rating, v.Cause, n, test.rating, test.cause, test.repeated)
				}
			})
		})
	}
}

func TestProbe_HoldsReceiptsThatOvertakeTheirReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		d.arrived(1)
		d.arrived(2)
		<-time.After(9 * time.Second)
		d.sent(1)
		<-time.After(2 * time.Second)
		d.sent(2)
		result := d.probe()
		outstanding, _ := measured(&result, "push_outstanding_messages", "")
		if got := endsOf(&result); got != (ends{1, 0, 0}) || outstanding != 1 || d.rate(&result).Rating != probe.Excellent || result.Duration <= 0 {
			t.Errorf("got %+v and %v outstanding, want one delivered, and one whose receipt was held too long", got, outstanding)
		}
	})
}

func TestProbe_SaysWhenThereAreTooManyToFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		const room = 5000
		for n := range room + 3 {
			d.sent(n)
			d.arrived(n)
		}
		result := d.probe()
		if got := endsOf(&result); got != (ends{delivered: room}) {
			t.Errorf("got %+v, want %d delivered", got, room)
		}
		if f := result.Find("push_messages_unfollowed"); f == nil || !strings.HasPrefix(f.Detail, "3 messages") || d.rate(&result).Rating != probe.Good {
			t.Errorf("got %+v, want good at best because 3 messages are not followed", result.Findings)
		}
		d.sent(room + 10)
		d.arrived(room + 10)
		if result := d.probe(); result.Find("push_messages_unfollowed") != nil || endsOf(&result).delivered != 1 {
			t.Errorf("got %+v after a probe, want room for another message", result.Findings)
		}
	})
}
