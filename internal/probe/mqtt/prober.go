package mqtt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober holds the two connections of a touchpoint between its probes. It is safe for concurrent use.
type prober struct {
	settings
	inbox inbox
	lock  chan struct{} // holds one token; whoever took it may open, drop and close links
	links links         // guarded by lock
	ended bool          // guarded by lock
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
	end, _ := ctx.Deadline()
	// A caller may allow less than the timeout: then the window shrinks too, and connecting keeps its fifth.
	window := min(p.window, end.Sub(start)*4/5)
	j := &journal{start: start}
	held, err := p.connect(ctx, end.Add(-window), j)
	if err != nil {
		return p.unreached(j, err)
	}
	sent, err := p.exchange(ctx, held, window, j)
	if err != nil {
		return probe.Result{}, fmt.Errorf("waiting for the message: %w", err)
	}
	p.dropAfter(held, &sent)
	return p.conclude(j, &sent), nil
}

// connect returns both connections, the subscriber's subscribed, and opens those that are missing or have ended.
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
		return links{}, err
	}
	if err := p.reopen(ctx, &p.links.send, &p.send, j); err != nil {
		return links{}, err
	}
	return p.links, nil
}

// reopen makes sure that *held is an open connection to end. It tries once.
func (p *prober) reopen(ctx context.Context, held **link, end *endpoint, j *journal) error {
	if *held != nil && (*held).dead() {
		j.dropped(end.role, (*held).farewell(&p.settings))
		(*held).close()
		*held = nil
	}
	if *held != nil {
		j.reused((*held).exchange)
		return nil
	}
	onMessage := p.inbox.deliver
	if end.role != subscriber {
		onMessage = nil
	}
	l, exchange, err := open(ctx, end, &p.settings, onMessage)
	j.opened(exchange)
	if err != nil {
		return err
	}
	j.add("%s connected as %q", end.role, end.clientID)
	if end.role == subscriber {
		if err := l.subscribe(ctx, &p.settings); err != nil {
			l.close()
			return err
		}
		j.add("subscribed to %q at QoS %d", p.topic, p.qos)
	}
	*held = l
	return nil
}

// dropAfter gives up connections that a message showed to be useless, so that the next probe opens new ones: both when
// nothing was heard, the subscriber's when only the acknowledgement came.
func (p *prober) dropAfter(used links, sent *sent) {
	if sent.arrived() || sent.refused != "" {
		return
	}
	<-p.lock
	defer func() { p.lock <- struct{}{} }()
	if p.links.receive == used.receive && used.receive != nil {
		used.receive.close()
		p.links.receive = nil
	}
	if !sent.accepted && p.links.send == used.send && used.send != nil {
		used.send.close()
		p.links.send = nil
	}
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
