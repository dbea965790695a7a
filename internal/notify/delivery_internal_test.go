package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNotifier_Delivery(t *testing.T) {
	tests := map[string]struct {
		script func(s *stage)
		want   []string
	}{
		"what fails is tried again, more and more rarely": {
			func(s *stage) {
				s.receiver("mail").failing(8, outcome{})
				s.fire(poor)
				s.pass(time.Hour)
			},
			// 30 s + 5 + 10 + 20 + 40 + 80 + 160 + 300 + 300 s
			[]string{"15m45s mail opened shop: ChannelPoor"},
		},
		"a server is left alone for as long as it asks": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{after: 10 * time.Minute})
				s.fire(poor)
				s.pass(time.Hour)
			},
			[]string{"10m30s mail opened shop: ChannelPoor"},
		},
		"but no longer than an hour": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{after: 1000 * time.Hour})
				s.fire(poor)
				s.pass(2 * time.Hour)
			},
			[]string{"1h0m30s mail opened shop: ChannelPoor"},
		},
		"a server that asks for less is given the usual time": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{after: time.Second})
				s.fire(poor)
				s.pass(time.Minute)
			},
			[]string{"35s mail opened shop: ChannelPoor"},
		},
		"one receiver does not hold up another": {
			func(s *stage) {
				s.receiver("mail").failing(1000, outcome{})
				s.receiver("slow").taking(50 * time.Second)
				s.receiver("chat")
				s.restart()
				s.fire(poor)
				s.pass(2 * time.Minute)
			},
			[]string{"30s chat opened shop: ChannelPoor", "1m20s slow opened shop: ChannelPoor"},
		},
		"one message does not hold up another": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{after: 10 * time.Minute})
				s.fire(poor)
				s.pass(time.Minute)
				s.fire("critical ChannelPoor channel=app")
				s.pass(time.Hour)
			},
			[]string{"1m30s mail opened app: ChannelPoor", "10m30s mail opened shop: ChannelPoor"},
		},
		"a receiver is told of its channels only": {
			func(s *stage) {
				s.receiver("mail").channels = []string{"app"}
				s.fire(poor, "critical ChannelPoor channel=app", blind)
				s.pass(time.Minute)
			},
			[]string{"30s mail opened app: ChannelPoor"},
		},
		"both ends are told at once when the first could not be delivered": {
			func(s *stage) {
				s.receiver("mail").failing(10, outcome{})
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"11m15s mail late shop: ChannelPoor"},
		},
		"both ends are told at once when the first was refused": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{permanent: true})
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"11m0s mail late shop: ChannelPoor"},
		},
		"the beginning is on its way when the end comes": {
			func(s *stage) {
				s.receiver("mail").taking(55 * time.Second)
				s.stop()
				s.wait = time.Second
				s.run()
				s.fire(poor)
				s.pass(5 * time.Second)
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"56s mail opened shop: ChannelPoor", "2m0s mail ended shop: ChannelPoor"},
		},
		"the beginning is lost on its way when the end has come": {
			func(s *stage) {
				s.receiver("mail").failing(2, outcome{})
				s.receiver("mail").taking(58 * time.Second)
				s.fire(poor)
				s.pass(35 * time.Second)
				s.end(poor)
				s.pass(time.Hour)
			},
			// the second try is in the air from 1m33s to 2m31s, and the end is decided at 1m35s
			[]string{"3m29s mail late shop: ChannelPoor"},
		},
		"a try ends after five minutes": {
			func(s *stage) {
				s.receiver("mail").taking(time.Hour)
				s.fire(poor)
				s.pass(5 * time.Minute)
				s.receiver("mail").taking(0)
				s.pass(time.Minute)
			},
			[]string{"5m35s mail opened shop: ChannelPoor"},
		},
		"recipients that were not reached are tried alone": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{reached: true, left: []string{"b@example.com"}})
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.end(poor)
				s.pass(10 * time.Minute)
			},
			[]string{
				"30s mail opened shop: ChannelPoor", "35s mail opened shop: ChannelPoor to b@example.com", "11m0s mail ended shop: ChannelPoor",
			},
		},
		"the end goes to all, also when the beginning has not reached everybody": {
			func(s *stage) {
				s.receiver("mail").plan(
					outcome{reached: true, err: errors.New("no"), left: []string{"b@example.com"}},
					outcome{err: errors.New("no"), after: time.Hour, left: []string{"b@example.com"}},
				)
				s.fire(poor)
				s.pass(10 * time.Minute)
				s.end(poor)
				s.pass(10 * time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "11m0s mail ended shop: ChannelPoor"},
		},
		"after a day a message is no news": {
			func(s *stage) {
				s.receiver("mail").failing(1000, outcome{})
				s.fire(poor)
				s.pass(24*time.Hour + 10*time.Minute)
				s.receiver("mail").plan()
				s.pass(time.Hour)
				s.end(poor)
				s.pass(time.Hour)
			},
			[]string{"25h11m0s mail late shop: ChannelPoor"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.script, tt.want...) })
	}
}

func TestNotifier_DeliveryIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.receiver("mail").plan(outcome{err: errors.New("no")}, outcome{err: errors.New("no"), permanent: true})
		s.receiver("chat").failing(1000, outcome{})
		s.run()
		defer s.stop()
		s.fire(poor, "critical ChannelPoor channel=app")
		s.pass(41 * time.Second)
		// The two receivers are of one type here. The one has given up a message and sent the other, the other has tried three times.
		want := Stats{Open: 2, Receivers: []ReceiverStats{{Receiver: emailReceiver, Sent: 1, Failed: 2 + 4, GivenUp: 1, Pending: 2}}}
		if got := s.n.Stats(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Stats: got %+v, want %+v\n%s", got, want, s.log)
		}
		for text, times := range map[string]int{
			`level=ERROR msg="message given up" receiver=mail incident=ChannelPoor ended=false attempts=1 error=no`:                  1,
			`level=WARN msg="message not delivered" receiver=mail incident=ChannelPoor ended=false attempts=1 error=no again_in=5s`:  1,
			`level=INFO msg="message delivered" receiver=mail incident=ChannelPoor ended=false attempts=2`:                           1,
			`level=WARN msg="message not delivered" receiver=chat incident=ChannelPoor ended=false attempts=2 error=no again_in=10s`: 2,
			`level=DEBUG msg="nobody to tell of an incident"`:                                                                        0,
		} {
			if got := s.logged(text); got != times {
				t.Errorf("log has %d times %q, want %d\n%s", got, text, times, s.log)
			}
		}
	})
}

func TestQueue_KeepsTheNewestMessages(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newQueue("mail", emailReceiver, nil)
	push := func(i int) []*task { return q.push(&notice{ID: fmt.Sprint(i)}, now) }
	push(0)
	flying := q.due(now)
	for i := 1; i < mostPending; i++ {
		if dropped := push(i); len(dropped) > 0 {
			t.Fatalf("message %d takes the place of %d others, want room for %d", i, len(dropped), mostPending)
		}
	}
	dropped := push(mostPending)
	if len(dropped) != 1 || dropped[0].Notice.ID != "1" || len(q.tasks) != mostPending || q.givenUp != 1 {
		t.Errorf("dropped %d messages, %d are left, %d counted as given up; want the oldest that is not in the air to go", len(dropped), len(q.tasks), q.givenUp)
	}
	if q.tasks[0] != flying {
		t.Error("the message in the air was dropped")
	}
}

func TestQueue_ClockThatWasWrong(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newQueue("mail", emailReceiver, nil)
	q.restore(queueState{Tasks: []*task{{Next: now.Add(mostDelay)}, {Next: now.Add(mostDelay + 1)}}}, map[string]bool{}, now)
	if got := []time.Time{q.tasks[0].Next, q.tasks[1].Next}; !got[0].Equal(now.Add(mostDelay)) || !got[1].Equal(now) {
		t.Errorf("tries at %s, want the first in an hour, and the one that no server can have asked for at once", got)
	}
}

func TestNotifier_SenderThatPanics(t *testing.T) {
	o := newQueue("mail", emailReceiver, panicking{}).send(t.Context(), &task{}, false)
	if !o.permanent || o.err == nil || !strings.Contains(o.err.Error(), "panicked: oh") {
		t.Errorf("got %+v, want a permanent failure that names the panic", o)
	}
}

type panicking struct{}

func (panicking) wants(*notice) bool { return true }

func (panicking) send(context.Context, *notice, bool, []string) outcome { panic("oh") }
