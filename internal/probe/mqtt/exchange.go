package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// sent is what became of one message.
type sent struct {
	start    time.Time     // when it was sent
	window   time.Duration // how long it was waited for at most
	waited   time.Duration // how long it was waited for
	first    time.Duration // sending to first arrival; meaningful when copies > 0
	copies   int           // arrivals
	garbled  bool          // one arrival had another payload
	accepted bool          // the broker acknowledged, or at QoS 0 the message left without an error
	accept   time.Duration // sending to acknowledgement; meaningful when accepted
	answered bool          // publishing ended, in one way or the other
	deaf     bool          // the subscriber's connection ended: nothing can arrive any more
	refused  string        // the broker's refusal; empty when there was none
	broken   string        // how a connection ended meanwhile; empty when none did
	note     string        // what the broker said beside accepting; may be empty
}

func (s *sent) arrived() bool { return s.copies > 0 }

// ack is the end of a publication on the publisher's side.
type ack struct {
	after  time.Duration // since sending
	answer *paho.PublishResponse
	err    error
}

// exchange publishes one message, once, and waits until its fate is known or the window is over. The error is that of
// a cancelled context.
func (p *prober) exchange(ctx context.Context, held links, window time.Duration, j *journal) (sent, error) {
	m := newMessage()
	s := sent{window: window}
	p.inbox.expect(m)
	defer func() { p.inbox.forget(m, s.arrived()) }()

	publishing, stop := held.send.session.whileOpen(ctx)
	defer stop()
	acks := make(chan ack, 1)
	j.add("message published to %q at QoS %d", p.topic, p.qos)
	start := time.Now()
	s.start = start
	// A write to a hung broker would block for as long as it hangs, whatever the context says.
	_ = held.send.wire.SetWriteDeadline(start.Add(window))
	go func() {
		answer, err := held.send.client.Publish(publishing, &paho.Publish{
			Topic: p.topic, QoS: p.qos, Payload: m.payload,
			Properties: &paho.PublishProperties{CorrelationData: m.nonce},
		})
		acks <- ack{time.Since(start), answer, err}
	}()
	err := p.await(ctx, held, m, acks, &s)
	s.waited = time.Since(start)
	if !s.answered {
		stop()
		<-acks
	}
	_ = held.send.wire.SetWriteDeadline(time.Time{})
	s.describe(j)
	return s, err
}

// await collects arrivals and the acknowledgement in s until nothing more can come.
func (p *prober) await(ctx context.Context, held links, m *message, acks <-chan ack, s *sent) error {
	over := time.NewTimer(s.window)
	defer over.Stop()
	subscriberEnded := held.receive.client.Done()
	for !s.settled() {
		select {
		case a := <-m.arrivals:
			s.arrive(a)
			over.Reset(p.graceFor(s))
		case a := <-acks:
			s.acknowledge(a, &p.settings)
			if a.err != nil && s.refused == "" {
				s.broken = publisher + " disconnected" + held.send.farewell(&p.settings)
			}
		case <-subscriberEnded:
			subscriberEnded = nil
			// The client delivered everything it had read before it ended.
			for len(m.arrivals) > 0 {
				s.arrive(<-m.arrivals)
			}
			s.deaf = true
			s.broken = subscriber + " disconnected" + held.receive.farewell(&p.settings)
		case <-over.C:
			return nil
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return nil
		}
	}
	return nil
}

// graceFor returns how long the acknowledgement of a message that has arrived is waited for: until the deadline, and
// for a late message as long again as it took.
func (p *prober) graceFor(s *sent) time.Duration {
	since := time.Since(s.start)
	return max(0, min(max(p.deadline, 2*s.first), s.window)-since)
}

// settled reports whether waiting longer could not change the outcome.
func (s *sent) settled() bool {
	return s.refused != "" || s.answered && (s.arrived() || s.deaf)
}

func (s *sent) arrive(a arrival) {
	if s.copies == 0 {
		s.first = a.at.Sub(s.start)
	}
	s.copies++
	s.garbled = s.garbled || !a.intact
}

func (s *sent) acknowledge(a ack, conf *settings) {
	s.answered = true
	switch {
	case a.answer != nil && a.answer.ReasonCode >= 0x80:
		s.refused = conf.said(a.answer.ReasonCode, reasonString(a.answer))
	case errors.Is(a.err, paho.ErrInvalidArguments):
		// The client knows from CONNACK what the broker would refuse, such as a QoS.
		s.refused = a.err.Error()
	case a.err == nil:
		s.accepted, s.accept = true, a.after
		if a.answer.ReasonCode != 0 {
			s.note = conf.said(a.answer.ReasonCode, reasonString(a.answer))
		}
	}
}

func reasonString(answer *paho.PublishResponse) string {
	if answer.Properties == nil {
		return ""
	}
	return answer.Properties.ReasonString
}

// describe notes what happened to the message, in the order of the outcome rules.
func (s *sent) describe(j *journal) {
	if s.accepted {
		j.addAt(s.start.Add(s.accept), "publishing ended without a refusal%s", aside(s))
	}
	if s.refused != "" {
		j.add("broker refused: %s", s.refused)
	}
	if s.arrived() {
		j.addAt(s.start.Add(s.first), "message arrived")
	}
}
