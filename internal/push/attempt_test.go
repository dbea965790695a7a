package push_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// story is what a provider and a receiver do with one message, in simulated time.
type story struct {
	name     string
	reply    push.Reply
	replies  time.Duration   // when the provider answers; 0: never
	sendErr  error           // what Send returns in place of a reply
	arrivals []time.Duration // when the message arrives
	garbled  bool            // the first arrival is not what was sent
	deaf     time.Duration   // when the receiver is cut off; 0: never
	blind    bool            // nobody sees arrivals
}

const (
	deadline = 5 * time.Second
	window   = 20 * time.Second
)

// play lets the story happen and returns the fate, and when it was known.
func (s *story) play(ctx context.Context, t *testing.T) (fate push.Fate, took time.Duration, err error) {
	t.Helper()
	arrivals, deaf := make(chan push.Arrival, 4), make(chan struct{})
	for i, at := range s.arrivals {
		time.AfterFunc(at, func() { arrivals <- push.Arrival{At: time.Now(), Intact: i > 0 || !s.garbled} })
	}
	if s.deaf > 0 {
		time.AfterFunc(s.deaf, func() { close(deaf) })
	}
	attempt := push.Attempt{
		Arrivals: arrivals, Deaf: deaf, Times: push.Times{Deadline: deadline, Window: window},
		Send: func(ctx context.Context) (push.Reply, error) {
			if s.replies == 0 {
				<-ctx.Done()
				return push.Reply{}, ctx.Err()
			}
			select {
			case <-time.After(s.replies):
				return s.reply, s.sendErr
			case <-ctx.Done():
				return push.Reply{}, ctx.Err()
			}
		},
	}
	if s.blind {
		attempt.Arrivals = nil
	}
	start := time.Now()
	fate, err = attempt.Run(ctx)
	return fate, time.Since(start), err
}

func accepted(after time.Duration) push.Reply {
	return push.Reply{After: after, Answer: push.Answer{Word: push.Accepted, Code: 200}}
}

func TestAttempt_Fates(t *testing.T) {
	const ms = time.Millisecond
	refused := push.Reply{After: 10 * ms, Answer: push.Answer{Word: push.MessageInvalid, Code: 400, Said: "BadTopic"}}
	unasked := push.Reply{After: ms, Unasked: true, Answer: push.Answer{Word: push.Unanswered}}
	failing := push.Reply{After: 10 * ms, Answer: push.Answer{Word: push.ProviderFailed, Code: 502}}
	tests := []struct {
		story
		took     time.Duration // until the fate was known
		outcome  string
		reason   probe.Reason
		finding  probe.CheckID
		duration time.Duration // of the result
	}{
		{story{name: "delivered", reply: accepted(10 * ms), replies: 10 * ms, arrivals: []time.Duration{30 * ms}}, 30 * ms, "delivered", "", "", 30 * ms},
		{
			story{name: "delivered before it was accepted", reply: accepted(30 * ms), replies: 30 * ms, arrivals: []time.Duration{10 * ms}},
			30 * ms, "delivered", "", "", 10 * ms,
		},
		{
			story{name: "on the deadline", reply: accepted(10 * ms), replies: 10 * ms, arrivals: []time.Duration{deadline}},
			deadline, "delivered", "", "", deadline,
		},
		{
			story{name: "late", reply: accepted(10 * ms), replies: 10 * ms, arrivals: []time.Duration{deadline + ms}},
			deadline + ms, "late", "", push.Late, deadline + ms,
		},
		{story{name: "lost", reply: accepted(10 * ms), replies: 10 * ms}, window, "lost", push.Lost, "", window},
		{
			story{name: "arrives after the window", reply: accepted(10 * ms), replies: 10 * ms, arrivals: []time.Duration{window + ms}},
			window, "lost", push.Lost, "", window,
		},
		{
			story{name: "cut off after it was accepted", reply: accepted(10 * ms), replies: 10 * ms, deaf: 50 * ms},
			50 * ms, "lost", push.Lost, "", 50 * ms,
		},
		{
			story{name: "arrived, then cut off", reply: accepted(60 * ms), replies: 60 * ms, deaf: 50 * ms, arrivals: []time.Duration{40 * ms}},
			60 * ms, "delivered", "", "", 40 * ms,
		},
		{story{name: "refused", reply: refused, replies: 10 * ms}, 10 * ms, "rejected", push.Rejected, "", 10 * ms},
		{
			story{name: "a provider that fails", reply: failing, replies: 10 * ms},
			2010 * ms, "rejected", push.Failing, "", 2010 * ms,
		},
		{
			story{name: "a provider that fails and delivers", reply: failing, replies: 10 * ms, arrivals: []time.Duration{30 * ms}},
			30 * ms, "delivered", "", push.Unacknowledged, 30 * ms,
		},
		{
			story{name: "delivered, then said to have failed", reply: failing, replies: 30 * ms, arrivals: []time.Duration{10 * ms}},
			30 * ms, "delivered", "", push.Unacknowledged, 10 * ms,
		},
		{
			story{name: "a provider that fails where nobody looks", reply: failing, replies: 10 * ms, blind: true},
			10 * ms, "rejected", push.Failing, "", 10 * ms,
		},
		{story{name: "no answer, no arrival"}, window, "unsent", push.Unsent, "", window},
		{
			story{name: "arrived without an answer", arrivals: []time.Duration{40 * ms}},
			deadline, "delivered", "", push.Unacknowledged, 40 * ms,
		},
		{
			story{name: "arrived late without an answer", arrivals: []time.Duration{6 * time.Second}},
			12 * time.Second, "late", "", push.Unacknowledged, 6 * time.Second,
		},
		{
			story{name: "no connection", reply: push.Reply{Never: true, Reason: probe.ConnectRefused, Detail: "refused", Answer: push.Answer{Word: push.Unanswered}}, replies: 10 * ms},
			10 * ms, "unsent", probe.ConnectRefused, "", 10 * ms,
		},
		{
			story{
				name: "arrived although the connection broke", replies: 10 * ms, arrivals: []time.Duration{40 * ms},
				reply: push.Reply{Reason: probe.ConnectionReset, Detail: "reset", Answer: push.Answer{Word: push.Unanswered}},
			},
			40 * ms, "delivered", "", push.Unacknowledged, 40 * ms,
		},
		{
			story{
				name: "broke and did not arrive", replies: 10 * ms,
				reply: push.Reply{Reason: probe.ConnectionReset, Detail: "reset", Answer: push.Answer{Word: push.Unanswered}},
			},
			window, "unsent", probe.ConnectionReset, "", window,
		},
		{
			story{name: "garbled", reply: accepted(10 * ms), replies: 10 * ms, garbled: true, arrivals: []time.Duration{30 * ms}},
			30 * ms, "corrupted", "", push.Corrupted, 30 * ms,
		},
		{
			story{name: "twice", reply: accepted(50 * ms), replies: 50 * ms, arrivals: []time.Duration{30 * ms, 40 * ms}},
			50 * ms, "delivered", "", push.Duplicated, 30 * ms,
		},
		{story{name: "nobody is asked to answer", reply: unasked, replies: ms, arrivals: []time.Duration{30 * ms}}, 30 * ms, "delivered", "", "", 30 * ms},
		{story{name: "nobody is asked to answer, no arrival", reply: unasked, replies: ms}, window, "lost", push.Lost, "", window},
		{story{name: "nobody looks", reply: accepted(10 * ms), replies: 10 * ms, blind: true}, 10 * ms, "unseen", "", push.Unseen, 10 * ms},
		{story{name: "nobody looks and no answer", blind: true}, window, "unsent", push.Unsent, "", window},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fate, took, err := test.play(t.Context(), t)
				if err != nil {
					t.Fatal(err)
				}
				if took != test.took {
					t.Errorf("the fate was known after %v, want %v", took, test.took)
				}
				var r probe.Result
				fate.Conclude(&r, deadline, 0)
				if r.Duration != test.duration || r.Reason != test.reason {
					t.Errorf("got %v, %q (%s); want %v, %q", r.Duration, r.Reason, r.Detail, test.duration, test.reason)
				}
				if _, ok := r.Phases.Get(probe.Accept); ok != fate.Accepted() {
					t.Errorf("there is a time of acceptance: %v, want %v", ok, fate.Accepted())
				}
				if got := only(t, &r, push.MessagesTotal); got != test.outcome {
					t.Errorf("ended as %q, want %q", got, test.outcome)
				}
				if test.reply.Unasked {
					none(t, &r, push.ProviderResponsesTotal)
				} else if got := only(t, &r, push.ProviderResponsesTotal); !slices.Contains(push.Words(), got) {
					t.Errorf("the provider answered %q, want one of %v", got, push.Words())
				}
				if got := findings(&r); len(got) > 1 && test.finding != push.Unacknowledged || (len(got) == 0) != (test.finding == "") ||
					test.finding != "" && r.Find(test.finding) == nil {
					t.Errorf("got findings %v, want %q", got, test.finding)
				}
				<-time.After(2 * window) // in simulated time: what still comes finds nobody
			})
		})
	}
}

// What nobody can read has not got through: no time of it is told, and none at which it arrived. Of two copies that one counts
// which was intact.
func TestAttempt_GarbledIsNotDelivered(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name      string
		arrivals  []time.Duration
		outcome   string
		delivered []float64 // times
	}{
		{"alone", []time.Duration{30 * ms}, "corrupted", nil},
		{"and then intact", []time.Duration{30 * ms, 40 * ms}, "delivered", []float64{0.04}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := story{reply: accepted(50 * ms), replies: 50 * ms, garbled: true, arrivals: test.arrivals}
				fate, _, err := s.play(t.Context(), t)
				if err != nil {
					t.Fatal(err)
				}
				var r probe.Result
				fate.Conclude(&r, deadline, 0)
				var times, last []float64
				for _, m := range r.Measurements {
					switch m.Metric {
					case push.DeliveryDuration:
						times = append(times, m.Value)
					case push.LastDelivered:
						last = append(last, m.Value)
					}
				}
				if !slices.Equal(times, test.delivered) || len(last) != len(test.delivered) {
					t.Errorf("got the times %v and %d last arrivals, want %v", times, len(last), test.delivered)
				}
				if got := only(t, &r, push.MessagesTotal); got != test.outcome || r.Find(push.Corrupted) == nil {
					t.Errorf("ended as %q with %v, want %q and what was garbled", got, findings(&r), test.outcome)
				}
			})
		})
	}
}

// A connection that has to be opened first is no part of how long a message takes.
func TestAttempt_Lead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reply := accepted(40 * time.Millisecond)
		reply.Lead = 30 * time.Millisecond
		s := story{reply: reply, replies: 40 * time.Millisecond, arrivals: []time.Duration{90 * time.Millisecond}}
		fate, _, err := s.play(t.Context(), t)
		if err != nil {
			t.Fatal(err)
		}
		var r probe.Result
		fate.Conclude(&r, deadline, 0)
		accept, _ := r.Phases.Get(probe.Accept)
		deliver, _ := r.Phases.Get(probe.Deliver)
		if accept != 10*time.Millisecond || deliver != 60*time.Millisecond || r.Duration != deliver {
			t.Errorf("accepted after %v, delivered after %v, duration %v; want 10ms, 60ms, 60ms", accept, deliver, r.Duration)
		}
	})
}

// Who gives up learns nothing of the message, and nothing goes on behind.
func TestAttempt_Cancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s := story{}
		_, took, err := s.play(ctx, t)
		if !errors.Is(err, context.Canceled) || took != time.Second {
			t.Errorf("got %v after %v, want it cancelled after 1s", err, took)
		}
	})
}

// What the agent itself lacks is an error, at once.
func TestAttempt_OwnLack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lack := errors.New("no file descriptors")
		s := story{sendErr: lack, replies: time.Second}
		_, took, err := s.play(t.Context(), t)
		if !errors.Is(err, lack) || took != time.Second {
			t.Errorf("got %v after %v, want %v after 1s", err, took, lack)
		}
	})
}

// A panic, such as one that an answer provokes, comes out where the probe runs: the schedule survives it there.
func TestAttempt_Panic(t *testing.T) {
	t.Parallel()
	for name, arrived := range map[string]bool{"while it is waited for": false, "after it arrived": true} {
		arrivals := make(chan push.Arrival, 1)
		if arrived {
			arrivals <- push.Arrival{At: time.Now(), Intact: true}
		}
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "an answer nobody expects") || !strings.Contains(p, "attempt_test.go") {
					t.Errorf("%s: got %.200q, want what panicked and where", name, p)
				}
			}()
			_, _ = push.Attempt{
				Send:     func(context.Context) (push.Reply, error) { panic("an answer nobody expects") },
				Arrivals: arrivals, Times: push.Times{Deadline: time.Second, Window: time.Minute},
			}.Run(t.Context())
			t.Errorf("%s: the panic is gone", name)
		}()
	}
}

// only returns the label of the one measurement of a metric that says how a message ended.
func only(t *testing.T, r *probe.Result, metric string) string {
	t.Helper()
	label, n := "", 0
	for _, m := range r.Measurements {
		if m.Metric == metric {
			label, n = m.Label, n+1
		}
	}
	if n != 1 {
		t.Errorf("%d measurements of %s, want 1", n, metric)
	}
	return label
}

// none checks that a result has no measurement of a metric.
func none(t *testing.T, r *probe.Result, metric string) {
	t.Helper()
	for _, m := range r.Measurements {
		if m.Metric == metric {
			t.Errorf("%s is measured as %q, want nothing", metric, m.Label)
		}
	}
}

func findings(r *probe.Result) []probe.CheckID {
	var ids []probe.CheckID
	for _, f := range r.Findings {
		ids = append(ids, f.Check)
	}
	return ids
}
