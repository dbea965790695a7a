package mqtt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// prober holds the two connections of a touchpoint between its probes. It is safe for concurrent use.
type prober struct {
	settings
	inbox    push.Inbox
	standing push.Standing
	lock     chan struct{} // holds one token; whoever took it may open, drop and close links
	links    links         // guarded by lock
	received bool          // there was a subscription before; guarded by lock
	ended    bool          // guarded by lock
}

// links are the two connections; nil where there is none.
type links struct{ send, receive *link }

func newProber(s settings) *prober {
	p := &prober{settings: s, lock: make(chan struct{}, 1)}
	p.lock <- struct{}{}
	return p
}

// Probe sends one message and waits for it.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	start := time.Now()
	ctx, cancel := context.WithDeadline(ctx, start.Add(p.timeout))
	defer cancel()
	if errors.Is(ctx.Err(), context.Canceled) {
		return probe.Result{}, ctx.Err()
	}
	j := &journal{start: start, clientCert: p.clientCert}
	r, held := p.withheld(j)
	if !held {
		var err error
		if r, err = p.message(ctx, j); err != nil {
			return probe.Result{}, p.redaction.Error(err)
		}
	}
	p.redaction.Hide(&r)
	return r, nil
}

// message connects where it has to, sends, and waits.
func (p *prober) message(ctx context.Context, j *journal) (probe.Result, error) {
	end, _ := ctx.Deadline()
	// A caller may allow less than the timeout: then the window shrinks too, and connecting keeps its fifth.
	window := min(p.times.Window, end.Sub(j.start)*4/5)
	held, err := p.connect(ctx, end.Add(-window), j)
	if err != nil {
		return p.unreached(j, err)
	}
	fate, err := p.exchange(ctx, held, window, j)
	p.release(held, &fate, err)
	if err != nil {
		return probe.Result{}, fmt.Errorf("waiting for the message: %w", err)
	}
	return p.conclude(j, &fate), nil
}

// connect returns both connections, the subscriber's subscribed, and opens those that are missing or have ended. release
// must be called when they are no longer used.
func (p *prober) connect(ctx context.Context, by time.Time, j *journal) (links, error) {
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	select {
	case <-p.lock:
		defer func() { p.lock <- struct{}{} }()
	case <-ctx.Done():
		return links{}, classify(ctx, probe.Connect, ctx.Err())
	}
	if p.ended {
		return links{}, errors.New("the prober is closed")
	}
	// The subscriber comes first: a message sent before it listens would prove nothing.
	if err := p.reopen(ctx, &p.links.receive, &p.receive, j); err != nil {
		j.measure(push.ReceiverUp, 0)
		return links{}, err
	}
	j.measure(push.ReceiverUp, 1)
	if err := p.reopen(ctx, &p.links.send, &p.send, j); err != nil {
		return links{}, err
	}
	p.links.receive.users++
	p.links.send.users++
	return p.links, nil
}

// reopen makes sure that *held is an open connection to end. It tries once.
func (p *prober) reopen(ctx context.Context, held **link, end *endpoint, j *journal) error {
	if *held != nil && (*held).dead() {
		j.dropped(end.role, (*held).last(&p.settings))
		(*held).close()
		*held = nil
	}
	if *held != nil {
		j.reused((*held).exchange)
		return nil
	}
	onMessage := p.arrived
	if end.role != subscriber {
		onMessage = func(delivery) {}
	}
	l, exchange, err := open(ctx, end, &p.settings, onMessage)
	j.opened(exchange)
	if err != nil {
		return err
	}
	j.add("%s connected as %q", end.role, end.clientID)
	if end.role == subscriber {
		if err := p.listen(ctx, l, j); err != nil {
			l.close()
			return err
		}
	}
	*held = l
	return nil
}

// listen makes a new connection the one that messages arrive on.
func (p *prober) listen(ctx context.Context, l *link, j *journal) error {
	granted, err := l.listen(ctx, &p.settings)
	if err != nil {
		return err
	}
	j.add("subscribed to %q at QoS %d, of %d asked for", p.topic, granted, p.qos)
	if p.received {
		j.measure(push.ReceiverReconnects, 1)
	}
	p.received = true
	return nil
}

// release ends a probe's use of the connections. Those that its message showed to be useless are given up, so that the
// next probe opens new ones, as soon as no other probe waits on them: both when nothing was heard, the subscriber's when
// only the acknowledgement came.
func (p *prober) release(used links, fate *push.Fate, err error) {
	silent := err == nil && !fate.Arrived() && !fate.Refused()
	<-p.lock
	defer func() { p.lock <- struct{}{} }()
	p.links.receive = released(p.links.receive, used.receive, silent)
	p.links.send = released(p.links.send, used.send, silent && !fate.Accepted())
}

// released returns what is held after one use of a connection has ended.
func released(held, used *link, useless bool) *link {
	used.users--
	used.useless = used.useless || useless
	if held != used || !used.useless || used.users > 0 {
		return held
	}
	used.close()
	return nil
}

// close ends both connections and waits for what they started.
func (p *prober) close() {
	<-p.lock
	defer func() { p.lock <- struct{}{} }()
	p.ended = true
	for _, l := range []*link{p.links.send, p.links.receive} {
		if l != nil {
			l.close()
		}
	}
	p.links = links{}
}
