package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// unreached is the result of a probe that could not send because nobody would have listened.
func (p *prober) unreached(j *journal, err error) (probe.Result, error) {
	why, ok := errors.AsType[*failure](err)
	if !ok {
		return probe.Result{}, fmt.Errorf("opening the receiver: %w", err)
	}
	r := j.result(false)
	r.Reason, r.Detail = why.reason, why.detail
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: push.MessagesTotal, Label: push.EndedUnsent, Value: 1})
	p.noteCredential(&r, why.reason == push.BadCredential, false)
	return r, nil
}

// conclude turns the fate of a message into a result, and into what becomes of the next one.
func (p *prober) conclude(j *journal, receiver *receiver, fate *push.Fate) probe.Result {
	said := fate.Reply.Answer
	p.standing.Note(time.Now(), said, p.every)
	switch {
	case fate.Arrived():
		j.add("the message arrived")
	case receiver.dead() != nil:
		j.add("the receiver was disconnected: %s", receiver.dead().detail)
	}
	r := j.result(true)
	fate.Conclude(&r, p.Deadline, p.inbox.TakeRepeats())
	p.noteCredential(&r, said.Word == push.CredentialRejected, fate.Accepted())
	return r
}

// noteCredential measures the last verdict on the credential, where there are both.
func (p *prober) noteCredential(r *probe.Result, rejected, taken bool) {
	if !p.credential || !rejected && !taken {
		return
	}
	verdict := 0.0
	if taken {
		verdict = 1
	}
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: push.CredentialOK, Value: verdict})
}
