package webpush

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// prober sends the messages of a touchpoint. It is safe for concurrent use.
type prober struct {
	settings
	receiver
	account  *ledger.Account // of messages that a browser confirms
	standing push.Standing
}

func newProber(s settings, receipts *ledger.Ledger, states *claims) *prober {
	p := &prober{settings: s, account: receipts.Account(), receiver: receiver{lock: make(chan struct{}, 1), states: states}}
	p.lock <- struct{}{}
	return p
}

// Probe sends one message and waits until it arrives, or where nobody sees that, until it is accepted.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	j := &journal{start: time.Now()}
	ctx, cancel := context.WithDeadline(ctx, j.start.Add(p.timeout))
	defer cancel()
	if p.target != nil {
		j.refreshed = push.Written(p.file, p.refreshed)
		p.standing.TargetWritten(j.refreshed)
	}
	if r := j.result(p.secure); p.standing.Withhold(j.start, &r) {
		return r, nil
	}
	end, _ := ctx.Deadline()
	// A caller may allow less than the timeout: then the window shrinks too, and connecting keeps its fifth.
	times := p.times
	times.Window = min(times.Window, end.Sub(j.start)*4/5)
	m, err := p.prepare(ctx, times.Window, end, j)
	if err != nil {
		return p.unreached(j, err)
	}
	j.add("message sent")
	fate, err := push.Attempt{
		Send:     func(ctx context.Context) (push.Reply, error) { return p.send(ctx, m, j) },
		Arrivals: m.arrivals, Deaf: m.deaf, Times: times,
	}.Run(ctx)
	m.forget(fate.Arrived())
	if err != nil {
		return probe.Result{}, fmt.Errorf("waiting for the message: %w", err)
	}
	return p.conclude(j, m, &fate), nil
}

// prepare returns the message to send, with everything ready that sees it arrive.
func (p *prober) prepare(ctx context.Context, window time.Duration, end time.Time, j *journal) (*message, error) {
	switch p.receive {
	case bySelf:
		return p.watch(ctx, end.Add(-window), j)
	case byReceipt:
		return p.receipted(window), nil
	}
	return p.unwatched(), nil
}

// unreached is the result of a probe that sent nothing because the receiver was not connected.
func (p *prober) unreached(j *journal, err error) (probe.Result, error) {
	why, ok := errors.AsType[*failure](err)
	if !ok {
		return probe.Result{}, fmt.Errorf("connecting the receiver: %w", err)
	}
	j.measure(push.ReceiverUp, 0)
	r := j.result(p.secure)
	r.Reason, r.Detail = why.reason, why.detail
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: push.MessagesTotal, Label: push.EndedUnsent, Value: 1})
	return r, nil
}

// conclude turns the fate of a message into a result, and draws its consequences for the next one.
func (p *prober) conclude(j *journal, m *message, fate *push.Fate) probe.Result {
	answer := fate.Reply.Answer
	if fate.Accepted() {
		j.addAt(fate.Start.Add(fate.Reply.After), "accepted with status %d", answer.Code)
	}
	if fate.Arrived() {
		j.addAt(fate.Start.Add(fate.Reply.Lead+fate.First), "message arrived")
	}
	if m.via != nil {
		j.measure(push.ReceiverUp, 1)
		p.dropAfter(m.via, fate)
	}
	if m.via == nil || !m.via.gone.Load() {
		p.standing.Note(time.Now(), answer, p.every)
	}
	p.measureHealth(j, answer.Word)
	r := j.result(p.secure)
	repeats := p.inbox.TakeRepeats()
	if p.receive == byReceipt {
		repeats = p.account.TakeRepeats()
	}
	fate.Conclude(&r, p.times.Deadline, repeats)
	m.redaction().Hide(&r)
	return r
}

// measureHealth notes what an answer says about the key and the subscription.
func (p *prober) measureHealth(j *journal, word push.Word) {
	switch word {
	case push.Accepted:
		j.measure(push.TargetValid, 1)
		p.measureCredential(j, 1)
	case push.TargetGone, push.TargetInvalid:
		j.measure(push.TargetValid, 0)
	case push.CredentialRejected:
		p.measureCredential(j, 0)
	}
	if p.receive != bySelf {
		j.measure(push.TargetRefreshed, float64(j.refreshed.UnixMilli())/1000)
	}
}

func (p *prober) measureCredential(j *journal, verdict float64) {
	if p.vapid != nil {
		j.measure(push.CredentialOK, verdict)
	}
}
