package mqtt

import (
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// withheld returns the result of a probe that must not even log in, false when there is no reason to.
//
// A rejected user name is not tried again for a while: a second wrong password every half minute locks accounts, and
// this one can be the account that customers' messages go by. Nothing else pauses, because one small message costs a
// broker nothing, and waiting would hide the recovery.
func (p *prober) withheld(j *journal) (probe.Result, bool) {
	r := j.result()
	held := p.standing.Withhold(j.start, &r)
	return r, held
}

// unreached is the result of a probe that could not send because a connection was missing.
func (p *prober) unreached(j *journal, err error) (probe.Result, error) {
	why, ok := errors.AsType[*failure](err)
	if !ok {
		return probe.Result{}, fmt.Errorf("connecting to the broker: %w", err)
	}
	if why.reason == push.BadCredential {
		if p.identified() {
			j.measure(push.CredentialOK, 0)
		}
		if p.username != "" || p.password != "" {
			p.standing.Note(time.Now(), why.answer, p.every)
		}
	}
	r := j.result()
	if why.reason == versionRefused {
		// A broker that speaks another version was not measured: its messages are nobody's loss.
		r.Reason, r.Detail = why.reason, why.detail
		return r, nil
	}
	fate := push.Fate{
		Start: j.start, Answered: true, Waited: r.Duration,
		Reply: push.Reply{Never: true, Reason: why.reason, Detail: why.detail, Answer: why.answer},
	}
	fate.Conclude(&r, p.times.Deadline, 0)
	r.Detail = why.detail
	return r, nil
}

// conclude turns the fate of a message into a result.
func (p *prober) conclude(j *journal, fate *push.Fate) probe.Result {
	if p.identified() {
		j.measure(push.CredentialOK, 1)
	}
	r := j.result()
	fate.Conclude(&r, p.times.Deadline, p.inbox.TakeRepeats())
	return r
}
