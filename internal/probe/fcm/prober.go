package fcm

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// prober sends messages to one device. It is safe for concurrent use: who needs an access token at the same time asks
// for one each, so that nobody waits longer than its own context.
type prober struct {
	settings
	client   *httpx.Client
	receipts *ledger.Account
	standing push.Standing

	mu   sync.Mutex
	held token // the last access token
}

// Probe sends one message and waits for its answer and, in the mode canary, for its receipt.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	s := &sending{prober: p, start: time.Now(), secrets: secretsOf(p.target)}
	s.refreshed = push.Written(p.file, p.refreshed)
	p.standing.TargetWritten(s.refreshed)
	var withheld probe.Result
	if p.standing.Withhold(s.start, &withheld) {
		return s.result(&withheld, nil), nil
	}
	ctx, cancel := context.WithDeadline(ctx, s.start.Add(p.timeout))
	defer cancel()
	fate, err := s.run(ctx)
	if err != nil {
		return probe.Result{}, fmt.Errorf("sending a message: %w", err)
	}
	p.standing.Note(time.Now(), fate.Reply.Answer, p.every)
	var r probe.Result
	fate.Conclude(&r, p.Deadline, p.receipts.TakeRepeats())
	return s.result(&r, &fate), nil
}

// sending is one message on its way.
type sending struct {
	*prober
	start     time.Time
	refreshed time.Time // when the file of the target was written
	secrets   []string  // that the provider has been told, and could repeat
	token     token
	exchanges []probe.Exchange
	events    []probe.Event
	answered  *httpx.Response // to the message; nil when it was not sent
}

// run gets an access token and sends the message with it. Without one, the message is not sent, and its fate is that of
// the token exchange.
func (s *sending) run(ctx context.Context) (push.Fate, error) {
	s.token = s.cached()
	if s.token.value == "" {
		granted, reply, err := s.exchange(ctx)
		if err != nil {
			return push.Fate{}, err
		}
		if granted.value == "" {
			return push.Fate{Start: s.start, Reply: reply, Answered: true, Watched: s.mode == canary, Waited: time.Since(s.start)}, nil
		}
		s.note("access token taken")
		s.token = granted
		s.keep(granted)
	}
	s.secrets = append(s.secrets, s.token.secrets...)
	fate, err := s.attempt(ctx)
	if fate.Reply.Answer.Word == push.CredentialRejected {
		s.keep(token{})
	}
	return fate, err
}

// cached returns the last access token unless it ends soon.
func (p *prober) cached() token {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.held.usable(time.Now()) {
		return token{}
	}
	return p.held
}

func (p *prober) keep(t token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = t
}

// attempt sends the message and waits for what becomes of it.
func (s *sending) attempt(ctx context.Context) (push.Fate, error) {
	end, _ := ctx.Deadline()
	a := push.Attempt{Times: push.Times{Deadline: s.Deadline, Window: min(s.Window, time.Until(end))}}
	receipt := ""
	if s.mode == canary {
		e := s.receipts.Expect(time.Now().Add(a.Window))
		defer s.receipts.Forget(e)
		receipt, a.Arrivals = s.confirm+e.ID, e.Arrivals()
		s.secrets = append(s.secrets, e.ID)
	}
	body, err := s.body(receipt)
	if err != nil {
		return push.Fate{}, err
	}
	a.Send = func(ctx context.Context) (push.Reply, error) { return s.post(ctx, body) }
	fate, err := a.Run(ctx)
	if err == nil && fate.Arrived() {
		s.events = append(s.events, probe.Event{At: fate.Start.Add(fate.Reply.Lead + fate.First).Sub(s.start), Text: "receipt of the device"})
	}
	return fate, err
}

// post hands the message to the provider, once.
func (s *sending) post(ctx context.Context, body []byte) (push.Reply, error) {
	resp, err := s.client.Do(ctx, &httpx.Request{
		Method: http.MethodPost,
		URL:    s.send,
		Header: http.Header{"Authorization": {"Bearer " + s.token.value}, "Content-Type": {"application/json"}},
		Body:   body,
	})
	if err != nil {
		return push.Reply{}, err
	}
	s.record(resp)
	s.answered = resp
	reply := push.HTTPReply(resp, func(resp *httpx.Response) push.Answer {
		return readAnswer(resp, probe.NewRedaction(s.secrets...))
	})
	if reply.Answer.Word == push.Accepted {
		s.note("accepted as " + reply.Answer.Said)
	}
	return reply, nil
}

func (s *sending) note(text string) {
	s.events = append(s.events, probe.Event{At: time.Since(s.start), Text: text})
}
