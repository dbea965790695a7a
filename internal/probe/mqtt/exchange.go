package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// exchange publishes one message, once, and waits until its fate is known or the window is over. The error is that of
// a cancelled context.
func (p *prober) exchange(ctx context.Context, held links, window time.Duration, j *journal) (push.Fate, error) {
	m := newMessage()
	expected := p.inbox.Expect(m.id)
	j.add("message published to %q at QoS %d", p.topic, p.qos)
	attempt := push.Attempt{
		Send:     func(ctx context.Context) (push.Reply, error) { return p.publish(ctx, held.send, m), nil },
		Arrivals: expected.Arrivals(),
		Deaf:     held.receive.done(),
		Times:    push.Times{Deadline: p.times.Deadline, Window: window},
	}
	fate, err := attempt.Run(ctx)
	p.inbox.Forget(expected, fate.Arrived())
	if said := held.receive.last(&p.settings); fate.Deaf && said != "" {
		fate.Reply.Note = joined(fate.Reply.Note, subscriber+" disconnected"+said)
	}
	describe(&fate, j)
	return fate, err
}

// publish sends one message and says how that ended.
func (p *prober) publish(ctx context.Context, l *link, m message) push.Reply {
	start := time.Now()
	v, err := l.publish(ctx, p.topic, p.qos, m)
	reply := push.Reply{After: time.Since(start), Answer: push.Answer{Word: push.Unanswered}}
	switch {
	case errors.Is(err, errUnsendable):
		reply.Answer = push.Answer{Word: push.MessageInvalid, Said: err.Error()}
	case err != nil && l.dead():
		reply.Note = publisher + " disconnected" + l.last(&p.settings)
	case err != nil:
	case p.qos == 0:
		reply.Unasked = true
	default:
		reply.Answer = p.answer(v)
		if reply.Answer.Word == push.Accepted && v.code != 0 {
			reply.Note = "broker said " + p.said(v)
		}
	}
	return reply
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// describe notes what happened to the message, in the order of the outcome rules.
func describe(f *push.Fate, j *journal) {
	note := ""
	if f.Reply.Note != "" {
		note = "; " + f.Reply.Note
	}
	switch {
	case f.Accepted():
		j.addAt(f.Start.Add(f.Reply.After), "broker acknowledged%s", note)
	case f.Refused():
		j.addAt(f.Start.Add(f.Reply.After), "broker %s", f.Reply.Answer)
	case f.Reply.Unasked:
		j.addAt(f.Start.Add(f.Reply.After), "message left; at QoS 0 nobody acknowledges it%s", note)
	case f.Answered:
		j.add("no acknowledgement%s", note)
	}
	if f.Arrived() {
		j.addAt(f.Start.Add(f.First), "message arrived")
	}
}
