package apns

import (
	"context"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// answerWithin is how long Apple's answer is waited for. A receipt is waited for until the window is over.
const answerWithin = 30 * time.Second

// prober sends one message per probe. It is safe for concurrent use.
type prober struct {
	settings
	client   *httpx.Client
	receipts *ledger.Account
	standing push.Standing
}

// Probe sends one message and waits for Apple's answer, and for the receipt where a device sends one.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	start := time.Now()
	r := probe.Result{Start: start, Evidence: &probe.Evidence{}}
	refreshed := push.Written(p.deviceFile, p.refreshed)
	measure(&r, push.TargetRefreshed, float64(refreshed.Unix()))
	p.standing.TargetWritten(refreshed)
	if p.standing.Withhold(start, &r) {
		r.Duration = time.Since(start)
		return r, nil
	}
	attempt, receipt := push.Attempt{Times: p.times}, ""
	if p.settings.receipts != "" {
		expected := p.receipts.Expect(start.Add(p.times.Window))
		defer p.receipts.Forget(expected)
		attempt.Arrivals, receipt = expected.Arrivals(), expected.ID
	}
	m, err := p.newMessage(start, receipt)
	if err != nil {
		return probe.Result{}, fmt.Errorf("making a message: %w", err)
	}
	var resp *httpx.Response
	attempt.Send = func(ctx context.Context) (push.Reply, error) {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		var err error
		if resp, err = p.client.Do(ctx, m.request); err != nil {
			return push.Reply{}, err
		}
		return p.reply(resp, m.redaction), nil
	}
	fate, err := attempt.Run(ctx)
	if err != nil {
		return probe.Result{}, fmt.Errorf("sending a message: %w", m.redaction.Error(err))
	}
	p.standing.Note(time.Now(), fate.Reply.Answer, p.every)
	fate.Conclude(&r, p.times.Deadline, p.receipts.TakeRepeats())
	p.conclude(&r, &fate, resp, m.id)
	m.redaction.Hide(&r)
	return r, nil
}

// reply says how sending ended.
func (p *prober) reply(resp *httpx.Response, secrets probe.Redaction) push.Reply {
	reply := push.HTTPReply(resp, func(resp *httpx.Response) push.Answer { return p.read(resp, secrets, time.Now()) })
	// The sandbox gives every message an id that its delivery log can be found by in Apple's console.
	if id := resp.Header.Get("Apns-Unique-Id"); id != "" {
		reply.Note = "apns-unique-id " + push.Said(secrets, id)
	}
	return reply
}

// conclude adds what only this kind knows, and the evidence. resp is nil when there was none.
func (p *prober) conclude(r *probe.Result, fate *push.Fate, resp *httpx.Response, id string) {
	answer := fate.Reply.Answer
	switch answer.Word {
	case push.Accepted:
		measure(r, push.CredentialOK, 1)
		measure(r, push.TargetValid, 1)
	case push.CredentialRejected:
		measure(r, push.CredentialOK, 0)
	case push.TargetGone, push.TargetInvalid:
		measure(r, push.TargetValid, 0)
	}
	if resp != nil {
		r.Evidence.Exchanges = resp.Exchanges
		r.NoteCertificate(resp.NotBefore, resp.NotAfter, r.Start)
	}
	event := func(at time.Duration, format string, args ...any) {
		r.Evidence.Events = append(r.Evidence.Events, probe.Event{At: at, Text: fmt.Sprintf(format, args...)})
	}
	if resp != nil && !fate.Reply.Never {
		event(fate.Reply.Lead, "message sent to %q with the apns-id %s", p.topic, id)
	}
	if answer.Word != push.Unanswered && answer.Word != "" {
		event(fate.Reply.After, "Apple %s", answer)
	}
	if fate.Arrived() {
		event(fate.Reply.Lead+fate.First, "the device confirmed it")
	}
}

func measure(r *probe.Result, metric string, value float64) {
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: metric, Value: value})
}
