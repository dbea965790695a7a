package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// prober holds the receiver of a touchpoint between its probes. It is safe for concurrent use.
type prober struct {
	settings
	inbox    push.Inbox
	standing push.Standing
	lock     chan struct{} // holds one token; whoever took it may open, drop and close the receiver
	receiver *receiver     // guarded by lock; nil when there is none
	opened   bool          // guarded by lock: there was one
	ended    bool          // guarded by lock
}

func newProber(s settings) *prober {
	p := &prober{settings: s, lock: make(chan struct{}, 1)}
	p.lock <- struct{}{}
	return p
}

// newID returns an id that nobody can guess or have seen before, in letters that no format has to escape.
func newID() string { return rand.Text() }

// Probe sends one message and waits for it.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	result, err := p.probe(ctx)
	p.redaction.Hide(&result)
	return result, p.redaction.Error(err)
}

func (p *prober) probe(ctx context.Context) (probe.Result, error) {
	start := time.Now()
	ctx, cancel := context.WithDeadline(ctx, start.Add(p.timeout))
	defer cancel()
	if withheld := (&probe.Result{Start: start, Evidence: new(probe.Evidence)}); p.standing.Withhold(start, withheld) {
		withheld.Duration = time.Since(start)
		return *withheld, nil
	}
	end, _ := ctx.Deadline()
	// A caller may allow less than the timeout: then the window shrinks too, and connecting keeps its fifth.
	times := push.Times{Deadline: p.Deadline, Window: min(p.Window, end.Sub(start)*4/5)}
	j := &journal{start: start, clientCert: p.clientCert}
	r, err := p.listening(ctx, end.Add(-times.Window), j)
	if err != nil {
		return p.unreached(j, err)
	}
	fate, err := p.exchange(ctx, r, times, j)
	if err != nil {
		p.release(r, false)
		return probe.Result{}, fmt.Errorf("waiting for the message: %w", err)
	}
	result := p.conclude(j, r, &fate)
	p.release(r, !fate.Arrived() && !fate.Refused() && !fate.Reply.Never)
	return result, nil
}

// listening returns the receiver, and opens it when there is none or it has ended: once. release must be called when it
// is no longer used.
func (p *prober) listening(ctx context.Context, by time.Time, j *journal) (*receiver, error) {
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	select {
	case <-p.lock:
		defer func() { p.lock <- struct{}{} }()
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, &failure{probe.ConnectTimeout, "no receiver in time"}
	}
	if p.ended {
		return nil, errors.New("the prober is closed")
	}
	if p.receiver != nil {
		why := p.receiver.dead()
		if why == nil {
			j.reused(p.receiver.response)
			p.receiver.users++
			return p.receiver, nil
		}
		j.dropped(why.detail)
		p.receiver.close()
		p.receiver = nil
	}
	r, err := p.open(ctx, j)
	if err != nil {
		return nil, err
	}
	if p.opened {
		j.reconnects++
	}
	r.users++
	p.receiver, p.opened = r, true
	return r, nil
}

// exchange sends one message and waits until its fate is known or the window is over.
func (p *prober) exchange(ctx context.Context, r *receiver, times push.Times, j *journal) (push.Fate, error) {
	if n := r.in.takeSkipped(); n > 0 {
		j.add("%d events of more than 64 KiB were skipped since the last probe", n)
	}
	id := newID()
	m := &outgoing{body: p.body.with(id)}
	expected := p.inbox.Expect(id)
	hearing, quit := context.WithCancel(r.alive)
	defer quit()
	j.add("publishing %q", payloadPrefix+id)
	fate, err := push.Attempt{
		Send:     func(ctx context.Context) (push.Reply, error) { return p.publish(ctx, m, quit) },
		Arrivals: expected.Arrivals(),
		Deaf:     hearing.Done(),
		Times:    times,
	}.Run(ctx)
	p.inbox.Forget(expected, fate.Arrived())
	m.close()
	j.exchanged(m.response)
	if m.refused != nil && !fate.Arrived() {
		fate.Reply.Answer, fate.Reply.Unasked = *m.refused, false
	}
	return fate, err
}

// release ends a probe's use of a receiver. One that a message showed to be useless is given up, so that the next probe
// opens a new one, as soon as no other probe waits for what arrives there.
func (p *prober) release(r *receiver, useless bool) {
	<-p.lock
	defer func() { p.lock <- struct{}{} }()
	r.users--
	r.useless = r.useless || useless
	if p.receiver == r && r.useless && r.users == 0 {
		r.close()
		p.receiver = nil
	}
}

// close ends the receiver and waits for what it started.
func (p *prober) close() {
	<-p.lock
	defer func() { p.lock <- struct{}{} }()
	p.ended = true
	if p.receiver != nil {
		p.receiver.close()
		p.receiver = nil
	}
}
